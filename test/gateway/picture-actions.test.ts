/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';
import { startViewer, type Viewer } from './picture-browser.ts';
import { wireSmallHost } from './picture-scene.ts';

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('the picture changes a host: there is no Chromium here', () => {});
else look(viewer);

const nic = (userid: string, number: number) => `&guest=${userid}&nic=${userid}/${portId(number)}`;
const status = (page: Page) => page.locator('#change .status');
const report = (page: Page) => page.locator('#change .report');
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();

function look(viewer: Viewer): void {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await wireSmallHost({ ...served.environment });
  });
  afterEach(() => viewer.closePages());
  afterAll(async () => {
    await viewer.close();
    await served.close();
  });

  const granted = async (userid: string) => (await served.environment.guest(userid)).granted;
  const coupled = async (userid: string, vdev: string) =>
    (await served.environment.guest(userid)).nics.find((each) => each.vdev === vdev)?.vswitch ?? undefined;

  describe('a change', () => {
    test('of a VLAN shows its plan first, then its run, and is what z/VM has', async () => {
      const page = await viewer.openDrawn(served, nic('LNX10009', 11));
      await press(page, 'Change the network …');
      await page.getByLabel('VLAN', { exact: true }).fill('4095');
      await page.keyboard.press('Enter');
      expect(await page.locator('#change-vlans:invalid').count()).toBe(1);
      await page.getByLabel('VLAN', { exact: true }).fill('203');
      await viewer.picture(page, 'change-fields');
      await page.keyboard.press('Enter');
      await expect.poll(() => status(page).textContent()).toContain('The NIC is live: it is off the network');
      expect(await report(page).innerText()).toContain('VLAN 203');
      expect(await granted('LNX10009')).toMatchObject({ VSW1: [102] });
      await viewer.picture(page, 'change-planned');

      await page.getByLabel('Reason').fill('ticket 4711 – Umzug');
      await press(page, 'Change it');
      await expect.poll(() => status(page).textContent()).toBe('Done.');
      expect(await granted('LNX10009')).toMatchObject({ VSW1: [203] });
      await viewer.picture(page, 'change-done');

      await press(page, 'Show the operation');
      const detail = page.locator('#detail');
      await expect.poll(() => detail.innerText()).toContain('ticket 4711 – Umzug');
      expect(await detail.innerText()).toMatch(/Asked by\s+anonymous \(http\)/);
      expect(await detail.locator('.steps').innerText()).toContain('VLAN 203');
      const sent = await viewer.openDrawn(served, new URL(page.url()).search.replace(/^\?host=[^&]*/, ''));
      await expect.poll(() => sent.locator('#detail').innerText()).toContain('ticket 4711');
      await viewer.picture(sent, 'operation');
    });

    test('holds the host, with a reason, and releases it', async () => {
      const page = await viewer.openDrawn(served, '');
      await press(page, 'Hold the host …');
      await expect.poll(() => status(page).textContent()).toContain('Nothing is written to this z/VM');
      await press(page, 'Hold it');
      expect(await page.locator('#change-reason:invalid').count()).toBe(1);
      await page.getByLabel('Reason').fill('new OSA cards');
      await press(page, 'Hold it');
      await expect.poll(() => status(page).textContent()).toBe('The host is held.');
      await viewer.picture(page, 'change-held');
      await page.keyboard.press('Escape');
      const detail = page.locator('#detail');
      await expect.poll(() => detail.innerText()).toMatch(/Held by anonymous .*: new OSA cards\. Nothing is written/);
      await press(page, 'Release the host …');
      await press(page, 'Release it');
      await expect.poll(() => status(page).textContent()).toBe('The host is released.');
      await page.keyboard.press('Escape');
      await expect.poll(() => detail.innerText()).not.toContain('Held by');
    });

    test('sets a port down and up, detaches its NIC and attaches it again', async () => {
      const page = await viewer.openDrawn(served, nic('LNX10005', 7));
      for (const [action, start, on] of [
        ['Set the port down …', 'Set it down', undefined],
        ['Set the port up …', 'Set it up', 'VSW1'],
        ['Detach the NIC …', 'Detach it', undefined],
        ['Attach the NIC …', 'Attach it', 'VSW1'],
      ] as const) {
        await press(page, action);
        await press(page, start);
        await expect.poll(() => status(page).textContent()).toBe('Done.');
        expect(await coupled('LNX10005', '1000'), action).toBe(on);
        await page.keyboard.press('Escape');
      }
    });

    test('that would do nothing cannot be started', async () => {
      const page = await viewer.openDrawn(served, nic('LNX10001', 1));
      await press(page, 'Change the network …');
      await press(page, 'Show the plan');
      await expect.poll(() => status(page).textContent()).toBe('Nothing would change.');
      expect(await page.getByRole('button', { name: 'Change it' }).count()).toBe(0);
    });

    test('that is refused names the field and the way out', async () => {
      const page = await viewer.openDrawn(served, nic('LNX10001', 1));
      await press(page, 'Change the network …');
      await page.locator('#change').getByLabel('VSWITCH').selectOption('VSWFLAT');
      await press(page, 'Show the plan');
      await expect.poll(() => status(page).textContent()).toBe('Refused: nothing was touched.');
      expect(await report(page).innerText()).toContain('VSWFLAT');
      await viewer.picture(page, 'change-refused');
    });

    test('whose plan is overtaken touches nothing, and plans again', async () => {
      const page = await viewer.openDrawn(served, nic('LNX10003', 5));
      await press(page, 'Change the network …');
      await page.getByLabel('VLAN', { exact: true }).fill('120');
      await press(page, 'Show the plan');
      await expect.poll(() => status(page).textContent()).toContain('would be carried out');
      const path = `/v1/hosts/${served.host}/guests/LNX10003/ports/${portId(5)}`;
      expect((await served.call('PATCH', path, { network: vlan(121) }, WAIT)).status).toBe(200);
      await press(page, 'Change it');
      await expect.poll(() => status(page).textContent()).toContain('has changed since the plan');
      expect(await granted('LNX10003')).toMatchObject({ VSW1: [121] });
      await press(page, 'Show the new plan');
      await expect.poll(() => status(page).textContent()).toContain('would be carried out');
      await press(page, 'Change it');
      await expect.poll(() => status(page).textContent()).toBe('Done.');
      expect(await granted('LNX10003')).toMatchObject({ VSW1: [120] });
    });

    test('goes on when its dialog is closed; the keyboard alone does all, and the focus comes back', async () => {
      const page = await viewer.openDrawn(served, nic('LNX10003', 5));
      const button = page.getByRole('button', { name: 'Set the port down …' });
      await button.focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('change-reason');
      await expect.poll(() => status(page).textContent()).toContain('would be carried out');
      await page.keyboard.press('Escape');
      expect(await page.locator('#change').isVisible()).toBe(false);
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Set the port down …');
      expect(await page.locator('#detail h2').textContent()).toContain('LNX10003');

      await page.keyboard.press('Enter');
      await expect.poll(() => status(page).textContent()).toContain('would be carried out');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Escape');
      await expect.poll(() => coupled('LNX10003', '1000')).toBeUndefined();
    });
  });

  describe('an operation', () => {
    test('that runs is cancelled and followed until it is rolled back', async () => {
      const hold = await served.environment.hold({ command: 'Virtual_Network_Adapter_Disconnect' });
      const path = `/v1/hosts/${served.host}/guests/LNX10005/ports/${portId(7)}`;
      const before = await granted('LNX10005');
      const { body } = await served.call('PATCH', path, { network: vlan(190) }, { 'change-reason': 'a mistake' });
      await hold.reached();
      const page = await viewer.openDrawn(served, `&operation=${encodeURIComponent(`${body.id}/${body.runId}`)}`);
      await expect.poll(() => page.locator('#detail').innerText()).toContain('a mistake');
      await viewer.picture(page, 'operation-running');
      await press(page, 'Cancel the operation …');
      expect(await status(page).textContent()).toContain('rolled back');
      await press(page, 'Cancel it');
      await expect.poll(() => status(page).textContent()).toBe('In progress …');
      await hold.release();
      await expect.poll(() => status(page).textContent()).toBe('Cancelled.');
      expect(await granted('LNX10005')).toEqual(before);
    });

    test('that has failed says why, and is retried by a plan', async () => {
      const fault = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', rc: 212, rs: 52 };
      await served.environment.control('POST', 'faults', { match: {}, action: fault, times: 1 });
      const path = `/v1/hosts/${served.host}/guests/LNX10001/ports/${portId(1)}`;
      const { body } = await served.call('PATCH', path, { network: vlan(180) }, WAIT);
      const operation = await served.call('GET', `/v1/operations/${encodeURIComponent(body.operation)}`);
      const page = await viewer.openDrawn(
        served,
        `&operation=${encodeURIComponent(`${operation.body.id}/${operation.body.runId}`)}`,
      );
      await expect.poll(() => page.locator('#detail').innerText()).toContain('It was rolled back.');
      await viewer.picture(page, 'operation-failed');
      await press(page, 'Retry the operation …');
      await expect.poll(() => status(page).textContent()).toContain('would be carried out');
      await press(page, 'Retry it');
      await expect.poll(() => status(page).textContent()).toBe('Done.');
      expect(await granted('LNX10001')).toMatchObject({ VSW1: [180] });
    });

    test('that has changed something is taken back by a plan', async () => {
      const path = `/v1/hosts/${served.host}/guests/LNX10001/ports/${portId(1)}`;
      const before = await granted('LNX10001');
      const { body } = await served.call('PATCH', path, { network: vlan(181) }, WAIT);
      const page = await viewer.openDrawn(served, `&operation=${encodeURIComponent(`${body.id}/${body.runId}`)}`);
      await press(page, 'Undo the operation …');
      await expect.poll(() => status(page).textContent()).toContain('would be carried out');
      await press(page, 'Take it back');
      await expect.poll(() => status(page).textContent()).toBe('Done.');
      expect(await granted('LNX10001')).toEqual(before);
    });

    test('compares and repairs a host now', async () => {
      const page = await viewer.openDrawn(served);
      await press(page, 'Reconcile now …');
      await expect.poll(() => report(page).innerText()).toContain('LNX10007');
      await viewer.picture(page, 'reconcile-planned');
      await press(page, 'Repair it');
      await expect.poll(() => status(page).textContent()).toBe('Done.');
      expect(await granted('LNX10007')).toMatchObject({ VSW2: [201] });
      await expect.poll(() => page.locator('.guest.drift').count()).toBe(0);
    });
  });

  test('no page complained, and none asked another host for anything', () => {
    expect(viewer.complaints()).toEqual([]);
  });
}
