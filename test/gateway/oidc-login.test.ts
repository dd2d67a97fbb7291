/// <reference lib="dom" />
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OidcFile } from '../../gateway/oidc/file.ts';
import { oidcOf } from '../../runtime/gateway/oidc-file.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve, WAIT } from './environment.ts';
import { AUDIENCE, type IdentityProvider, startIdentityProvider } from './identity-provider.ts';
import { startViewer, type Viewer } from './picture-browser.ts';

let provider: IdentityProvider;
let served: Served;
beforeAll(async () => {
  provider = await startIdentityProvider();
  const { issuers } = OidcFile.parse({
    issuers: [
      {
        name: 'corp',
        issuer: provider.issuer,
        audience: AUDIENCE,
        login: { clientId: 'picture', resource: AUDIENCE },
        grants: [{ claim: 'groups', value: 'operators', hosts: ['*'], verbs: ['read', 'change'] }],
      },
    ],
  });
  served = await serve({ oidc: oidcOf(issuers) });
  await provider.allowLogin(served.gateway.url);
});
afterAll(async () => {
  await served.close();
  await provider.close();
});

test('the subject of a token is who asked for an operation, in the audit too', async () => {
  const bearing = { authorization: `Bearer ${await provider.sign({ exp: Math.floor(Date.now() / 1_000) + 600 })}` };
  const path = `/v1/hosts/${served.host}/guests/LNX10002/ports/${portId(1)}?dryRun=true`;
  const asked = await served.call('PUT', path, { vswitch: 'VSW1', network: vlan(100) }, { ...bearing, ...WAIT });
  expect(asked).toMatchObject({ status: 200, body: { origin: { by: 'corp:alice', via: 'http' } } });
  const audit = async () =>
    (await served.call('GET', `/v1/audit?by=corp:alice&host=${served.host}`, undefined, bearing)).body.entries;
  await expect.poll(audit).toMatchObject([{ by: 'corp:alice', id: asked.body.id }]);
  const reconcile = await served.call('POST', `/v1/hosts/${served.host}/reconciliations`, {}, bearing);
  expect(reconcile).toMatchObject({ status: 403, body: { detail: expect.stringContaining('corp:alice') } });
  expect(await served.call('GET', '/v1/hosts')).toMatchObject({ status: 401 });
  expect(await served.call('GET', '/v1/hosts', undefined, { authorization: 'Bearer a.b.c' })).toMatchObject({
    status: 401,
    body: { detail: 'the token is malformed' },
  });
});

const viewer = await startViewer();
// CI installs Chromium; where that cannot be, its last lines name this test as skipped.
if (viewer === undefined) test.skip('a person logs in by the page: there is no Chromium here', () => {});
else look(viewer);

function look(viewer: Viewer): void {
  afterAll(() => viewer.close());

  test('a person logs in by the page, comes back to the same view, and no storage has the token', async () => {
    const page = await viewer.open(served, '&by=vlan');
    const before = page.url();
    await page.getByRole('button', { name: 'Log in by corp' }).click();
    await page.locator('input[name=login]').fill('alice');
    await page.locator('input[name=password]').fill('any');
    await page.locator('[type=submit]').click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(before);
    await page.getByRole('button', { name: 'Guest LNX10001' }).waitFor();
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]),
    );
    expect(kept).toBe('[{"loggedInBy":"corp"},{},""]');
    await page.reload();
    // The provider still knows the person: nobody is asked.
    await page.getByRole('button', { name: 'Guest LNX10001' }).waitFor();
    expect(await page.locator('#login').isVisible()).toBe(false);
    expect(page.url()).toBe(before);
    await viewer.closePages();
  });

  test('a page that another site sends here with a code of its own logs nobody in', async () => {
    const page = await viewer.open(served, '&state=of-another&code=of-another');
    await page.locator('#login').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.evaluate(() =>
      sessionStorage.setItem(
        'login',
        JSON.stringify({ login: 'corp', state: 'of-this-page', verifier: 'v', back: location.href.split('?')[0] }),
      ),
    );
    await page.reload();
    await expect.poll(() => page.locator('#why').textContent()).toBe('The login was not begun here.');
    expect(asked.filter((url) => url.startsWith(provider.issuer))).toEqual([]);
    await viewer.closePages();
  });
}
