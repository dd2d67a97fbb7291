import { expect, test } from 'vitest';
import { type Ending, type Operation, type OperationType, operationOf } from '../../chaos/operation.ts';
import { HOST, layOut, type PortPlace, ZHCP_NODE } from '../../chaos/places.ts';
import { macIdOf, type SimulatorEvent, type SimulatorState } from '../../chaos/simulator.ts';
import { countOf, type Evidence, judge } from '../../chaos/verdict.ts';

const guests = layOut(2);
const place = placeOn('VSW1');
const portBased = placeOn('VSWPORT');

function placeOn(vswitch: string): PortPlace {
  const found = guests.flatMap((guest) => guest.ports).find((port) => port.vswitch === vswitch);
  if (found === undefined) throw new Error(`no port on ${vswitch}`);
  return found;
}

/** A whole run with one port or some: what was accepted, what z/VM's log and its state show. */
class FabricatedRun {
  readonly operations: Operation[] = [];
  readonly events: SimulatorEvent[] = [];
  private number = 0;

  /** An operation that was accepted at a time and ended so. */
  operation(type: OperationType, acceptedAt: number, input: object, ending: Ending, of = place): this {
    this.number += 1;
    const workflowId = `${type}-${this.number}`;
    const all = { host: HOST, userid: of.userid, ...input };
    this.operations.push(operationOf({ workflowId, type, acceptedAt, input: all, ending }));
    return this;
  }

  /** One that was carried out: its port is live and up on a VLAN then. */
  changeVlan(acceptedAt: number, endedAt: number, vlan: number, of = place): this {
    const input = { portId: of.portId, network: { type: 'vlan', segmentationId: vlan } };
    return this.operation('changeVlan', acceptedAt, input, done(endedAt, of, vlan), of);
  }

  attach(acceptedAt: number, endedAt: number, vlan: number, of = place): this {
    const { portId, vswitch, mac } = of;
    const ports = [{ portId, vswitch, mac, network: { type: 'vlan', segmentationId: vlan } }];
    return this.operation('attachNic', acceptedAt, { ports }, done(endedAt, of, vlan), of);
  }

  event(time: number, type: string, fields: Partial<SimulatorEvent>, of = place): this {
    this.events.push({ seq: this.events.length + 1, time, type, userid: of.userid, ...fields });
    return this;
  }

  /** The port comes to be on z/VM, live and up on a VLAN. */
  wired(time: number, vlan: number, of = place): this {
    const port = of.vswitch === 'VSWPORT' ? { port: 17 } : {};
    const statement = `NICDEF 1000 TYPE QDIO LAN SYSTEM ${of.vswitch} MACID ${macIdOf(of.mac)}`;
    return this.event(time, 'granted', { vswitch: of.vswitch, vlans: [vlan], ...port }, of)
      .event(time, 'nicdef-added', { vdev: '1000', statement }, of)
      .event(time, 'nic-defined', { vdev: '1000', mac: of.mac }, of)
      .event(time, 'coupled', { vdev: '1000', vswitch: of.vswitch, vlans: [vlan] }, of);
  }

  /** The port is put on another VLAN on z/VM, as a user-based VSWITCH asks for it. */
  moved(time: number, vlan: number): this {
    const { vswitch } = place;
    return this.event(time, 'uncoupled', { vdev: '1000', vswitch })
      .event(time, 'revoked', { vswitch })
      .event(time, 'granted', { vswitch, vlans: [vlan] })
      .event(time, 'coupled', { vdev: '1000', vswitch, vlans: [vlan] });
  }

  judged(simulator: SimulatorState, more: Partial<Evidence> = {}) {
    const { operations, events } = this;
    const nothing = { open: [], lost: [], stuck: [] };
    const verdict = judge({ guests, operations, events, simulator, zhcp: ZHCP_NODE, ...nothing, ...more });
    const { pairs, unobserved, findings } = verdict;
    const count = (kind: Parameters<typeof countOf>[1]) => countOf(verdict, kind);
    return {
      inverted: count('inverted'),
      wrongLastWord: count('wrongLastWord'),
      doubled: count('doubled'),
      locked: count('locked'),
      wrongAnswers: count('wrongAnswer'),
      ...{ pairs, unobserved, findings },
    };
  }
}

