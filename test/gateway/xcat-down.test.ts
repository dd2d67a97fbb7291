import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { reconciliationHealth } from '../../client/reconciliation-health.ts';
import { ensureReconcileSchedule } from '../../runtime/host/reconcile-schedule.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { start, zvmnet, zvmnetJson } from '../cli/command.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve } from './environment.ts';

let served: Served;
beforeAll(async () => {
  served = await serve();
  const ports = [{ portId: portId(1), vswitch: 'VSW1', network: vlan(7) }];
  await served.environment.run('attachNic', { userid: 'LNX10001', ports });
  await ensureReconcileSchedule(served.environment.client, served.host, {
    intervalSeconds: 3_600,
    sweepSeconds: 3_600,
  });
});
afterAll(async () => {
  await schedule().delete();
  await served.close();
});
beforeEach(() => served.environment.control('DELETE', 'faults'));

const schedule = () => served.environment.client.schedule.getHandle(reconcileScheduleId(served.host));
const xcatDown = () =>
  served.environment.control('POST', 'faults', {
    match: {},
    action: { kind: 'status', status: 503, text: 'xcatd is down' },
  });
const xcatSilent = () =>
  served.environment.control('POST', 'faults', { match: {}, action: { kind: 'hold', when: 'before' } });
const env = () => ({ ZVMNET_HOST: served.host });

const PATHS = ['ports', 'guests', 'picture', 'vswitches', 'vswitches/VSW1', 'guests/LNX10001', 'guests/LNX10002'];
const COMMANDS = [
  'port list',
  'port show 00000000',
  'guest list',
  'guest show LNX10001',
  'vswitch list',
  'vswitch show VSW1',
  'drift',
];

test('with xCAT down the API says what xCAT said, whatever it is asked for', async () => {
  await xcatDown();
  const answers = await Promise.all(
    PATHS.map(async (path) => ({ path, ...(await served.call('GET', `/v1/hosts/${served.host}/${path}`)) })),
  );
  for (const { path, status, body } of answers) {
    expect({ path, status, type: body.type }).toEqual({
      path,
      status: 503,
      type: '/errors/unreadable',
    });
    expect(body.detail).toMatch(/(GET|PUT|POST) \/\S+: HTTP 503: .*xcatd is down.*check that xcatd runs/s);
  }
});

test('with xCAT down zvmnet says what xCAT said, whatever it is asked for', async () => {
  await xcatDown();
  const ends = await Promise.all(
    COMMANDS.map(async (words) => ({ words, ...(await zvmnet(words.split(' '), env())) })),
  );
  for (const { words, code, err } of ends) {
    expect({ words, code }, err).toEqual({ words, code: 1 });
    expect(err).toMatch(/HTTP 503: .*xcatd is down.*check that xcatd runs/s);
  }
});

test('an xCAT that is up again within seconds is not noticed by readers', async () => {
  await served.environment.control('POST', 'faults', { match: {}, action: { kind: 'status', status: 503 }, times: 2 });
  expect((await zvmnetJson(['port', 'list'], env())).ports).toHaveLength(1);
});

test('a reader that waits for a silent xCAT gets the reason', async () => {
  await xcatSilent();
  const reading = start(['port', 'list'], env());
  await reading.told('xCAT has given no valid answer yet');
  await served.environment.control('DELETE', 'faults');
  expect((await reading.ended).code).toBe(0);
});

test('hosts show when reconciliation succeeded last, and why it fails now', async () => {
  const { client } = served.environment;
  await schedule().trigger();
  await expect.poll(async () => (await reconciliationHealth(client, served.host)).lastSuccess).toBeDefined();
  const { reconciliation: well } = (await served.call('GET', `/v1/hosts/${served.host}`)).body;
  expect(well).not.toHaveProperty('failure');
  await xcatDown();
  await schedule().trigger();
  await expect
    .poll(async () => (await reconciliationHealth(client, served.host)).failure?.reason)
    .toContain('HTTP 503');
  const { hosts } = (await served.call('GET', '/v1/hosts')).body;
  expect(hosts[0].reconciliation).toMatchObject({
    lastSuccess: well.lastSuccess,
    failure: { at: expect.any(String), reason: expect.stringContaining('xcatd is down') },
  });
  const { out } = await zvmnet(['hosts'], env());
  expect(out).toMatch(new RegExp(`${served.host} .*failed +${well.lastSuccess.slice(0, 10)} .* UTC`));
  expect(out).toMatch(new RegExp(`${served.host}: reconciliation failed at .* UTC: .*HTTP 503: .*xcatd is down`));
});
