import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { desiredText, readDesiredHosts } from '../../client/desired-file.ts';
import { changesOf, type HostChanges, isAsDesired } from '../../domain/host/desired-changes.ts';
import { type DesiredHost, desiredHostOf } from '../../domain/host/desired-host.ts';
import { HostView, type PortView } from '../../domain/host/host-view.ts';
import { portId } from '../workflows/environment.ts';
import { ROOT } from './command.ts';

const vlanId = fc.integer({ min: 1, max: 4094 });
const network = fc.oneof(
  fc.constant({ type: 'flat' as const }),
  vlanId.map((segmentationId) => ({ type: 'vlan' as const, segmentationId })),
  fc.uniqueArray(vlanId, { minLength: 2, maxLength: 5 }).map((ids) => ({
    type: 'trunk' as const,
    segmentationIds: ids.toSorted((one, other) => one - other),
  })),
);
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789ABCDEF'), minLength: length, maxLength: length });
const vswitchName = fc.constantFrom('VSW1', '1E10', 'NULL', '0', '@A', '#VSW');
const port = fc.record(
  {
    vswitch: vswitchName,
    network,
    mac: hex(6).map((end) => `02:00:00${end.toLowerCase().replaceAll(/../g, ':$&')}`),
    vdev: hex(3).map((end) => `0${end}`),
    adminStateUp: fc.boolean(),
  },
  { requiredKeys: ['vswitch', 'network', 'adminStateUp'] },
);
/** Guests with their ports; each port has an id of its own. */
const guests = fc
  .uniqueArray(
    fc.record({ userid: fc.constantFrom('LNX1', '1E3', 'NO', '$A', 'TRUE', '00001'), ports: fc.array(port) }),
    {
      selector: ({ userid }) => userid,
    },
  )
  .map((all) => {
    let number = 0;
    return all.map(({ userid, ports }) => ({
      ...{ userid, node: userid.replace('$', ''), foreignNics: [], drift: [] },
      ports: ports.map((each) => {
        number += 1;
        return { ...each, userid, portId: portId(number), actual: { vlans: null, coupledTo: null }, drift: [] };
      }),
    }));
  });
const view = fc.record({ guests, names: fc.uniqueArray(vswitchName) }).map((some) =>
  HostView.parse({
    ...{ host: 'zvm1', iplTime: null, guests: some.guests },
    vswitches: some.names.map((name) => ({
      ...{ name, physicalNetwork: 'physnet1', portSelection: 'USERBASED', transport: 'ETHERNET' },
      ...{ vlanAware: true, status: null, uplinks: [], authorisations: [], nics: [] },
    })),
  }),
);

test.each(['yaml', 'json'] as const)('an exported host, written as %s and read again, differs in nothing', (form) => {
  fc.assert(
    fc.property(view, (host) => {
      const { desired } = desiredHostOf(host);
      const read = readDesiredHosts([{ name: 'zvm1', text: desiredText([desired], form) }]);
      expect(read).toEqual([desired]);
      for (const each of read) expect(isAsDesired(changesOf(each, host, true))).toBe(true);
    }),
  );
});

test('an exported host of 1,000 ports differs in nothing, with prune too', () => {
  const guestOf = (index: number) => ({
    ...{ userid: `LNX${10_000 + index}`, node: `lnx${10_000 + index}`, foreignNics: [], drift: [] },
    ports: ['1000', '1003', '1006', '1009'].map((vdev, at) => ({
      ...{ portId: portId(4 * index + at + 1), userid: `LNX${10_000 + index}`, vdev, vswitch: 'VSW1' },
      network: { type: 'vlan', segmentationId: 1 + ((4 * index + at) % 4_094) },
      ...{ adminStateUp: at !== 3, actual: { vlans: null, coupledTo: null }, drift: [] },
    })),
  });
  const guests = Array.from({ length: 250 }, (_, index) => guestOf(index));
  const host = HostView.parse({ host: 'zvm1', iplTime: null, vswitches: [], guests });
  const text = desiredText([desiredHostOf(host).desired], 'yaml');
  const [read] = readDesiredHosts([{ name: 'zvm1.yaml', text }]);
  expect(read?.guests.flatMap(({ ports }) => ports)).toHaveLength(1_000);
  const changes = read && changesOf(read, host, true);
  expect(changes).toMatchObject({ vswitches: [], guests: [], refusals: [], unnamed: [] });
});

test('an export is the same text whatever the order of what was read', () => {
  fc.assert(
    fc.property(view, (host) => {
      const turned = {
        ...host,
        vswitches: host.vswitches.toReversed(),
        guests: host.guests.toReversed().map((guest) => ({ ...guest, ports: guest.ports.toReversed() })),
      };
      expect(desiredText([desiredHostOf(turned).desired], 'yaml')).toBe(
        desiredText([desiredHostOf(host).desired], 'yaml'),
      );
    }),
  );
});

test('any host, after the changes of any file with prune, is as the file says', () => {
  fc.assert(
    fc.property(view, view, (host, other) => {
      const { desired } = desiredHostOf(other);
      const changes = changesOf(desired, host, true);
      fc.pre(changes.refusals.length === 0);
      const after = carriedOut(host, changes);
      expect(isAsDesired(changesOf(desired, after, true))).toBe(true);
      expect(after.guests.flatMap(({ ports }) => ports)).toHaveLength(
        desired.guests.flatMap(({ ports }) => ports).length,
      );
    }),
  );
});

