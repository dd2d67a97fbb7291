/// <reference lib="dom" />
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { newToken } from '../../gateway/http/tokens.ts';
import { serveGateway } from '../../runtime/gateway/server.ts';
import { serve } from './environment.ts';
import { startViewer, type Viewer } from './picture-browser.ts';

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('a page asks for a token: there is no Chromium here', () => {});
else look(viewer);

function look(viewer: Viewer): void {
  afterAll(() => viewer.close());

  test('a gateway with tokens asks for one, says that a wrong one is not known, and asks again', async () => {
    const { token, entry } = newToken('reader', ['*'], ['read']);
    const known = {
      name: entry.name,
      hosts: entry.hosts,
      verbs: entry.verbs,
      sha256: Buffer.from(entry.sha256, 'hex'),
    };
    const served = await serve({ tokens: [known] });
    const page = await viewer.open(served);
    const dialog = page.locator('#login');
    await dialog.waitFor();
    await page.locator('#token').fill('zvm_wrong');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#why').textContent()).toBe('This token is not known.');
    expect(await dialog.isVisible()).toBe(true);
    await page.locator('#token').fill('zvm_pasted…');
    await page.keyboard.press('Enter');
    await expect.poll(() => dialog.isVisible()).toBe(true);
    await page.locator('#token').fill(token);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    await page.locator('#waiting').waitFor({ state: 'hidden' });
    expect(page.url()).not.toContain(token);
    await viewer.closePages();
    await served.close();
  });

  test('shows nothing of a host under the name of another, be it one that cannot be read or one that is not there', async () => {
    const served = await serve();
    const { client } = served.environment;
    const hosts = [served.host, 'zvm-away'].map((host) => ({ host, physicalNetworks: [] }));
    const options = { client, namespace: client.options.namespace, hosts, tokens: undefined, log: () => {} };
    const gateway = await serveGateway(options, { host: '127.0.0.1', port: 0 });
    const page = await viewer.openDrawn(served, '', {}, gateway.url);
    const guest = page.getByRole('button', { name: 'Guest LNX10001' });
    expect(await guest.isVisible()).toBe(true);
    await page.locator('#host').selectOption('zvm-away');
    await expect.poll(() => page.locator('#problem').textContent()).toContain('no worker polls');
    expect(await guest.isVisible()).toBe(false);
    expect(await page.locator('#detail').textContent()).toBe('');
    await page.goBack();
    await guest.waitFor();
    await page.goto(`${gateway.url}/?host=elsewhere&guest=LNX10001`);
    await expect.poll(() => page.locator('#problem').textContent()).toContain('no host elsewhere');
    expect(await guest.isVisible()).toBe(false);
    await page.locator('#host').selectOption(served.host);
    await guest.waitFor();
    await viewer.closePages();
    await gateway.close();
    await served.close();
  });

  test('is drawn by itself once the gateway can tell its hosts', async () => {
    const served = await serve();
    const page = await viewer.openDrawn(served);
    await page.route('**/v1/hosts', (asked) => asked.fulfill({ status: 503, body: '{"detail":"not now"}' }));
    await page.reload();
    await expect.poll(() => page.locator('#problem').textContent()).toBe('not now');
    await page.unroute('**/v1/hosts');
    await page.locator('#waiting').waitFor({ state: 'hidden' });
    expect(await page.locator('#problem').isVisible()).toBe(false);
    await viewer.closePages();
    await served.close();
  });

  test('a listener hears when the state turns old, and not at each reading', async () => {
    const served = await serve();
    const page = await viewer.openDrawn(served);
    const heard = page.getByRole('status').filter({ hasText: /^live$/ });
    await heard.waitFor({ state: 'attached' });
    const said = page.evaluate(
      () =>
        new Promise<string[]>((resolve) => {
          const texts: string[] = [];
          new MutationObserver(() => texts.push(document.getElementById('heard')?.textContent ?? '')).observe(
            document.getElementById('heard') as Node,
            { childList: true },
          );
          const shown = document.getElementById('live') as Node;
          const before = shown.textContent;
          new MutationObserver(() => shown.textContent !== before && resolve(texts)).observe(shown, {
            childList: true,
          });
        }),
    );
    expect(await said).toEqual([]);
    await viewer.closePages();
    await served.close();
  });

  test('says that it is old while nothing is heard, and goes on when something is', async () => {
    const served = await serve();
    const way = await wayTo(served.gateway.url);
    const page = await viewer.open(served, '', {}, way.url);
    const live = page.locator('#live');
    await expect.poll(() => live.textContent()).toContain('live · read');
    way.block();
    await expect.poll(() => live.textContent()).toMatch(/^not connected, as of /);
    expect(await page.locator('#picture').getAttribute('class')).toContain('stale');
    await viewer.picture(page, 'stale');
    way.open();
    await expect.poll(() => live.textContent()).toContain('live · read');
    await viewer.closePages();
    way.close();
    await served.close();
  });
}

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
