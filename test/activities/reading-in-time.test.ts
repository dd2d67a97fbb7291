import { expect, test } from 'vitest';
import { readInTime } from '../../activities/reading-in-time.ts';
import { BackendError } from '../../backend/backend-error.ts';

const busy = () =>
  new BackendError({ code: 'busy', operation: 'GET /tables/zvm', message: 'GET /tables/zvm: HTTP 503' });
const PATIENCE = { troubleMs: 1_200, silenceMs: 4_000 };

test('an xCAT that goes on saying that it cannot is told with its last words', async () => {
  let tries = 0;
  const read = async () => {
    tries += 1;
    throw busy();
  };
  await expect(readInTime('read zvm1', 'xcat', read, PATIENCE)).rejects.toMatchObject({
    message: 'GET /tables/zvm: HTTP 503',
  });
  expect(tries).toBeGreaterThan(1);
});

test('an xCAT that says nothing is told as such, with the time', async () => {
  const reading = readInTime('read zvm1', 'xcat', () => new Promise(() => {}), { troubleMs: 100, silenceMs: 200 });
  await expect(reading).rejects.toMatchObject({
    code: 'timeout',
    message: 'read zvm1: no answer from xCAT within 0.2 s',
  });
});

test('an xCAT that falls silent after it has said something is told with that', async () => {
  let tries = 0;
  const read = () => {
    tries += 1;
    return tries === 1 ? Promise.reject(busy()) : new Promise(() => {});
  };
  await expect(readInTime('read zvm1', 'xcat', read, { troubleMs: 1_000, silenceMs: 1_500 })).rejects.toMatchObject({
    code: 'busy',
  });
});

test('a failure that another try cannot help is not retried', async () => {
  let tries = 0;
  const refused = new BackendError({ code: 'unauthorised', operation: 'GET /version', message: 'HTTP 401' });
  const read = async () => {
    tries += 1;
    throw refused;
  };
  await expect(readInTime('read zvm1', 'xcat', read, PATIENCE)).rejects.toBe(refused);
  expect(tries).toBe(1);
});
