import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, decodeReply, encode } from '../../neutron/envelope.ts';
import { NetworkObject, PortObject } from '../../neutron/messages.ts';
import { eventsOf, TOPICS } from '../../neutron/notifications.ts';
import { PluginApi, type RpcCaller } from '../../neutron/plugin-api.ts';

type Capture = { release: string; kind: string; topic: string | null; body: Record<string, unknown> };

/** Messages recorded from stock servers of two releases, whose protocols are eight years apart (docs/reference/neutron.md 2.3). */
const captures = readFileSync(join(import.meta.dirname, 'captures.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line): Capture => JSON.parse(line));

const wrapped = (body: unknown) =>
  Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(body) }));

/** The recorded answer of a release's server to a call. */
class RecordedServer implements RpcCaller {
  readonly #calls: Capture[];
  readonly #replies: Map<unknown, Capture>;

  constructor(release: string) {
    const mine = captures.filter((capture) => capture.release === release);
    this.#calls = mine.filter(({ kind }) => kind === 'call');
    this.#replies = new Map(mine.filter(({ kind }) => kind === 'reply').map((reply) => [reply.body._msg_id, reply]));
  }

  async call({ method, topic }: Parameters<RpcCaller['call']>[0]): Promise<unknown> {
    const index = this.#calls.findIndex((call) => call.topic === topic && call.body.method === method);
    const [call] = this.#calls.splice(index, index < 0 ? 0 : 1);
    const reply = this.#replies.get(call?.body._msg_id);
    const decoded = reply === undefined ? undefined : decodeReply(wrapped(reply.body));
    if (decoded === undefined) throw new Error(`nothing recorded for ${method}`);
    if (decoded.failure !== undefined) throw new Error(decoded.failure.class);
    return decoded.result;
  }
}

const releases = [...new Set(captures.map((capture) => capture.release))];

describe.each(releases)('as a server of release %s answered', (release) => {
  const mine = captures.filter((capture) => capture.release === release);

  test('each notification is understood', () => {
    const heard = mine.filter(({ kind, topic }) => kind === 'in' && topic !== null && TOPICS.includes(topic));
    expect(heard.length).toBeGreaterThan(3);
    for (const { body, topic } of heard) {
      const message = decodeMessage(wrapped(body));
      expect(message === undefined ? [] : eventsOf(message), `${topic}`).not.toEqual([]);
    }
  });

  test('a pushed port has its host, guest and segment', () => {
    const pushes = mine
      .filter(({ body }) => body.method === 'push')
      .flatMap(({ body }) => {
        const { resource_list } = body.args as { resource_list: Record<string, unknown>[] };
        return resource_list.filter((resource) => resource['versioned_object.name'] === 'Port');
      });
    const ports = pushes.flatMap((push) => PortObject.safeParse(push).data ?? []);
    expect(ports.map(({ host }) => host)).toContain('zvmhost1');
    for (const port of ports.filter(({ segment }) => segment !== undefined))
      expect(port.segment).toMatchObject({ networkType: expect.stringMatching(/^(vlan|flat)$/) });
  });

  test('the server is alive, takes a report, answers details, and changes of status', async () => {
    const api = new PluginApi(new RecordedServer(release));
    const state = { agent_type: 'Open vSwitch agent', binary: 'b', host: 'zvmhost1', topic: 'N/A', configurations: {} };
    expect(await api.hasAliveServer(1_000)).toBe(true);
    expect(await api.reportState(state, new Date(), 1_000)).toBe('new');
    expect(await api.reportState(state, new Date(), 1_000)).toBe('alive');
    await api.bind('zvmhost1', ['4e79ec7e-23b1-4e68-905c-f2b9404d24fa' as never]);
    const up = '4e79ec7e-23b1-4e68-905c-f2b9404d24fa' as never;
    expect(await api.report('zvmhost1', { up: [up], down: [] })).toEqual({ failed: [] });
  });

  test('a failure of the server is its class and message', () => {
    const failures = mine
      .filter(({ kind, body }) => kind === 'reply' && typeof body.failure === 'string')
      .map(({ body }) => decodeReply(wrapped(body))?.failure?.class);
    expect(failures).toContain('NoSuchMethod');
    expect(failures).toContain('UnsupportedVersion');
  });
});

