/// <reference lib="dom" />
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newToken } from '../../gateway/tokens.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { startChromium } from './chromium.ts';
import { type Served, serve } from './environment.ts';
import { setUpLargeHost, systemOf, useridOf, wireSmallHost } from './picture-scene.ts';

const WINDOW = { width: 1440, height: 900 };
const GUESTS = 1_000;
/** `PICTURES=docs/images` puts the documentation's pictures there. */
const { PICTURES } = process.env;
const WAIT = { timeout: 40_000 };

let browser: Browser | undefined;
let folder: string;
const opened: { page: Page; complaints: string[] }[] = [];

beforeAll(async () => {
  browser = await startChromium();
  folder = await mkdtemp(join(tmpdir(), 'picture-'));
  if (PICTURES !== undefined) await mkdir(PICTURES, { recursive: true });
}, 600_000);
afterAll(async () => {
  await browser?.close();
  process.stderr.write(`Pictures are in ${folder}\n`);
});

/** A page whose complaints are kept: errors, and requests to any other host than the gateway. */
async function open(served: Served, query = '', more: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  if (browser === undefined) throw new Error('no Chromium');
  const page = await browser.newPage({ viewport: WINDOW, ...more });
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== served.gateway.url && url.protocol !== 'data:') complaints.push(`asked ${url.origin}`);
  });
  opened.push({ page, complaints });
  await page.goto(`${served.gateway.url}/?host=${served.host}${query}`);
  return page;
}

/** Pages first: they would complain that they cannot reach the gateway. */
async function closeAll(served: Served): Promise<void> {
  for (const { page } of opened) await page.close();
  await served.close();
}

