import { afterEach, describe, expect, it } from 'vitest';
import { BackendError } from '../../../backend/backend-error.ts';
import { connectionFailure } from '../../../backend/http/connection-failure.ts';
import { createTransport } from '../../../backend/xcat/rest/transport.ts';
import { runOnNode } from '../../../backend/xcat/zhcp/dsh.ts';
import { fakeXcat, type Reply } from './fake-xcat.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function failureFor(reply: Reply, timeoutMs = 5_000): Promise<BackendError> {
  const xcat = await fakeXcat(() => reply, { timeoutMs, maxAnswerBytes: 1024 * 1024 });
  closers.push(xcat.close);
  const error: unknown = await xcat.transport.request({ method: 'GET', path: '/version' }).catch((caught) => caught);
  if (!(error instanceof BackendError)) throw new Error('no BackendError');
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
    [{ status: 403, body: '<p>Unsupported request</p>' }, 'refused', false, 'Unsupported'],
    [{ status: 405, body: "request method 'PUT' is not supported on resource 'x'" }, 'refused', false, 'PUT'],
    [{ status: 400, body: 'No set attribute was supplied.' }, 'refused', false, 'No set'],
    [{ status: 413, body: '<html>Request Entity Too Large</html>' }, 'refused', false, 'Too Large'],
    [{ status: 500, body: '<html><title>500</title><h1>Internal</h1></html>' }, 'bad-answer', true, 'Internal'],
    [{ status: 400, body: '<html><h1>Bad Request</h1></html>' }, 'bad-answer', true, 'Bad Request'],
    [{ status: 400, body: 'Bad Request' }, 'bad-answer', true, 'Bad Request'],
    [{ status: 403, body: '<html><h1>Forbidden</h1></html>' }, 'bad-answer', true, 'Forbidden'],
    [{ status: 403, body: 'Access denied' }, 'bad-answer', true, 'denied'],
    [{ status: 404, body: '<html>Not Found</html>' }, 'bad-answer', true, '404'],
    [{ status: 404, body: 'default backend - 404' }, 'bad-answer', true, 'backend'],
    [{ status: 405, body: '' }, 'bad-answer', true, '405'],
    [{ status: 418, body: '' }, 'bad-answer', true, '418'],
    [{ status: 429, body: 'slow down' }, 'busy', true, 'slow down'],
    [{ status: 502, body: '<html>Bad Gateway</html>' }, 'busy', true, 'Bad Gateway'],
    [{ status: 504, body: '' }, 'busy', true, '504'],
    [
      { status: 302, headers: { location: 'https://sso.example/login?a=b' }, body: '' },
      'bad-answer',
      true,
      'sso.example/login',
    ],
    [{ status: 302, body: '' }, 'bad-answer', true, 'redirect'],
    [{ status: 503, body: 'Connection failurexx: ' }, 'busy', true, '503'],
    [{ body: '<html>login</html>' }, 'bad-answer', true, 'login'],
    [{ body: '{"data":[{"data":["a' }, 'bad-answer', true, 'incomplete'],
    [{ body: '{"data":"x"}' }, 'bad-answer', true, 'form'],
    [{ body: '[]' }, 'bad-answer', true, 'form'],
    [{ body: '', drop: true }, 'unreachable', true, 'closed before the answer was complete'],
    [{ body: '{"data":[', endless: true }, 'bad-answer', true, 'longer than 1 MiB'],
    [{ status: 500, body: 'no end ', endless: true }, 'bad-answer', true, 'no end'],
  ] as const)('turns %o into %s', async (reply, code, retryable, words) => {
    const error = await failureFor(reply);
    expect(error).toMatchObject({ code, retryable, operation: 'GET /version' });
    expect(error.message).toContain(words);
  });

  it('hides the credentials that the page of a proxy repeats', async () => {
    const page =
      '<html>/xcatws/version?userName=admin&amp;password=s3cr%26t%20%2541%2B or s3cr&amp;t %41+ not found</html>';
    for (const reply of [{ status: 404, body: page }, { body: page }]) {
      const { message } = await failureFor(reply);
      expect(message).toContain('not found');
    }
  });

  it('says why there is no answer, whatever the reason', async () => {
    const { transport, close } = await fakeXcat(() => ({ body: '' }));
    await close();
    const refused: unknown = await transport.request({ method: 'GET', path: '/version' }).catch((caught) => caught);
    expect(String(refused)).toContain('this client was closed');
    const failure = connectionFailure(
      'xCAT',
      'GET /version',
      Object.assign(new Error('x'), { code: undefined }),
      1_000,
    );
    expect(failure).toMatchObject({ code: 'unreachable', retryable: true });
    expect(failure.message).not.toMatch(/undefined/);
    const inner = new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]);
    expect(connectionFailure('xCAT', 'GET /version', inner, 1_000).message).toContain('no server listens');
  });

  it('calls no sooner than it is asked to by Retry-After', async () => {
    const at: number[] = [];
    const xcat = await fakeXcat((_seen, index) => {
      at.push(performance.now());
      return index === 0 ? { status: 503, headers: { 'retry-after': '1' }, body: '' } : { body: '{"data":[]}' };
    });
    closers.push(xcat.close);
    const ask = () => xcat.transport.request({ method: 'GET', path: '/version' });
    await expect(ask()).rejects.toMatchObject({ code: 'busy', retryAfterMs: 1_000 });
    await Promise.all([ask(), ask()]);
    const [first = 0, second = 0] = at;
    expect(second - first).toBeGreaterThan(900);
  });

  it('fails at once, transiently, when it is to wait for longer than it may', async () => {
    const xcat = await fakeXcat(() => ({ status: 429, headers: { 'retry-after': '3600' }, body: '' }));
    closers.push(xcat.close);
    const ask = () => xcat.transport.request({ method: 'GET', path: '/version' });
    await expect(ask()).rejects.toMatchObject({ retryAfterMs: 600_000 });
    await expect(ask()).rejects.toMatchObject({
      code: 'busy',
      retryable: true,
      message: expect.stringContaining('Retry-After'),
    });
    expect(xcat.seen).toHaveLength(1);
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
    expect(() => createTransport({ ...options, url: 'mn' })).toThrow(BackendError);
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