function done(at: number, { portId }: PortPlace, vlan: number, port: object = {}): Ending {
  const network = { type: 'vlan', segmentationId: vlan };
  const ports = [{ portId, network, adminStateUp: true, live: 'now', ...port }];
  return { kind: 'completed', at, result: { changed: true, ports, steps: [] } };
}

/** z/VM and its record, empty but for the ports given: each live and up on its VLAN. */
function simulatorWith(...ports: { of: PortPlace; vlan: number; vdev?: string }[]): SimulatorState {
  const state = emptySimulator();
  for (const { of, vlan, vdev = '1000' } of ports) {
    const system = state.systems[ZHCP_NODE];
    const guest = system?.guests[of.userid];
    const vswitch = system?.vswitches[of.vswitch];
    const node = of.userid.toLowerCase();
    state.tables.switch.push({ node, port: of.portId, switch: of.vswitch, vlan: String(vlan), interface: vdev });
    const row = state.tables.mac.find((each) => each.node === node);
    const entry = `${of.mac}!${node}-${vdev}`;
    if (row === undefined) state.tables.mac.push({ node, mac: entry });
    else row.mac = `${row.mac}|${entry}`;
    guest?.directory.push({ vdev, vswitch: of.vswitch, macid: macIdOf(of.mac) });
    guest?.nics.push({ vdev, mac: of.mac.replaceAll(':', '-'), vswitch: of.vswitch, vlans: [vlan] });
    if (vswitch?.portBased === true) vswitch.ports['17'] = { userid: of.userid, vlans: [vlan] };
    else if (vswitch !== undefined) vswitch.authorisations[of.userid] = { vlans: [vlan] };
  }
  return state;
}

function emptySimulator(): SimulatorState {
  const vswitch = (portBased: boolean) => ({ portBased, authorisations: {}, ports: {} });
  return {
    tables: { switch: [], mac: [] },
    systems: {
      [ZHCP_NODE]: {
        vswitches: { VSW1: vswitch(false), VSW2: vswitch(false), VSWPORT: vswitch(true) },
        guests: Object.fromEntries(guests.map(({ userid }) => [userid, { directory: [], nics: [] }])),
      },
    },
  };
}

const RIGHT = { inverted: 0, wrongLastWord: 0, doubled: 0, locked: 0, wrongAnswers: 0, unobserved: 0 };

test('words that were carried out in the order of acceptance, and a state that is the last of them, are right', () => {
  const run = new FabricatedRun().attach(10, 30, 100).changeVlan(40, 90, 200).changeVlan(50, 95, 300);
  run.wired(20, 100).moved(60, 200).moved(70, 300);
  expect(run.judged(simulatorWith({ of: place, vlan: 300 }))).toMatchObject({ ...RIGHT, pairs: 2 });
});

test('two that were carried out in the other order are found, with both Workflow IDs', () => {
  const run = new FabricatedRun().attach(10, 30, 100).changeVlan(40, 90, 200).changeVlan(50, 95, 300);
  run.wired(20, 100).moved(60, 300).moved(70, 200);
  const judged = run.judged(simulatorWith({ of: place, vlan: 200 }));
  expect(judged).toMatchObject({ ...RIGHT, inverted: 1, wrongLastWord: 1 });
  expect(judged.findings[0]).toMatchObject({
    kind: 'inverted',
    userid: place.userid,
    portId: place.portId,
    workflowIds: ['changeVlan-2', 'changeVlan-3'],
  });
});

test('two that were accepted in one millisecond have no order, and either may be the last', () => {
  const run = new FabricatedRun().attach(10, 30, 100).changeVlan(40, 90, 200).changeVlan(40, 95, 300);
  run.wired(20, 100).moved(60, 300).moved(70, 200);
  expect(run.judged(simulatorWith({ of: place, vlan: 200 }))).toMatchObject({ ...RIGHT, pairs: 0 });
});

test('an operation without a VLAN of its own is identified by the VLAN that it found', () => {
  const { portId, vswitch } = place;
  const down = { adminStateUp: false };
  const moving = { portId, network: { type: 'vlan', segmentationId: 200 } };
  const run = new FabricatedRun().attach(10, 30, 100).wired(20, 100);
  // The change of the VLAN was asked for first, and answered that the port was down already.
  run.operation('changeVlan', 40, moving, done(90, place, 200, down));
  run.operation('setAdminState', 50, { portId, ...down }, done(95, place, 100, down));
  const statement = `NICDEF 1000 TYPE QDIO MACID ${macIdOf(place.mac)}`;
  run.event(60, 'uncoupled', { vdev: '1000' }).event(60, 'nicdef-added', { vdev: '1000', statement });
  run.event(70, 'revoked', { vswitch }).event(70, 'granted', { vswitch, vlans: [200] });
  expect(run.judged(emptySimulator())).toMatchObject({ inverted: 1, unobserved: 0, pairs: 2 });
});