/** The page once the host is drawn. */
async function openDrawn(...given: Parameters<typeof open>): Promise<Page> {
  const page = await open(...given);
  await page.locator('#waiting').waitFor({ state: 'hidden', ...WAIT });
  return page;
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`) });
  if (PICTURES !== undefined && ['small', 'large'].includes(name))
    await page.screenshot({ path: join(PICTURES, `picture-${name}.png`) });
}

const colours = (shapes: Locator, property: 'stroke' | 'fill') =>
  shapes.evaluateAll((nodes, name) => nodes.map((node) => getComputedStyle(node).getPropertyValue(name)), property);

/** The wire of a NIC: `.strand` are its lines. */
const wire = (page: Page, userid: string, vdev: string) =>
  page.locator(`.wire[data-owner="${userid}"][data-vdev="${vdev}"]`);
const end = (page: Page, userid: string, vdev: string) =>
  page.locator(`.end[data-owner="${userid}"][data-vdev="${vdev}"]`);

/** Where the buses are, by VSWITCH. */
const busAt = async (page: Page, vswitch: string) => {
  const box = await page.locator(`[data-vswitch="${vswitch}"] .bus`).boundingBox();
  return (box?.x ?? Number.NaN) + (box?.width ?? 0) / 2;
};

const spread = async (shapes: Locator) => {
  const boxes = await Promise.all((await shapes.all()).map((shape) => shape.boundingBox()));
  return boxes.flatMap((box) => (box === null ? [] : [{ left: box.x, right: box.x + box.width }]));
};

describe('a host of ten guests', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await wireSmallHost({ ...served.environment });
  });
  afterAll(() => closeAll(served));

  test('is drawn as a network engineer would draw it', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
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
    await picture(page, 'small');
  });

  test('wires of guests on both sides never lie on each other', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
    const rows = await page
      .locator('.wire')
      .evaluateAll((nodes) => nodes.map((node) => node.querySelector('.strand')?.getAttribute('y1')));
    expect(new Set(rows).size).toBe(rows.length);
  });

  test('a change is seen without asking for it: of this project, and of somebody else', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
    await page.evaluate(() => Object.assign(window, { stayed: true }));
    const before = await colours(wire(page, 'LNX10009', '1000').locator('.strand'), 'stroke');
    await served.call(
      'PATCH',
      `/v1/hosts/${served.host}/guests/LNX10009/ports/${portId(11)}`,
      { network: vlan(103) },
      { prefer: 'wait=60' },
    );
    const label = end(page, 'LNX10009', '1000').locator('.vlan');
    await expect.poll(() => label.textContent(), WAIT).toBe('103');
    expect(await wire(page, 'LNX10009', '1000').getAttribute('class')).toContain('flash');
    expect(await colours(wire(page, 'LNX10009', '1000').locator('.strand'), 'stroke')).not.toEqual(before);

    const vswitch = systemOf(served.environment.simulator).vswitch('VSW1');
    if (vswitch !== undefined) systemOf(served.environment.simulator).setUplink(vswitch, '6266', false);
    const active = page.locator('[data-vswitch="VSW1"] .uplink.active');
    await expect.poll(() => active.getAttribute('data-rdev'), WAIT).toBe('6272');
    expect(await page.evaluate(() => 'stayed' in window)).toBe(true);
  });

  test('a guest is shown beside what z/VM has, its operations lead to their runs, and the link to it can be sent', async ({
    skip,
  }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
    await page.locator('.guest[data-userid="LNX10007"] .port').click();
    const detail = page.locator('#detail');
    await expect.poll(() => detail.innerText(), WAIT).toContain('LNX10007 is not authorised on VSW2');
    await expect.poll(() => detail.innerText(), WAIT).toContain('grant LNX10007 on VSW2 with VLAN 201');
    expect(await detail.innerText()).toContain(portId(10));
    const run = detail.locator('.operations a').first();
    await expect
      .poll(() => run.getAttribute('href'), WAIT)
      .toMatch(/^http:\/\/ui\.example\/namespaces\/[^/]+\/workflows\/.*LNX10007.*\/history/);
    expect(await run.textContent()).toBe('attachNic LNX10007');
    await picture(page, 'drift');

    const sent = new URL(page.url()).search;
    const other = await openDrawn(served, `&${sent.slice(1)}`);
    await expect.poll(() => other.locator('#detail h2').textContent(), WAIT).toContain('LNX10007');
    expect(await other.locator('.guest.chosen').getAttribute('data-userid')).toBe('LNX10007');
    await page.goBack();
    await expect.poll(() => page.locator('#detail h2').textContent()).toContain(served.host);
  });

  test('is found, picked out and walked through by the keyboard alone', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
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
    await picture(page, 'vlan');
  });

  test('is readable in the dark and in a narrow window', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const dark = await openDrawn(served, '', { colorScheme: 'dark' });
    const [ink] = await colours(dark.locator('.guest .userid'), 'fill');
    const [paper] = await colours(dark.locator('.guest .box'), 'fill');
    expect(brightness(ink) - brightness(paper)).toBeGreaterThan(120);
    await picture(dark, 'dark');
    const narrow = await openDrawn(served, '', { viewport: { width: 640, height: 900 } });
    expect(await narrow.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(640);
    const box = await narrow.locator('.guest').first().boundingBox();
    expect((box?.x ?? 640) + (box?.width ?? 0)).toBeLessThan(640);
    await picture(narrow, 'narrow');
  });

  test('says that it is old while nothing is heard, and goes on when something is', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const way = await wayTo(served.gateway.url);
    const page = await browser.newPage({ viewport: WINDOW });
    await page.goto(`${way.url}/?host=${served.host}`);
    const live = page.locator('#live');
    await expect.poll(() => live.textContent(), WAIT).toContain('live · read');
    way.block();
    await expect.poll(() => live.textContent(), WAIT).toMatch(/^not connected, as of /);
    expect(await page.locator('#picture').getAttribute('class')).toContain('stale');
    await picture(page, 'stale');
    way.open();
    await expect.poll(() => live.textContent(), WAIT).toContain('live · read');
    await page.close();
    way.close();
  });

  test('costs z/VM the same for three pages as for one, and nothing once they are closed', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const { client } = served.environment;
    const readings = async () =>
      (await client.workflow.count(`WorkflowType = "showHost" AND ZvmHost = "${served.host}"`)).count;
    for (const { page } of opened) await page.close();
    await sleep(LONGER_THAN_A_READING);
    const before = await readings();
    const pages = await Promise.all([1, 2, 3].map(() => open(served)));
    await sleep(LONGER_THAN_A_READING);
    const looked = await readings();
    expect(looked - before).toBeGreaterThan(0);
    // One at once, one after a quarter of a minute: each page on its own would have made as many.
    expect(looked - before).toBeLessThanOrEqual(3);
    for (const page of pages) await page.close();
    await sleep(5_000);
    const closed = await readings();
    await sleep(LONGER_THAN_A_READING);
    expect(await readings()).toBe(closed);
  }, 180_000);
});

const LONGER_THAN_A_READING = 18_000;

/** A way to the gateway that can be blocked, as a network between would be. */
async function wayTo(gateway: string) {
  const { hostname, port } = new URL(gateway);
  const sockets = new Set<Socket>();
  let blocked = false;
  const server = createServer((socket) => {
    if (blocked) return void socket.destroy();
    const on = connect(Number(port), hostname);
    for (const each of [socket, on]) {
      sockets.add(each);
      each.on('error', () => {}).on('close', () => sockets.delete(each));
    }
    socket.pipe(on).pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    block: () => {
      blocked = true;
      drop();
    },
    open: () => {
      blocked = false;
    },
    close: () => {
      drop();
      server.close();
    },
  };
}

function brightness(colour: string | undefined): number {
  return Math.max(...(colour?.match(/\d+/g) ?? []).slice(0, 3).map(Number));
}

describe('a host of a thousand guests', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve({ guests: GUESTS });
    setUpLargeHost(served.environment.simulator, GUESTS);
  });
  afterAll(() => closeAll(served));

  test('shows all of them in groups that are wired alike, and what has drifted among them', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
    expect(await page.locator('#counts').textContent()).toContain(
      `of ${GUESTS + 2} guests · ${2 * GUESTS} ports · 12 drifted`,
    );
    expect(await page.locator('.group').count()).toBeGreaterThan(1);
    expect(await page.locator('.group[data-group="VSW1 + VSWPORT"] [data-plug="VSW1"] text').textContent()).toBe(
      '334 NICs',
    );
    await picture(page, 'large');
    await page.locator('#as').selectOption('dots');
    await picture(page, 'dots');
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
    await picture(page, 'filtered');
    await page.locator('#find').fill('');
    await page.locator('#as').selectOption('drawing');
    await page.locator('#stage').evaluate((stage) => stage.scrollTo(0, stage.scrollHeight / 2));
    await expect.poll(() => page.locator('.guest').count()).toBeGreaterThan(4);
    await picture(page, 'large-wires');
  });

  test('a change of one guest is told as that, not as the whole host again', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
    const told = await toldFirst(served, async () => {
      await served.call(
        'PATCH',
        `/v1/hosts/${served.host}/guests/${useridOf(2)}/ports/${portId(20)}`,
        { network: vlan(150) },
        { prefer: 'wait=60' },
      );
    });
    const [state, change] = told;
    expect(state?.event).toBe('state');
    expect(change?.event).toBe('changes');
    expect(change?.length).toBeLessThan((state?.length ?? 0) / 100);
    await expect.poll(() => page.locator('#legend').textContent(), WAIT).toContain('150');
  });

  test('scrolls and searches about as smoothly as a small one', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const few = await serve();
    await wireSmallHost({ ...few.environment });
    const small = await openDrawn(few);
    const fewest = await work(small);
    await small.close();
    const most = await work(await openDrawn(served));
    await few.close();
    process.stderr.write(
      `Work for a frame: ${fewest.toFixed(1)} ms with 10 guests, ${most.toFixed(1)} ms with ${GUESTS}\n`,
    );
    // A hundred times the guests, and nowhere near a hundred times the work: only what is in sight is drawn.
    expect(most / fewest).toBeLessThan(25);
  });

  test('draws only what is in sight', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium');
    const page = await openDrawn(served);
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

/** Milliseconds that the browser works for a frame, on average, while somebody scrolls and types. */
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

/** The first two of `state` and `changes` that a page is told, the second after `change`. */
async function toldFirst(served: Served, change: () => Promise<void>): Promise<{ event: string; length: number }[]> {
  const ended = new AbortController();
  const answer = await fetch(`${served.gateway.url}/v1/hosts/${served.host}/events`, { signal: ended.signal });
  expect(answer.headers.get('x-accel-buffering')).toBe('no');
  const told: { event: string; length: number }[] = [];
  let rest = '';
  for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: (\w+)/m.exec(block)?.[1] ?? '';
      if (event !== 'state' && event !== 'changes') continue;
      told.push({ event, length: block.length });
      if (told.length === 1) void change();
    }
    if (told.length === 2) break;
  }
  ended.abort();
  return told;
}

test('a gateway with tokens asks for one, says that a wrong one is not known, and asks again', async ({ skip }) => {
  if (browser === undefined) return skip('no Chromium');
  const { token, entry } = newToken('reader', ['*'], ['read']);
  const known = { name: entry.name, hosts: entry.hosts, verbs: entry.verbs, sha256: Buffer.from(entry.sha256, 'hex') };
  const served = await serve({ tokens: [known] });
  const page = await open(served);
  const dialog = page.locator('#login');
  await dialog.waitFor();
  await page.locator('#token').fill('zvm_wrong');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#why').textContent(), WAIT).toBe('This token is not known.');
  expect(await dialog.isVisible()).toBe(true);
  await page.locator('#token').fill(token);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  await page.locator('#waiting').waitFor({ state: 'hidden', ...WAIT });
  expect(page.url()).not.toContain(token);
  await closeAll(served);
});

test('no page complained, and none asked another host for anything', () => {
  const refused = 'Failed to load resource: the server responded with a status of 401 (Unauthorized)';
  expect(opened.flatMap(({ complaints }) => complaints).filter((line) => line !== refused)).toEqual([]);
});
