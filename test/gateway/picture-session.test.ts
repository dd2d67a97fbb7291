import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { newToken } from '../../gateway/tokens.ts';
import { serve } from './environment.ts';
import { startViewer, type Viewer } from './picture-browser.ts';

const viewer = await startViewer();
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
    await page.locator('#token').fill(token);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    await page.locator('#waiting').waitFor({ state: 'hidden' });
    expect(page.url()).not.toContain(token);
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
