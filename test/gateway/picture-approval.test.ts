/// <reference lib="dom" />
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Policy } from '../../domain/policy/policy.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';
import { startViewer, type Viewer } from './picture-browser.ts';

const POLICY = Policy.parse({
  rules: [{ name: 'live NICs', match: { interrupts: true }, action: 'approval' }],
});
const TOKENS = { alice: ['read', 'change'], bob: ['read', 'approve'] } as const;

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('a plan is approved in the picture: there is no Chromium here', () => {});
else look(viewer);

function look(viewer: Viewer): void {
  let served: Served;
  beforeAll(async () => {
    const tokens = Object.entries(TOKENS).map(([name, verbs]) => ({
      ...{ name, sha256: createHash('sha256').update(name).digest(), hosts: ['*'], verbs: [...verbs] },
    }));
    served = await serve({ tokens, configured: { policy: POLICY } });
  });
  afterAll(async () => {
    await viewer.close();
    await served.close();
  });

  test.each([
    ['approved', 'LNX10001', 1, 'Approve the plan …', 'Approve it', 'Done.', 200],
    ['rejected', 'LNX10003', 2, 'Reject the plan …', 'Reject it', 'Refused: nothing was touched.', 100],
  ] as const)(
    'a plan that waits for a second person is %s by them in the picture, with its steps in sight',
    async (_decided, userid, number, action, start, ending, vlanAfter) => {
      const alice = { authorization: 'Bearer alice' };
      const port = `/v1/hosts/${served.host}/guests/${userid}/ports/${portId(number)}`;
      const made = { vswitch: 'VSW1', network: vlan(100) };
      expect((await served.call('PUT', `${port}?live=true`, made, { ...alice, ...WAIT })).status).toBe(200);
      const { body } = await served.call('PATCH', port, { network: vlan(200) }, alice);
      const page = await viewer.open(served, `&operation=${encodeURIComponent(`${body.id}/${body.runId}`)}`);
      await page.locator('#token').fill('bob');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: action }).click();
      expect(await page.locator('#change .report').innerText()).toContain('VLAN 200');
      await page.getByLabel('Reason').fill('reviewed');
      await viewer.picture(page, 'approval');
      await page.getByRole('button', { name: start }).click();
      await expect.poll(() => page.locator('#change .status').textContent()).toBe(ending);
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('#detail').innerText()).toMatch(/(Approved|Rejected) by\s+bob: reviewed/);
      expect((await served.environment.guest(userid)).granted).toEqual({ VSW1: [vlanAfter] });
      await viewer.closePages();
    },
  );
}
