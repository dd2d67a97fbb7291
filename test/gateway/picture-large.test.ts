/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Served, serve } from './environment.ts';
import { startViewer, type Viewer } from './picture-browser.ts';
import { setUpLargeHost, wireSmallHost } from './picture-scene.ts';

const GUESTS = 1_000;

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('a host of a thousand guests is drawn: there is no Chromium here', () => {});
else look(viewer);

function look(viewer: Viewer): void {
  afterAll(() => viewer.close());

  describe('a host of a thousand guests', () => {
    let served: Served;
    beforeAll(async () => {
      served = await serve({ guests: GUESTS });
      setUpLargeHost(served.environment.simulator, GUESTS);
    });
    afterAll(async () => {
      await viewer.closePages();
      await served.close();
    });

    test('shows all of them in groups that are wired alike, and what has drifted among them', async () => {
      const page = await viewer.openDrawn(served);
      expect(await page.locator('#counts').textContent()).toContain(
        `of ${GUESTS + 2} guests · ${2 * GUESTS} ports · 12 drifted`,
      );
      expect(await page.locator('.group').count()).toBeGreaterThan(1);
      expect(await page.locator('.group[data-group="VSW1 + VSWPORT"] [data-plug="VSW1"] text').textContent()).toBe(
        '334 NICs',
      );
      await viewer.picture(page, 'large');
      await page.locator('#as').selectOption('dots');
      await viewer.picture(page, 'dots');
      await page.locator('#as').selectOption('');

      // To search is to zoom: so few are drawn with their wires.
      await page.locator('#drifted').check();
      expect(await page.locator('.guest.drift').count()).toBeGreaterThan(0);
      expect(await page.locator('.cell').count()).toBe(0);
      await page.locator('#drifted').uncheck();
      await page.locator('#find').fill('lnx10500');
      expect(
        await page.locator('.guest').evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-userid'))),
      ).toEqual(['LNX10500']);
      expect(await page.locator('.wire').count()).toBe(2);
      await viewer.picture(page, 'filtered');
      await page.locator('#find').fill('');
      await page.locator('#as').selectOption('drawing');
      await page.locator('#stage').evaluate((stage) => stage.scrollTo(0, stage.scrollHeight / 2));
      await expect.poll(() => page.locator('.guest').count()).toBeGreaterThan(4);
      await viewer.picture(page, 'large-wires');
    });

    test('scrolls and searches about as smoothly as a small one', async () => {
      const few = await serve();
      await wireSmallHost({ ...few.environment });
      const small = await viewer.openDrawn(few);
      const fewest = await leastWork(small);
      await small.close();
      const most = await leastWork(await viewer.openDrawn(served));
      await few.close();
      process.stderr.write(
        `Work for a frame: ${fewest.toFixed(1)} ms with 10 guests, ${most.toFixed(1)} ms with ${GUESTS}\n`,
      );
      // A hundred times the guests, and nowhere near a hundred times the work: only what is in sight is drawn.
      expect(most / fewest).toBeLessThan(25);
    });

    test('draws only what is in sight', async () => {
      const page = await viewer.openDrawn(served);
      const drawn = () => page.locator('[data-userid]').count();
      expect(await drawn()).toBeLessThan(GUESTS * 0.7);
      await page.locator('#stage').evaluate((stage) => stage.scrollTo(0, stage.scrollHeight));
      await page.locator('[data-userid="ZHCP1"]').waitFor();
      expect(await drawn()).toBeLessThan(GUESTS * 0.7);
      await page.locator('#as').selectOption('drawing');
      await page.locator('#stage').evaluate((stage) => stage.scrollTo(0, 20_000));
      await expect.poll(drawn).toBeLessThan(60);
    });
  });

  test('no page complained, and none asked another host for anything', () => {
    expect(viewer.complaints()).toEqual([]);
  });
}

/** Other work of the machine only adds to it. */
async function leastWork(page: Page): Promise<number> {
  const rounds: number[] = [];
  while (rounds.length < 3) rounds.push(await work(page));
  return Math.min(...rounds);
}

/** Milliseconds that the browser works for a frame, on average, while a reader scrolls and types. */
async function work(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const worked = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const before = await worked();
  const frames = await page.evaluate(async () => {
    const stage = document.querySelector('#stage');
    const find = document.querySelector<HTMLInputElement>('#find');
    if (stage === null || find === null) throw new Error('no stage');
    let count = 0;
    const frame = () =>
      new Promise<void>((resolve) => {
        count += 1;
        requestAnimationFrame(() => setTimeout(resolve));
      });
    for (let step = 0; step < 60; step += 1) {
      stage.scrollTop += step < 30 ? 60 : -60;
      await frame();
    }
    for (const text of ['l', 'ln', 'lnx1', 'lnx10', 'lnx100', '', 'vlan:100', 'vlan:10', '', 'vsw', '']) {
      find.value = text;
      find.dispatchEvent(new Event('input'));
      await frame();
    }
    return count;
  });
  return ((await worked()) - before) * (1_000 / frames);
}