test('without prune nothing that the file does not name is deleted', () => {
  fc.assert(
    fc.property(view, view, (host, other) => {
      const changes = changesOf(desiredHostOf(other).desired, host, false);
      expect(changes.guests.flatMap(({ remove }) => remove)).toEqual([]);
    }),
  );
});

/** A host after changes, for this test: what the operations promise. */
function carriedOut(host: HostView, { vswitches, guests: changed }: HostChanges): HostView {
  const userids = new Set([...host.guests, ...changed].map(({ userid }) => userid));
  const [made] = host.vswitches;
  return HostView.parse({
    ...host,
    vswitches: [
      ...host.vswitches,
      ...vswitches.map((name) => ({ ...made, name, physicalNetwork: 'physnet1', ...NEW_VSWITCH })),
    ],
    guests: [...userids].map((userid) => {
      const guest = host.guests.find((each) => each.userid === userid);
      const change = changed.find((each) => each.userid === userid);
      const set = new Map(change?.set.map((each) => [each.port.portId, each.port]));
      const stay = (guest?.ports ?? []).filter(({ portId: id }) => change?.remove.includes(id) !== true);
      const known = new Set(stay.map(({ portId: id }) => id));
      const news = [...set.values()].filter(({ portId: id }) => !known.has(id));
      return {
        ...{ userid, node: 'node', foreignNics: [], drift: [] },
        ports: [
          ...stay.map((each): PortView => ({ ...each, ...set.get(each.portId) })),
          ...news.map((each) => ({ ...each, userid, actual: { vlans: null, coupledTo: null }, drift: [] })),
        ],
      };
    }),
  });
}

const NEW_VSWITCH = {
  ...{ portSelection: 'USERBASED', transport: 'ETHERNET', vlanAware: true },
  ...{ status: null, uplinks: [], authorisations: [], nics: [] },
};

const PORT = `portId: ${portId(1)}, vswitch: VSW1, network: {type: flat}`;
const read = (...texts: string[]): DesiredHost[] =>
  readDesiredHosts(texts.map((text, index) => ({ name: `file${index + 1}`, text })));

test('mistakes are told by file, line and field, all at once, in the words of the operations', () => {
  const text = [
    'host: zvm1',
    'guests:',
    '  - userid: TOOLONGNAME',
    '    ports:',
    `      - {portId: ${portId(1)}, vswitch: VSW1, network: {type: vlan, segmentationId: 5000}}`,
    `      - {portId: ${portId(2)}, vswitch: VSW1, network: {type: flat}, vdev: 1000}`,
    `      - {portId: ${portId(3)}, network: {type: flat}, vlan: 3}`,
  ].join('\n');
  expect(() => read(text)).toThrow(
    [
      'file1, line 3: guests.0.userid: must be a z/VM userid: 1 to 8 characters of A–Z, 0–9, @ # $ _ + : -',
      'file1, line 5: guests.0.ports.0.network.segmentationId: must be 1 to 4094',
      'file1, line 6: guests.0.ports.1.vdev: must be text',
      'file1, line 7: guests.0.ports.2.vswitch: is missing',
      'file1, line 7: guests.0.ports.2.vlan: vlan is not a known field',
    ].join('\n'),
  );
});

test('a key that stands twice and a text that is no YAML are mistakes by their line', () => {
  expect(() => read('host: zvm1\nguests: []\nguests: []', 'host: [zvm1')).toThrow(
    /^file1, line 3: Map keys must be unique\nfile2, line 1: .*flow/i,
  );
});

test('a file says several hosts, as documents or as a list, and several files say guests of one host', () => {
  const hosts = read(
    'host: zvm1\n---\n- host: zvm2\n- host: zvm3\n---\n',
    `host: zvm1\nguests: [{userid: A, ports: [{${PORT}}]}]`,
  );
  expect(hosts.map(({ host, guests: of }) => [host, of.length])).toEqual([
    ['zvm1', 1],
    ['zvm2', 0],
    ['zvm3', 0],
  ]);
});

test('a guest or a port that is said twice is a mistake, in another file too', () => {
  const one = (host: string, userid: string) => `host: ${host}\nguests:\n  - userid: ${userid}\n    ports: [{${PORT}}]`;
  expect(() => read(one('zvm1', 'A'), one('zvm1', 'a'))).toThrow(
    `file2, line 3: guests.0: A is a duplicate of the one in file1, line 3\n` +
      `file2, line 4: guests.0.ports.0.portId: port ${portId(1)} is a duplicate of the one in file1, line 4`,
  );
  expect(() => read(one('zvm1', 'A'), one('zvm2', 'A'))).toThrow(`port ${portId(1)} is a duplicate`);
});

test('the files of the example and of the documentation can be read', () => {
  const text = (name: string) => readFileSync(join(ROOT, 'docs', name), 'utf8');
  const [, inPage = ''] = /```yaml\n(.*?)```/s.exec(text('zvmnet.md')) ?? [];
  for (const each of [text('examples/gitops/hosts/zvm1.yaml'), inPage])
    expect(read(each)).toMatchObject([{ host: 'zvm1' }]);
});
