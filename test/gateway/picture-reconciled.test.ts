/// <reference lib="dom" />
import { afterAll, expect, test } from 'vitest';
import { ensureReconcileSchedule } from '../../runtime/host/reconcile-schedule.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { serve } from './environment.ts';
import { startViewer, type Viewer } from './picture-browser.ts';

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('a page shows how reconciliation goes: there is no Chromium here', () => {});
else look(viewer);

function look(viewer: Viewer): void {
  afterAll(() => viewer.close());

  test('shows when reconciliation succeeded last and why it fails now, in one time zone, wherever the browser is', async () => {
    const served = await serve();
    const { client, control } = served.environment;
    await ensureReconcileSchedule(client, served.host, { intervalSeconds: 3_600, sweepSeconds: 3_600 });
    const schedule = client.schedule.getHandle(reconcileScheduleId(served.host));
    await schedule.trigger();
    const page = await viewer.openDrawn(served, '', { timezoneId: 'Asia/Tokyo' });
    const reconciled = page.locator('#reconciled');
    await expect.poll(() => reconciled.textContent()).toMatch(/^reconciled \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    expect(await page.locator('#live').textContent()).toMatch(/^live · read \d\d:\d\d:\d\d UTC$/);
    await control('POST', 'faults', { match: {}, action: { kind: 'status', status: 503, text: 'xcatd is down' } });
    await schedule.trigger();
    await expect
      .poll(() => reconciled.textContent())
      .toMatch(/^reconciliation fails: .*HTTP 503: .*xcatd is down.*; last success: \d{4}-.* UTC\)$/s);
    await expect.poll(() => page.locator('#problem').textContent()).toContain('xcatd is down');
    await viewer.picture(page, 'reconciliation-fails');
    await viewer.closePages();
    await schedule.delete();
    await served.close();
  });
}
