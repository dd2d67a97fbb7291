import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { acceptingActivities } from '../../activities/requests.ts';
import { createProgram } from '../../cli/program.ts';
import { isGuestOperationType, type OperationType } from '../../domain/operations/operations.ts';
import type { Refusal } from '../../domain/planning/refusal.ts';
import { portId } from '../workflows/environment.ts';
import { type Served, serve } from './environment.ts';

type Case = [what: string, type: OperationType, request: Record<string, unknown>, isGood: boolean];

const PORT = { userid: 'LNX10001', portId: portId(1), vswitch: 'VSW1', network: { type: 'flat' } };

/** One port among many: all of its fields are in the body of the HTTP request. */
const port = (what: string, fields: Record<string, unknown>, isGood: boolean): Case => {
  const given = Object.entries({ ...PORT, ...fields }).filter(([, value]) => value !== undefined);
  return [what, 'wirePorts', { ports: [Object.fromEntries(given)] }, isGood];
};
const vlan = (segmentationId: unknown, isGood: boolean) =>
  port(`VLAN ${JSON.stringify(segmentationId)}`, { network: { type: 'vlan', segmentationId } }, isGood);
const field = (name: string, value: unknown, isGood: boolean) =>
  port(`${name} ${JSON.stringify(value)}`, { [name]: value }, isGood);
const attach = (what: string, ports: unknown, isGood: boolean): Case => [
  what,
  'attachNic',
  { userid: 'LNX10001', ports },
  isGood,
];
const ofPort = (type: OperationType, what: string, fields: object, isGood: boolean): Case => [
  `${type} ${what}`,
  type,
  { userid: 'LNX10001', portId: portId(1), ...fields },
  isGood,
];

const CASES: readonly Case[] = [
  ...['02:00:00:12:34:56', '02-00-00-12-34-56', '020000123456', '02:00:00:AB:CD:EF', ' 02:00:00:12:34:56 '].map((mac) =>
    field('mac', mac, true),
  ),
  ...['01:00:00:12:34:56', '00:00:00:00:00:00', '02:00:00:12:34', '02:00:00:12:34:5g', '0200.0012.3456', '', 2].map(
    (mac) => field('mac', mac, false),
  ),
  ...[1, 4094, 1e2].map((id) => vlan(id, true)),
  ...[0, 4095, -1, 1.5, '50', '0x10', null, true].map((id) => vlan(id, false)),
  port('VLAN missing', { network: { type: 'vlan' } }, false),
  port('trunk', { network: { type: 'trunk', segmentationIds: [2, 1] } }, true),
  port('trunk of one VLAN', { network: { type: 'trunk', segmentationIds: [1] } }, false),
  port('trunk with a VLAN twice', { network: { type: 'trunk', segmentationIds: [1, 2, 1] } }, false),
  port('trunk of no VLAN', { network: { type: 'trunk', segmentationIds: [] } }, false),
  port('network of an unknown type', { network: { type: 'vxlan', segmentationId: 5 } }, false),
  port('flat network with a VLAN', { network: { type: 'flat', segmentationId: 5 } }, false),
  port('network as text', { network: 'flat' }, false),
  port('network missing', { network: undefined }, false),
  ...['LNX10001', 'lnx10001', ' LNX1 ', '$A@#_+:-', '7'].map((userid) => field('userid', userid, true)),
  ...['', 'LNX100001', 'LNX 1', 'LNX.1', 'ÄLNX', 7, null].map((userid) => field('userid', userid, false)),
  port('userid missing', { userid: undefined }, false),
  ...['1000', '0', 'fffd', ' 1a0 '].map((vdev) => field('vdev', vdev, true)),
  ...['fffe', 'FFFF', '10000', '0x10', 'g', '', 1_000].map((vdev) => field('vdev', vdev, false)),
  ...['VSW1', 'vsw1', '1SW', 'A-B_@#$'].map((vswitch) => field('vswitch', vswitch, true)),
  ...['', 'VSWITCH10', 'VSW 1', 'VSW+1', null].map((vswitch) => field('vswitch', vswitch, false)),
  field('portId', 'ABCDEF00-0000-4000-8000-00000000000A', true),
  ...['3f2a', '', '00000000-0000-0000-0000-000000000000', `{${portId(1)}}`, 1].map((id) => field('portId', id, false)),
  ...['192.0.2.1', '2001:DB8::1', '::ffff:192.0.2.1'].map((address) => field('address', address, true)),
  ...['192.0.2.256', '192.0.2', '192.0.2.1/24', 'lnx1', 1].map((address) => field('address', address, false)),
  ...['lnx1', 'LNX-1'].map((hostname) => field('hostname', hostname, true)),
  ...['-lnx', 'a.b', 'x'.repeat(64)].map((hostname) => field('hostname', hostname, false)),
  field('adminStateUp', false, true),
  ...['false', 0, null].map((up) => field('adminStateUp', up, false)),
  field('vlan', 5, false),
  ['no ports', 'wirePorts', { ports: [] }, false],
  ['a port twice', 'wirePorts', { ports: [PORT, PORT] }, false],
  ['ports that are no list', 'wirePorts', { ports: PORT }, false],
  ['live as text', 'wirePorts', { ports: [PORT], live: 'true' }, false],
  ['an unknown field beside the ports', 'wirePorts', { ports: [PORT], now: true }, false],
  attach('a recorded port', [{ portId: portId(1) }], true),
  attach('a new port', [{ portId: portId(1), vswitch: 'VSW1', network: { type: 'flat' } }], true),
  attach('no NIC', [], false),
  attach('a recorded port with a bad id', [{ portId: 'x' }], false),
  attach(
    'a new port with a bad MAC',
    [{ portId: portId(1), vswitch: 'VSW1', network: { type: 'flat' }, mac: 'x' }],
    false,
  ),
  attach('a new port without a network', [{ portId: portId(1), vswitch: 'VSW1' }], false),
  attach('a port that is no object', ['x'], false),
  ofPort('changeVlan', 'to a VLAN', { network: { type: 'vlan', segmentationId: 5 } }, true),
  ofPort('changeVlan', 'to VLAN 0', { network: { type: 'vlan', segmentationId: 0 } }, false),
  ofPort('changeVlan', 'on a bad VSWITCH', { network: { type: 'flat' }, vswitch: 'not one' }, false),
  ofPort('setAdminState', 'down', { adminStateUp: false }, true),
  ofPort('setAdminState', 'to a text', { adminStateUp: 'down' }, false),
  ofPort('deletePort', 'of a bad userid', { userid: 'LNX.1' }, false),
  ofPort('deletePort', 'of a bad id', { portId: 'x' }, false),
  ['ensureVswitch of a good name', 'ensureVswitch', { vswitch: 'vsw1' }, true],
  ['ensureVswitch of a bad name', 'ensureVswitch', { vswitch: 'VSW+1' }, false],
  ['ensureVswitch given up after 0 minutes', 'ensureVswitch', { vswitch: 'VSW1', giveUpAfterMinutes: 0 }, false],
  ['ensureVswitch given up after half a minute', 'ensureVswitch', { vswitch: 'VSW1', giveUpAfterMinutes: 0.5 }, true],
];

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.close());

