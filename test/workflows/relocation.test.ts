import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SimulatorState } from '../../demo/check.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { relocate } from '../../simulator/zvm/relocation.ts';
import { createEnvironmentOn, type Environment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

/** SMAPI functions that a guest is relocated before or after. */
const QUERY = 'Virtual_Network_Adapter_Query';
const DEFINE = 'Virtual_Network_Adapter_Create_Extended';
const COUPLE = 'Virtual_Network_Adapter_Connect_Vswitch';
const UNCOUPLE = 'Virtual_Network_Adapter_Disconnect';
const DETACH = 'Virtual_Network_Adapter_Delete';
const AUTHORISE = 'Virtual_Network_Vswitch_Set_Extended';
const NICDEF = 'Image_Definition_Update_DM';
/** Writes NICDEFs with their VLANs, where the directory authorises by them. */
const REPLACE = 'Image_Replace_DM';
const REMOVE_NICDEF = 'Virtual_Network_Adapter_Delete_DM';

const FIRST = { vswitch: 'VSW1', network: vlan(100) };
const SECOND = { vswitch: 'VSW2', network: vlan(200) };

/** The NICs and grants that a guest ends with: by VSWITCH its VLAN, live and at its next logon. */
type End = { live: Record<string, number>; next: string[]; grants: Record<string, number> };
const BOTH: End = { live: { VSW1: 100, VSW2: 200 }, next: ['VSW1', 'VSW2'], grants: { VSW1: 100, VSW2: 200 } };
const ONE: End = { live: { VSW1: 100 }, next: ['VSW1'], grants: { VSW1: 100, VSW2: 200 } };

type Case = {
  functions: string[];
  end: End;
  run(zvm: Environment, userid: string, ids: { first: string; second: string }): Promise<unknown>;
};

const CASES: Record<string, Case> = {
  createPort: {
    functions: [QUERY, NICDEF],
    end: { ...ONE, next: ['VSW1', 'VSW2'] },
    run: (zvm, userid, { second }) => zvm.run('createPort', { userid, portId: second, ...SECOND }),
  },
  attachNic: {
    functions: [QUERY, NICDEF, DEFINE, COUPLE],
    end: BOTH,
    run: (zvm, userid, { second }) => zvm.run('attachNic', { userid, ports: [{ portId: second, ...SECOND }] }),
  },
  changeVlan: {
    functions: [QUERY, UNCOUPLE, AUTHORISE, COUPLE],
    end: { ...ONE, live: { VSW1: 300 }, grants: { VSW1: 300, VSW2: 200 } },
    run: (zvm, userid, { first }) => zvm.run('changeVlan', { userid, portId: first, network: vlan(300) }),
  },
  setAdminState: {
    functions: [QUERY, UNCOUPLE, NICDEF],
    end: { ...ONE, live: {}, next: [] },
    run: (zvm, userid, { first }) => zvm.run('setAdminState', { userid, portId: first, adminStateUp: false }),
  },
  detachNic: {
    functions: [QUERY, UNCOUPLE, DETACH],
    end: { ...ONE, live: {} },
    run: (zvm, userid, { first }) => zvm.run('detachNic', { userid, portIds: [first] }),
  },
  deletePort: {
    functions: [QUERY, UNCOUPLE, DETACH, REMOVE_NICDEF],
    end: { live: {}, next: [], grants: { VSW2: 200 } },
    run: (zvm, userid, { first }) => zvm.run('deletePort', { userid, portId: first }),
  },
  wirePorts: {
    functions: [QUERY, NICDEF, COUPLE],
    end: BOTH,
    run: async (zvm, userid, { second }) => {
      const ports = [{ userid, portId: second, ...SECOND }];
      const run = await startRun(zvm.client, 'wirePorts', { host: zvm.host, live: true, ports });
      expect(await run.result()).toMatchObject({ wired: 1, failed: 0, refused: 0 });
    },
  },
};

const DIRECTIONS = [
  ['away from its host', 'zhcp1', 'zhcp2'],
  ['back to its host', 'zhcp2', 'zhcp1'],
] as const;

describe.each(['6.3', '7.4'] as const)('relocation in the middle of an operation, release %s', (release) => {
  let simulator: Simulator;
  let zvm: Environment;
  let next = 1;
  beforeAll(async () => {
    simulator = await startSimulator({ hosts: 2, guests: 160, ssi: true, release, clusterIntervalMs: 0 });
    zvm = await createEnvironmentOn(simulator, 1);
  });
  afterAll(async () => {
    await zvm.close();
    await simulator.close();
  });

  const isGranted = release === '6.3';
  const grantsOf = ({ grants }: End) => (isGranted ? grants : {});

  /**
   * A guest with one live port. Where a grant authorises it, it has grants for two on both members, as an administrator makes them for a
   * relocation; else its directory entry goes along.
   */
  async function guestOn(member: string) {
    const number = next;
    next += 2;
    const userid = `LNX1${String(number).padStart(4, '0')}`;
    const ids = { first: portId(number * 10), second: portId(number * 10 + 1) };
    await zvm.run('attachNic', { userid, ports: [{ portId: ids.first, ...FIRST }] });
    for (const { vswitches } of isGranted ? simulator.mn.systems : [])
      for (const { vswitch, network } of [FIRST, SECOND])
        vswitches.get(vswitch)?.authorisations.set(userid, {
          ...{ vlans: [network.segmentationId], portType: 'ACCESS', promiscuous: false, persist: true },
        });
    if (member !== 'zhcp1') go(simulator, userid, 'zhcp1', member);
    return { userid, ids };
  }

  const relocateAt = (userid: string, to: string, at: string, when: string) => {
    const action = { kind: 'relocate', function: at, userid, to, when };
    return zvm.control('POST', 'faults', { match: {}, action, times: 1 });
  };

  describe.each(DIRECTIONS)('%s', (_direction, from, to) => {
    test.each(Object.keys(CASES))('%s ends right on the member where the guest is', async (name) => {
      const { functions, end, run } = CASES[name] ?? { functions: [], end: ONE, run: async () => undefined };
      await Promise.all(
        momentsOf(functions, release).map(async ({ at, when }) => {
          const { userid, ids } = await guestOn(from);
          await relocateAt(userid, to, at, when);
          await run(zvm, userid, ids);
          const moment = `${name}, ${when} ${at}`;
          // CP relocates no guest with a NIC that the destination does not authorise at that moment.
          const wasRefused = (await zvm.events()).some(
            ({ type, ...event }) => type === 'relocation refused' && event.userid === userid,
          );
          const where = wasRefused ? from : to;
          expect(await endOf(zvm, userid), moment).toEqual({
            where,
            ...end,
            grants: grantsOf(end),
            formerGrants: grantsOf(end),
          });
        }),
      );
    });

    test('reconciliation ends right on the member where the guest is', async () => {
      const moments = momentsOf([QUERY, NICDEF, COUPLE], release);
      const guests = await Promise.all(
        moments.map(async ({ at, when }) => {
          const { userid } = await guestOn(from);
          const guest = systemOf(simulator, from).guest(userid);
          for (const nic of guest?.nics ?? []) nic.vswitch = null;
          if (guest !== undefined) guest.entry.restore(guest.entry.withoutNicdef('1000'), undefined, 'none');
          await relocateAt(userid, to, at, when);
          return { userid, moment: `${when} ${at}` };
        }),
      );
      const input = { host: zvm.host, intervalSeconds: 1, sweepSeconds: 1 };
      const first = await (await startRun(zvm.client, 'reconcileHost', input)).result();
      // One that came and went while it was read is seen by the next run.
      const last = { checkpoint: first.checkpoint, failures: [] };
      await (await startRun(zvm.client, 'reconcileHost', { ...input, last })).result();
      for (const { userid, moment } of guests)
        expect(await endOf(zvm, userid), moment).toEqual({
          where: to,
          ...ONE,
          grants: grantsOf(ONE),
          formerGrants: grantsOf(ONE),
        });
    });
  });
});

/** Before each function, and after the last. */
function momentsOf(functions: readonly string[], release: string) {
  const byDirectory = (name: string) => (name === NICDEF || name === AUTHORISE ? REPLACE : name);
  const called = release === '6.3' ? functions : functions.map(byDirectory);
  return [...called.map((at) => ({ at, when: 'before' })), ...called.slice(-1).map((at) => ({ at, when: 'after' }))];
}

function go(simulator: Simulator, userid: string, from: string, to: string): void {
  const refused = relocate(systemOf(simulator, from), simulator.mn.systemOf(to), userid);
  if (refused !== null) throw new Error(refused);
}

function systemOf(simulator: Simulator, zhcp: string) {
  const system = simulator.mn.systemOf(zhcp);
  if (system === undefined) throw new Error(`no system of ${zhcp}`);
  return system;
}

/** Where the guest runs, and what it has. */
async function endOf(zvm: Environment, userid: string) {
  const { systems } = SimulatorState.parse(await zvm.control('GET', 'state'));
  const members = Object.entries(systems);
  const here = members.filter(([, { guests }]) => guests[userid]?.loggedOn === true);
  const [where, system] = here[0] ?? ['nowhere', undefined];
  const guest = system?.guests[userid];
  const live = (guest?.nics ?? []).flatMap(({ vswitch, vlans = [] }) => (vswitch == null ? [] : [[vswitch, vlans[0]]]));
  const former = members.find(([name]) => name !== where)?.[1];
  return {
    where,
    live: Object.fromEntries(live),
    next: (guest?.directory ?? []).flatMap(({ vswitch }) => vswitch ?? []).toSorted(),
    grants: grantsIn(system, userid),
    formerGrants: grantsIn(former, userid),
  };
}

function grantsIn(system: SimulatorState['systems'][string] | undefined, userid: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(system?.vswitches ?? {}).flatMap(([name, { authorisations }]) => {
      const vlan = authorisations[userid]?.vlans[0];
      return vlan === undefined ? [] : [[name, vlan]];
    }),
  );
}