test('on a port-based VSWITCH a VLAN that changes in place is seen, coupled or not', () => {
  const { vswitch } = portBased;
  const run = new FabricatedRun().attach(10, 30, 100, portBased).changeVlan(40, 90, 200, portBased);
  run.changeVlan(50, 95, 300, portBased).wired(20, 100, portBased);
  run.event(60, 'vlans-changed', { vswitch, port: 17, vdev: '1000', vlans: [300] }, portBased);
  run.event(70, 'vlans-changed', { vswitch, port: 17, vdev: '1000', vlans: [200] }, portBased);
  const judged = run.judged(simulatorWith({ of: portBased, vlan: 200 }));
  expect(judged).toMatchObject({ ...RIGHT, inverted: 1, wrongLastWord: 1 });
});

test('operations at the same time are not judged by their order', () => {
  const run = new FabricatedRun().attach(10, 30, 100).changeVlan(40, 90, 200).changeVlan(50, 95, 300);
  run.wired(20, 100).moved(60, 300);
  expect(run.judged(simulatorWith({ of: place, vlan: 300 }))).toMatchObject({ ...RIGHT, pairs: 2, unobserved: 2 });
});

test('a cancelled or rolled back operation changes nothing, an unknown one may have', () => {
  const network = (vlan: number) => ({ portId: place.portId, network: { type: 'vlan', segmentationId: vlan } });
  const failed = (undone: boolean): Ending => ({
    ...{ kind: 'failed', at: 90, type: 'StepFailed', message: 'no' },
    report: { undone },
  });
  const run = new FabricatedRun().attach(10, 30, 100).wired(20, 100);
  run.operation('changeVlan', 40, network(200), { kind: 'cancelled', at: 60 });
  run.operation('changeVlan', 50, network(300), failed(true));
  expect(run.judged(simulatorWith({ of: place, vlan: 100 }))).toMatchObject(RIGHT);
  expect(run.judged(simulatorWith({ of: place, vlan: 200 }))).toMatchObject({ wrongLastWord: 1 });
  run.operation('changeVlan', 60, network(400), failed(false));
  expect(run.judged(simulatorWith({ of: place, vlan: 100 }))).toMatchObject({ wrongLastWord: 0 });
  expect(run.judged(simulatorWith({ of: place, vlan: 400 }))).toMatchObject({ wrongLastWord: 0 });
});

const wrongStates: [string, (state: SimulatorState) => void][] = [
  ['another VLAN in the record', (state) => Object.assign(state.tables.switch[0] ?? {}, { vlan: '7' })],
  ['no row', (state) => state.tables.switch.pop()],
  ['a row that is out of use', (state) => Object.assign(state.tables.switch[0] ?? {}, { disable: 'yes' })],
  ['a NICDEF without its VSWITCH', (state) => Object.assign(guestOf(state).directory[0] ?? {}, { vswitch: null })],
  ['no NICDEF', (state) => guestOf(state).directory.pop()],
  ['no NIC', (state) => guestOf(state).nics.pop()],
  ['a NIC that is not coupled', (state) => Object.assign(guestOf(state).nics[0] ?? {}, { vswitch: null, vlans: [] })],
  ['a NIC on another VLAN', (state) => Object.assign(guestOf(state).nics[0] ?? {}, { vlans: [7] })],
  [
    'another VLAN granted',
    (state) => Object.assign(systemOf(state).vswitches.VSW1?.authorisations ?? {}, { [place.userid]: { vlans: [7] } }),
  ],
  ['no grant', (state) => delete systemOf(state).vswitches.VSW1?.authorisations[place.userid]],
];

test.each(wrongStates)('%s is not what the last word says', (_name, spoil) => {
  const state = simulatorWith({ of: place, vlan: 100 });
  const run = new FabricatedRun().attach(10, 30, 100).wired(20, 100);
  expect(run.judged(state)).toMatchObject(RIGHT);
  spoil(state);
  expect(run.judged(state).wrongLastWord).toBe(1);
});

