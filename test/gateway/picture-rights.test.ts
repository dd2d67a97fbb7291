/// <reference lib="dom" />
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { serveGateway } from '../../runtime/gateway/server.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';
import { accessibilityFindings } from './axe.ts';
import { type Served, serve } from './environment.ts';
import { startViewer, type Viewer } from './picture-browser.ts';
import { wireSmallHost } from './picture-scene.ts';

const PHONE = { viewport: { width: 390, height: 844 } };
const PORT = `&guest=LNX10001&nic=LNX10001/${portId(1)}`;

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('the picture is for everybody: there is no Chromium here', () => {});
else look(viewer);

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

  /** A gateway before the same host and another one that has no worker, until the pages of the test are closed: an open one would ask it on. */
  const gatewayWith = async (options: Partial<Parameters<typeof serveGateway>[0]> = {}) => {
    const { client } = served.environment;
    const hosts = [served.host, 'zvm-away'].map((host) => ({ host, physicalNetworks: [] }));
    const gateway = await serveGateway(
      { client, namespace: client.options.namespace, hosts, tokens: undefined, log: () => {}, ...options },
      { host: '127.0.0.1', port: 0 },
    );
    onTestFinished(() => gateway.close());
    return gateway;
  };

  test.each([
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['phone', PHONE],
    ['dark-phone', { ...PHONE, colorScheme: 'dark' }],
  ] as const)('axe finds nothing on host, port, dialog and plan: %s', async (name, looks) => {
    const page = await viewer.openDrawn(served, '', looks);
    expect(await accessibilityFindings(page), 'host').toEqual([]);
    await viewer.picture(page, `access-${name}-host`);
    await page.goto(`${served.gateway.url}/?host=${served.host}${PORT}`);
    await page.getByRole('button', { name: 'Change the network …' }).click();
    expect(await accessibilityFindings(page), 'dialog').toEqual([]);
    await page.getByLabel('VLAN', { exact: true }).fill('170');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#change .status').textContent()).toContain('would be carried out');
    expect(await accessibilityFindings(page), 'plan').toEqual([]);
    await viewer.picture(page, `access-${name}-plan`);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('#detail').innerText()).toContain('Record and z/VM agree.');
    expect(await accessibilityFindings(page), 'port').toEqual([]);
    await viewer.picture(page, `access-${name}-port`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
  });

  test.each([
    ['light', {}],
    ['phone', PHONE],
  ] as const)('all hosts are seen at a glance, and each leads to its own picture: %s', async (name, looks) => {
    const gateway = await gatewayWith();
    const page = await viewer.openDrawn(served, '', looks, gateway.url);
    await page.locator('#host').selectOption('');
    const row = (host: string) => page.getByRole('row').filter({ hasText: host });
    await expect.poll(() => row('zvm-away').innerText()).toContain('no worker');
    await viewer.picture(page, `access-${name}-hosts`);
    expect(await accessibilityFindings(page)).toEqual([]);
    expect(new URL(page.url()).search).toBe('');
    await row(served.host).getByRole('link').click();
    await page.getByRole('button', { name: 'Guest LNX10001' }).waitFor();
    await page.goBack();
    await row('zvm-away').waitFor();
  });

  test('whose token may not change sees no button that would', async () => {
    const reader = newToken('reader', ['*'], ['read']);
    const { tokens } = TokenFile.parse({ tokens: [reader.entry] });
    const gateway = await gatewayWith({ tokens });
    const page = await viewer.open(served, PORT, {}, gateway.url);
    await page.locator('#token').fill(reader.token);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#detail').innerText()).toContain('Record and z/VM agree.');
    expect(await page.locator('.changes button').count()).toBe(0);
    expect(await page.evaluate(() => document.cookie)).toBe('');
  });

  test('during an import guests are changing, and none is red', async () => {
    const page = await viewer.openDrawn(served);
    const drifted = await page.locator('.guest.drift').count();
    const hold = await served.environment.hold({ command: 'Virtual_Network_Vswitch_Set_Extended' });
    const ports = ['LNX10004', 'LNX10006', 'LNX10008'].map((userid, index) => ({
      ...{ userid, portId: portId(70 + index), vswitch: 'VSW1', network: vlan(77) },
    }));
    const importing = await startRun(served.environment.client, 'wirePorts', { host: served.host, ports });
    await hold.reached();
    await expect.poll(() => page.locator('.guest.changing').count()).toBe(3);
    expect(await page.locator('.guest.drift').count()).toBe(drifted);
    expect(await page.locator('#counts').innerText()).toContain('3 changing');
    await viewer.picture(page, 'changing');
    await hold.release();
    await importing.result();
    await expect.poll(() => page.locator('.guest.changing').count()).toBe(0);
  });

  test('no page complained, and none asked another host for anything', () => {
    // A page that has no token yet is told so.
    expect(viewer.complaints().filter((text) => !text.includes('status of 401'))).toEqual([]);
  });
}
