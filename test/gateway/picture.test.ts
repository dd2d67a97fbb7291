/// <reference lib="dom" />
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve } from './environment.ts';
import { busAt, colours, end, spread, startViewer, type Viewer, wire } from './picture-browser.ts';
import { systemOf, wireSmallHost } from './picture-scene.ts';

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('a host of ten guests is drawn: there is no Chromium here', () => {});
else look(viewer);

function look(viewer: Viewer): void {
  afterAll(() => viewer.close());

  describe('a host of ten guests', () => {
    let served: Served;
    beforeAll(async () => {
      served = await serve();
      await wireSmallHost({ ...served.environment });
    });
    afterAll(async () => {
      await viewer.closePages();
      await served.close();
    });

    test('is drawn as a network engineer would draw it', async () => {
      const page = await viewer.openDrawn(served);
      const red = (await colours(page.locator('.badge'), 'fill'))[0];

      // Each NIC by its vdev, on a wire that ends at its VSWITCH's bus.
      expect(await page.locator('.guest[data-userid="LNX10005"] .vdev').allTextContents()).toEqual([
        '1000',
        '1003',
        '1006',
      ]);
      for (const [userid, vdev, vswitch] of [
        ['LNX10001', '1000', 'VSW1'],
        ['LNX10001', '1003', 'VSWFLAT'],
        ['LNX10003', '1003', 'VSWPORT'],
      ] as const) {
        const bus = await busAt(page, vswitch);
        for (const { left, right } of await spread(wire(page, userid, vdev).locator('.strand')))
          expect(Math.min(Math.abs(left - bus), Math.abs(right - bus)), `${userid} ${vdev}`).toBeLessThan(3);
      }
      // One colour for one VLAN, another for another, grey for flat; a trunk has a strand for each of its VLANs.
      const of = (userid: string, vdev: string) => colours(wire(page, userid, vdev).locator('.strand'), 'stroke');
      const [first] = await of('LNX10001', '1000');
      expect(await of('LNX10002', '1000')).toEqual([first]);
      expect(await of('LNX10005', '1000')).toEqual([first]);
      const trunk = await of('LNX10003', '1003');
      expect(trunk).toHaveLength(3);
      expect(await of('LNX10005', '1003')).toEqual([trunk[0]]);
      const all = [first, ...(await of('LNX10001', '1003')), ...(await of('LNX10003', '1000')), ...trunk];
      expect(new Set([...all, red]).size).toBe(all.length + 1);
      expect(await page.locator('#legend .chip').allTextContents()).toEqual([
        '100×3',
        '101×1',
        '102×1',
        '200×1',
        '201×1',
        '300×2',
        '301×1',
        '302×1',
        'flat×2',
      ]);

      // Drift is red and ends before its VSWITCH; what is not coupled ends open; what is down is dashed; what is foreign is so in grey.
      expect(await of('LNX10007', '1000')).toEqual([red]);
      expect(await end(page, 'LNX10007', '1000').locator('.cross').count()).toBe(1);
      expect(await page.locator('.guest.drift').count()).toBe(1);
      expect(await end(page, 'LNX10002', '1000').locator('.open-end').count()).toBe(1);
      expect(
        await wire(page, 'LNX10005', '1006')
          .locator('.strand')
          .evaluate((node) => getComputedStyle(node).strokeDasharray),
      ).not.toBe('none');
      expect(await page.locator('.guest[data-userid="LNX10005"] .port.down .word').textContent()).toBe('down');
      expect(await page.locator('.port.foreign').count()).toBe(2);
      expect(await of('LNX10009', '0600')).not.toContain(red);

      const states = await page
        .locator('.uplink')
        .evaluateAll((nodes) =>
          nodes.map((node) => `${node.getAttribute('data-rdev')} ${node.getAttribute('data-state')}`),
        );
      expect(states).toEqual(expect.arrayContaining(['6266 active', '6272 backup', '6269 inactive', '6275 active']));
      await viewer.picture(page, 'small');
    });

    test('wires of guests on both sides never lie on each other', async () => {
      const page = await viewer.openDrawn(served);
      const rows = await page
        .locator('.wire')
        .evaluateAll((nodes) => nodes.map((node) => node.querySelector('.strand')?.getAttribute('y1')));
      expect(new Set(rows).size).toBe(rows.length);
    });

    test('a change is shown without a reload: one of this project, and one of an administrator', async () => {
      const page = await viewer.openDrawn(served);
      await page.evaluate(() => Object.assign(window, { stayed: true }));
      await page.evaluate(noteFlash, '.wire.flash[data-owner="LNX10009"][data-vdev="1000"]');
      const before = await colours(wire(page, 'LNX10009', '1000').locator('.strand'), 'stroke');
      await served.call(
        'PATCH',
        `/v1/hosts/${served.host}/guests/LNX10009/ports/${portId(11)}`,
        { network: vlan(103) },
        { prefer: 'wait=60' },
      );
      const label = end(page, 'LNX10009', '1000').locator('.vlan');
      await expect.poll(() => label.textContent()).toBe('103');
      expect(await page.evaluate(() => 'flashed' in window)).toBe(true);
      expect(await colours(wire(page, 'LNX10009', '1000').locator('.strand'), 'stroke')).not.toEqual(before);

      await served.call('PUT', `/v1/hosts/${served.host}/vswitches/VSW2?dryRun=true`, {}, { prefer: 'wait=60' });
      await expect.poll(() => page.locator('#operations').innerText()).toContain('ensureVswitch VSW2');

      const vswitch = systemOf(served.environment.simulator).vswitch('VSW1');
      if (vswitch !== undefined) systemOf(served.environment.simulator).setUplink(vswitch, '6266', false);
      const active = page.locator('[data-vswitch="VSW1"] .uplink.active');
      await expect.poll(() => active.getAttribute('data-rdev')).toBe('6272');
      expect(await page.evaluate(() => 'stayed' in window)).toBe(true);
    });

    test('a guest is shown beside what z/VM has, its operations lead to their runs, and the link to it can be sent', async () => {
      const page = await viewer.openDrawn(served);
      await page.locator('.guest[data-userid="LNX10007"] .port').click();
      const detail = page.locator('#detail');
      await expect.poll(() => detail.innerText()).toContain('LNX10007 is not authorised on VSW2');
      await expect.poll(() => detail.innerText()).toContain('grant LNX10007 on VSW2 with VLAN 201');
      expect(await detail.innerText()).toContain(portId(10));
      const operation = detail.locator('.operations button').first();
      await expect.poll(() => operation.textContent()).toBe('attachNic LNX10007');
      await viewer.picture(page, 'drift');
      await operation.click();
      await expect
        .poll(() => detail.getByRole('link', { name: 'Temporal UI' }).getAttribute('href'))
        .toMatch(/^http:\/\/ui\.example\/namespaces\/[^/]+\/workflows\/.*LNX10007.*\/history/);
      await page.goBack();
      await expect.poll(() => detail.locator('h2').textContent()).toContain('LNX10007');

      const sent = new URL(page.url()).search;
      const other = await viewer.openDrawn(served, `&${sent.slice(1)}`);
      await expect.poll(() => other.locator('#detail h2').textContent()).toContain('LNX10007');
      expect(await other.locator('.guest.chosen').getAttribute('data-userid')).toBe('LNX10007');
      await page.goBack();
      await expect.poll(() => page.locator('#detail h2').textContent()).toContain(served.host);
    });

    test('is found, picked out and walked through by the keyboard alone', async () => {
      const page = await viewer.openDrawn(served);
      const guests = () =>
        page.locator('[data-userid]').evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-userid')));
      for (const [words, found] of [
        ['lnx10003', ['LNX10003']],
        ['vlan:100', ['LNX10001', 'LNX10002', 'LNX10005']],
        ['vswitch:vswport vlan:300', ['LNX10003', 'LNX10005']],
        [portId(10), ['LNX10007']],
        ['is:drifted', ['LNX10007']],
        ['is:down', ['LNX10005']],
        ['vdev:600', ['LNX10009', 'XCAT']],
        ['vlan:999', []],
      ] as const) {
        await page.keyboard.press('/');
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('find');
        await page.keyboard.type(words);
        expect((await guests()).toSorted(), words).toEqual(found);
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
        await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      }
      await page.locator('.guest[data-userid="LNX10001"]').focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('#detail h2').textContent()).toContain('LNX10003');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toContain(
        'Guest LNX10003. NIC 1000, VLAN 101, on VSW1, coupled',
      );

      await page.keyboard.press('Escape');
      await page.locator('#legend .chip', { hasText: '100' }).click();
      expect(
        await page
          .locator('.wire:not(.dim)')
          .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-owner'))),
      ).toEqual(['LNX10001', 'LNX10002', 'LNX10005']);
      await viewer.picture(page, 'vlan');
    });

    test('is readable in the dark and in a narrow window', async () => {
      const dark = await viewer.openDrawn(served, '', { colorScheme: 'dark' });
      const [ink] = await colours(dark.locator('.guest .userid'), 'fill');
      const [paper] = await colours(dark.locator('.guest .box'), 'fill');
      expect(brightness(ink) - brightness(paper)).toBeGreaterThan(120);
      await viewer.picture(dark, 'dark');
      const narrow = await viewer.openDrawn(served, '', { viewport: { width: 640, height: 900 } });
      expect(await narrow.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(640);
      const box = await narrow.locator('.guest').first().boundingBox();
      expect((box?.x ?? 640) + (box?.width ?? 0)).toBeLessThan(640);
      await viewer.picture(narrow, 'narrow');
    });

    test('says how it is read, and no longer than that is looked at', async () => {
      const page = await viewer.openDrawn(served, '&guest=LNX10003');
      const key = page.locator('#key dl');
      for (const close of [() => page.keyboard.press('Escape'), () => page.locator('#picture').click()]) {
        await page.locator('#key summary').click();
        expect(await key.isVisible()).toBe(true);
        await close();
        expect(await key.isVisible()).toBe(false);
      }
      await page.locator('#key summary').click();
      expect(await page.getByRole('img', { name: 'a red line' }).isVisible()).toBe(true);
    });

    test('scrolls as a page where the text is twice as large', async () => {
      const page = await viewer.openDrawn(served, '', { viewport: { width: 640, height: 400 } });
      const heightOf = async (selector: string) => (await page.locator(selector).boundingBox())?.height ?? 0;
      expect(await heightOf('#picture')).toBeGreaterThan(250);
      expect(await heightOf('aside')).toBeGreaterThan(150);
      await page.locator('aside').scrollIntoViewIfNeeded();
      await page.locator('#key summary').click();
      expect(await page.locator('#key dl').isVisible()).toBe(true);
      await viewer.picture(page, 'twice-as-large');
    });
  });

  test('no page complained, and none asked another host for anything', () => {
    expect(viewer.complaints()).toEqual([]);
  });
}

/** Runs in the page: keeps in mind that there was such a shape, which it may be only for a moment. */
function noteFlash(selector: string): void {
  const wires = document.querySelector('#wires');
  if (wires === null) throw new Error('no picture');
  const look = () => {
    if (document.querySelector(selector) !== null) Object.assign(window, { flashed: true });
  };
  new MutationObserver(look).observe(wires, { childList: true, subtree: true, attributes: true });
}

function brightness(colour: string | undefined): number {
  return Math.max(...(colour?.match(/\d+/g) ?? []).slice(0, 3).map(Number));
}