function systemOf(state: SimulatorState) {
  const system = state.systems[ZHCP_NODE];
  if (system === undefined) throw new Error('no system');
  return system;
}

function guestOf(state: SimulatorState) {
  const guest = systemOf(state).guests[place.userid];
  if (guest === undefined) throw new Error('no guest');
  return guest;
}

const doubles: [string, (state: SimulatorState) => void][] = [
  ['a second row of a port', (state) => state.tables.switch.push({ ...state.tables.switch[0], node: 'other' })],
  [
    'a NIC without a row',
    (state) => guestOf(state).nics.push({ vdev: '1009', mac: '02-00-00-00-00-09', vswitch: null, vlans: [] }),
  ],
  ['a NICDEF without a row', (state) => guestOf(state).directory.push({ vdev: '1009', vswitch: null, macid: null })],
  [
    'a grant for no port',
    (state) => Object.assign(systemOf(state).vswitches.VSW2?.authorisations ?? {}, { [place.userid]: { vlans: [9] } }),
  ],
  [
    'a port number for no port',
    (state) =>
      Object.assign(systemOf(state).vswitches.VSWPORT?.ports ?? {}, { 99: { userid: place.userid, vlans: [9] } }),
  ],
  [
    'a MAC entry of a port that is gone',
    (state) =>
      state.tables.mac.push({
        node: place.userid.toLowerCase(),
        mac: `02:00:00:00:00:09!${place.userid.toLowerCase()}-1009`,
      }),
  ],
  [
    'a MAC that two guests have',
    (state) =>
      Object.values(systemOf(state).guests)
        .find((guest) => guest !== guestOf(state))
        ?.nics.push({ vdev: '1000', mac: place.mac.replaceAll(':', '-'), vswitch: null, vlans: [] }),
  ],
];

test.each(doubles)('%s stands twice, or has no owner', (_name, spoil) => {
  const state = simulatorWith({ of: place, vlan: 100 });
  const run = new FabricatedRun().attach(10, 30, 100).wired(20, 100);
  expect(run.judged(state).doubled).toBe(0);
  spoil(state);
  expect(run.judged(state).doubled).toBeGreaterThan(0);
});

test('an operation that is open or lost, or a guest that cannot be changed any more, is a lock', () => {
  const run = new FabricatedRun().attach(10, 30, 100).wired(20, 100);
  const more = {
    open: [`guest/${HOST}/${place.userid}`],
    lost: ['own/1'],
    stuck: [`${place.userid} cannot be changed`],
  };
  expect(run.judged(simulatorWith({ of: place, vlan: 100 }), more).locked).toBe(3);
});

test('ports that were wired by one operation stand each for itself', () => {
  const ports = [place, portBased].map(({ userid, portId, vswitch, mac }, index) => ({
    ...{ userid, portId, vswitch, mac },
    network: { type: 'vlan', segmentationId: 100 + index },
  }));
  const outcome = (of: PortPlace, word: string) => ({ userid: of.userid, portId: of.portId, outcome: word });
  const result = { wired: 1, unchanged: 0, refused: 1, failed: 0 };
  const reported = [outcome(place, 'wired'), outcome(portBased, 'refused')];
  const run = new FabricatedRun().attach(5, 8, 900, portBased).wired(6, 900, portBased);
  const ending: Ending = { kind: 'completed', at: 30, result: { ...result, ports: reported } };
  run.operation('wirePorts', 10, { ports, live: true }, ending).wired(20, 100);
  const both = [
    { of: place, vlan: 100 },
    { of: portBased, vlan: 900, vdev: place.userid === portBased.userid ? '1003' : '1000' },
  ];
  expect(run.judged(simulatorWith(...both))).toMatchObject(RIGHT);
});

test('a dry run is no word on its port', () => {
  const run = new FabricatedRun().attach(10, 30, 100).wired(20, 100);
  const input = { portId: place.portId, dryRun: true };
  run.operation('deletePort', 40, input, { kind: 'completed', at: 50, result: { changed: false, ports: [] } });
  expect(run.judged(simulatorWith({ of: place, vlan: 100 }))).toMatchObject({ ...RIGHT, pairs: 0 });
});