test.each(['port_update', 'push'])(
  'that the server takes security groups to be enforced is read from a %s',
  (method) => {
    const events = captures
      .filter(({ kind, body }) => kind === 'in' && body.method === method)
      .flatMap(({ body }) => {
        const message = decodeMessage(wrapped(body));
        return message === undefined ? [] : eventsOf(message);
      });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'port', filtered: true }));
  },
);

test('a newer minor version with keys of its own is understood, another major version is not', () => {
  const id = '00000000-0000-4000-8000-000000000001';
  const said = (version: string) =>
    eventsOf({ method: 'port_delete', version, args: { port_id: id, since: 'later' }, uniqueId: undefined });
  expect(said('1.9')).toEqual([{ kind: 'portDeleted', portId: id }]);
  expect(said('2.0')).toEqual([]);
});

test('a sent message has the keys that a stock agent sends, twice encoded, with an administrator’s context', () => {
  const answer = { msgId: 'a'.repeat(32), queue: 'reply_x' };
  const outer = JSON.parse(encode({ method: 'm', version: '1.0', args: { a: 1 }, answer }).toString());
  expect(Object.keys(outer)).toEqual(['oslo.version', 'oslo.message']);
  expect(JSON.parse(outer['oslo.message'])).toMatchObject({
    method: 'm',
    version: '1.0',
    args: { a: 1 },
    _msg_id: answer.msgId,
    _reply_q: 'reply_x',
    _context_is_admin: true,
    _unique_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

test('an answer without an envelope, and one in two parts, are read', () => {
  expect(decodeReply(Buffer.from('{"_msg_id":"1","result":5}'))).toEqual({
    msgId: '1',
    result: 5,
    failure: undefined,
    ending: false,
  });
  expect(decodeReply(Buffer.from('{"_msg_id":"1","ending":true}'))).toMatchObject({ ending: true });
});

test('whatever arrives is read or left out, but never thrown at', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      const message = decodeMessage(Buffer.from(text));
      if (message !== undefined) eventsOf(message);
      decodeReply(Buffer.from(text));
    }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('push', 'port_update', 'port_delete', 'binding_activate', 'network_delete'),
      fc.jsonValue(),
      (method, args) => {
        eventsOf({ method, version: '1.0', args: { ...(args as object) }, uniqueId: undefined });
      },
    ),
  );
});

test('of a network with unknown keys, segments alone are read', () => {
  const data = { id: 'n', new_key: { deep: 1 }, segments: [] };
  expect(NetworkObject.parse({ 'versioned_object.name': 'Network', 'versioned_object.data': data })).toEqual({
    id: 'n',
    segments: [],
  });
});

test('a port with a multicast address has no MAC here, and the other ports of the host are read', async () => {
  const portWith = (id: string, mac: string) => ({
    id,
    network_id: 'n',
    mac_address: mac,
    admin_state_up: true,
    'binding:host_id': 'zvmhost1',
  });
  const odd = portWith('4e79ec7e-23b1-4e68-905c-f2b9404d24fa', '03:00:00:00:00:07');
  const usual = portWith('e76e3623-c63e-4a3c-b346-3e5ea951cf90', '02:00:00:00:00:08');
  const pushed = (data: typeof odd) => ({ 'versioned_object.name': 'Port', 'versioned_object.data': data });
  const api = new PluginApi({
    call: async ({ method }) => (method === 'bulk_pull' ? [odd, usual].map(pushed) : [odd, usual]),
  });
  for (const ports of [await api.portsOfHost('zvmhost1'), await api.ports([odd.id, usual.id] as never[])])
    expect(ports.map(({ mac }) => mac)).toEqual([undefined, usual.mac_address]);
});
