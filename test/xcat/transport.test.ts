import { afterEach, describe, expect, it } from 'vitest';
import { runOnNode } from '../../xcat/dsh.ts';
import { XcatError } from '../../xcat/errors.ts';
import { createTransport } from '../../xcat/transport.ts';
import { fakeXcat, type Reply } from './fake-xcat.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function failureFor(reply: Reply, timeoutMs = 5_000): Promise<XcatError> {
  const xcat = await fakeXcat(() => reply, { timeoutMs });
  closers.push(xcat.close);
  const error: unknown = await xcat.transport.request({ method: 'GET', path: '/version' }).catch((caught) => caught);
  if (!(error instanceof XcatError)) throw new Error('no XcatError');
  expect(JSON.stringify([error, error.message, error.stack])).not.toContain('s3cr');
  return error;
}

describe('the transport', () => {
  it('sends credentials as headers, undecoded, and asks for JSON', async () => {
    const xcat = await fakeXcat(() => ({ body: '{"data":[{"data":["x",null],"xcatdsource":["mn"]},null]}' }));
    closers.push(xcat.close);
    const elements = await xcat.transport.request({ method: 'PUT', path: '/tables/switch', body: ['a b'] });
    expect(elements[0]).toEqual({ data: ['x'], info: [], error: [], errorcodes: [] });
    expect(xcat.seen[0]).toMatchObject({ url: '/xcatws/tables/switch?format=json', body: '["a b"]' });
    expect(xcat.seen[0]?.headers).toMatchObject({
      username: 'admin',
      password: 's3cr&t %41+',
      'content-type': 'text/plain',
    });
  });

  it('sends credentials in the query, encoded, only when asked to, and warns', async () => {
    const warnings: string[] = [];
    const xcat = await fakeXcat(() => ({ body: '{"data":[]}' }), {
      credentialsInQuery: true,
      onWarning: (warning) => warnings.push(warning),
    });
    closers.push(xcat.close);
    await xcat.transport.request({ method: 'GET', path: '/version' });
    expect(xcat.seen[0]?.url).toContain('&userName=admin&password=s3cr%26t%20%2541%2B');
    expect(xcat.seen[0]?.headers.password).toBeUndefined();
    expect(warnings).toHaveLength(2);
  });

  it.each([
    [{ status: 401, body: '<p>Authentication failure</p>' }, 'unauthorised', false, 'Authentication failure'],
    [{ status: 403, body: '<p>Invalid nodes and/or groups in noderange: nope</p>' }, 'unknown-node', false, 'nope'],
    [{ status: 404, body: "Resource 'foo' does not exist" }, 'refused', false, 'foo'],
    [{ status: 408, body: 'Connection failure: SSL Timeout' }, 'timeout', true, 'SSL'],
    [{ status: 500, body: '<html><title>500</title><h1>Internal</h1></html>' }, 'bad-answer', false, 'Internal'],
    [{ status: 503, body: 'Connection failurexx: ' }, 'busy', true, '503'],
    [{ body: '<html>login</html>' }, 'bad-answer', false, 'login'],
    [{ body: '{"data":[{"data":["a' }, 'bad-answer', true, 'cut short'],
    [{ body: '{"data":"x"}' }, 'bad-answer', false, 'form'],
    [{ body: '', drop: true }, 'unreachable', true, 'no answer'],
  ] as const)('turns %o into %s', async (reply, code, retryable, words) => {
    const error = await failureFor(reply);
    expect(error).toMatchObject({ code, retryable, operation: 'GET /version' });
    expect(error.message).toContain(words);
  });

  it('gives up after its time-out, retryably', async () => {
    expect(await failureFor({ body: '', hang: true }, 50)).toMatchObject({ code: 'timeout', retryable: true });
  });

  it('rejects with the reason of the caller who aborts', async () => {
    const xcat = await fakeXcat(() => ({ body: '', hang: true }));
    closers.push(xcat.close);
    const signal = AbortSignal.timeout(30);
    const answer = xcat.transport.request({ method: 'GET', path: '/version', signal });
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('refuses wrong options before any call', () => {
    const options = { username: 'a', password: 'b', timeoutMs: 1, verifyTls: true, credentialsInQuery: false };
    expect(() => createTransport({ ...options, url: 'mn' })).toThrow(XcatError);
    expect(() => createTransport({ ...options, url: 'https://mn', caFile: '/no/such.pem' })).toThrow('cannot be read');
    expect(() => createTransport({ ...options, url: 'https://mn', password: 'a\nb' })).toThrow('control characters');
  });
});

describe('a script on a node', () => {
  it('joins chunks and strips the prefix, be it the short name or the full one', async () => {
    const data = ['zhcp.ibm.com: one\nzhcp: ', 'zhcp: zhcp: three', null];
    const error = { error: ['zhcp: warning'], errorcode: ['0'] };
    const body = JSON.stringify({ data: [{ data }, error, { errorcode: ['1'] }] });
    const xcat = await fakeXcat(() => ({ body }));
    closers.push(xcat.close);
    const result = await runOnNode(xcat.transport, 'zhcp.ibm.com', 'ls', { timeoutSeconds: 9 });
    expect(result).toEqual({ stdout: 'one\n\nzhcp: three', stderr: 'warning', failed: true });
    expect(xcat.seen[0]).toMatchObject({ method: 'PUT', body: '["command=ls","timeout=9"]' });
  });
});