type Verdict = { isGood: boolean; reasons: string[] };
const bad = (reasons: string[]): Verdict => ({ isGood: false, reasons: reasons.toSorted() });
const GOOD: Verdict = { isGood: true, reasons: [] };

/** The route of an operation, by what its path and query take; the rest is the body. */
const ROUTES: Partial<Record<OperationType, [method: string, path: string]>> = {
  wirePorts: ['POST', '/ports'],
  attachNic: ['POST', '/guests/{userid}/nics'],
  changeVlan: ['PATCH', '/guests/{userid}/ports/{portId}'],
  setAdminState: ['PATCH', '/guests/{userid}/ports/{portId}'],
  deletePort: ['DELETE', '/guests/{userid}/ports/{portId}'],
  ensureVswitch: ['PUT', '/vswitches/{vswitch}'],
};

async function byHttp(type: OperationType, request: Record<string, unknown>): Promise<Verdict> {
  const [method, template] = ROUTES[type] ?? ['', ''];
  const { giveUpAfterMinutes, ...rest } = request;
  const path = template.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const value = String(rest[name]);
    delete rest[name];
    return encodeURIComponent(value);
  });
  const query = `dryRun=true${giveUpAfterMinutes === undefined ? '' : `&giveUpAfterMinutes=${giveUpAfterMinutes}`}`;
  const body = method === 'DELETE' || method === 'PUT' ? undefined : rest;
  const answer = await served.call(method, `/v1/hosts/${served.host}${path}?${query}`, body);
  if (answer.status === 202) return GOOD;
  expect(answer).toMatchObject({ status: 422, body: { type: '/errors/invalid-request' } });
  return bad(answer.body.errors.map(({ field: name, reason }: Refusal) => `${name}: ${reason}`));
}

async function byTemporal(type: OperationType, request: object): Promise<Verdict> {
  const activities = acceptingActivities(served.host);
  const input = { host: served.host, ...request, dryRun: true };
  const accepting = isGuestOperationType(type)
    ? activities.acceptOperation({ type, input })
    : activities.acceptRequest({ type, input });
  return accepting.then(
    () => GOOD,
    ({ type: kind, details: [refusals] }: { type: string; details: Refusal[][] }) => {
      expect(kind).toBe('Refused');
      return bad((refusals ?? []).map(({ field: name, reason }) => `${name}: ${reason}`));
    },
  );
}

/** The program itself, within this process. */
async function byZvmnet(type: OperationType, request: object): Promise<Verdict> {
  let said = '';
  const writes = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    }),
  );
  const { exitCode } = process;
  vi.stubEnv('TEMPORAL_ADDRESS', inject('temporalAddress'));
  vi.stubEnv('TEMPORAL_NAMESPACE', inject('temporalNamespace'));
  const options = ['--host', served.host, '--dry-run', '--no-wait'];
  await createProgram().parseAsync(['node', 'zvmnet', 'ops', 'start', type, JSON.stringify(request), ...options]);
  const code = process.exitCode;
  process.exitCode = exitCode;
  vi.unstubAllEnvs();
  for (const write of writes) write.mockRestore();
  if (code === 0) return GOOD;
  expect({ code, said }).toMatchObject({ code: 2 });
  return bad(
    said
      .trim()
      .replace(/^zvmnet: /, '')
      .split('\n'),
  );
}

test.each(CASES)(
  '%s has one verdict by HTTP, zvmnet and Temporal, in the same words',
  async (_case, type, request, isGood) => {
    const http = await byHttp(type, request);
    expect({ ...http, zvmnet: await byZvmnet(type, request), temporal: await byTemporal(type, request) }).toEqual({
      isGood,
      reasons: http.reasons,
      zvmnet: http,
      temporal: http,
    });
    // A pattern is no reason.
    for (const reason of http.reasons) expect(reason).not.toMatch(/Invalid|\/\^|regex/);
  },
);
