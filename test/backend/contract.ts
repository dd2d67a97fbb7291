import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CarriedOut, ZvmBackend } from '../../backend/backend.ts';
import { BackendError } from '../../backend/backend-error.ts';
import { type Capabilities, refuseIncapable } from '../../backend/capabilities.ts';
import type { Reading } from '../../backend/reading.ts';
import type { Step } from '../../domain/planning/steps.ts';
import type { VswitchStep } from '../../domain/planning/vswitch-plan.ts';
import { PortNumber } from '../../domain/port/port-number.ts';
import { Userid, VswitchName } from '../../domain/text/identifiers.ts';
import type { ZvmSystem } from '../../simulator/zvm/system.ts';
import { planFor as planOn } from './plan-for.ts';

/** A backend on a simulated z/VM, which a test looks at past the backend. */
export type BackendWorld = {
  backend: ZvmBackend;
  system: ZvmSystem;
  /** Have z/VM answer calls of this kind with a return and reason code, until all is as before again. */
  refuse(call: 'couple' | 'define in the directory', rc: number, rs: number): Promise<() => Promise<void>>;
  /** Take the server away. */
  cutOff(): Promise<void>;
  close(): Promise<void>;
};

const GUEST = Userid.parse('LNX10001');
const OTHER = Userid.parse('LNX10002');
const PORT = '00000000-0000-4000-8000-000000000001';
const VSW1 = VswitchName.parse('VSW1');
const NEW = VswitchName.parse('NEWVSW');

const never = new AbortController().signal;
const UNSTOPPED = { stop: never, leave: never };
const port = (segmentationId: number) => ({
  portId: PORT,
  vswitch: VSW1,
  network: { type: 'vlan', segmentationId },
});

/** Steps that need a capability, by it. */
const NEEDY: Partial<Record<keyof Capabilities, Step>> = {
  portBased: {
    kind: 'removePortNumber',
    userid: GUEST,
    vswitch: VSW1,
    portNumber: PortNumber.parse(5),
    disturbs: false,
  },
  vlanSets: { kind: 'ensureAuthorisation', userid: GUEST, vswitch: VSW1, vlans: [5, 6], disturbs: false },
  addresses: {
    ...{ kind: 'record', stage: 'record', operation: 'any', data: {}, sentence: '' },
    ...{ needs: 'addresses', disturbs: false },
  },
  deferredDirectory: { kind: 'ensureDirectoryOnline', userid: GUEST, disturbs: false },
};

/** The tests that every backend passes: `open` gives it an embedded z/VM with guests that have no port, `can` is what it says of itself. */
export function backendContract(kind: string, can: Capabilities, open: () => Promise<BackendWorld>): void {
  let world: BackendWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  const read = async (): Promise<Reading> => (await world.backend.readHost({ userids: [GUEST] })).read(GUEST);
  const planFor = (change: object) => planOn(world.backend, GUEST, change);
  const apply = (steps: readonly Step[]) =>
    world.backend.applySteps(steps, UNSTOPPED, { single: true, arrive: async () => undefined });
  const errorOf = ({ failure }: CarriedOut): BackendError => {
    if (failure?.error instanceof BackendError) return failure.error;
    throw new Error(`no BackendError: ${String(failure?.error)}`);
  };
  /** Carry a change out; nothing is left to do after it. */
  const change = async (wanted: object): Promise<void> => {
    const steps = await planFor(wanted);
    expect(steps).not.toEqual([]);
    const { reports, failure } = await apply(steps);
    expect(failure?.error).toBeUndefined();
    expect(reports).toHaveLength(steps.length);
    expect(await planFor(wanted)).toEqual([]);
  };
  const guest = () => world.system.guest(GUEST) ?? expect.fail('no guest');
  const granted = () => world.system.vswitch('VSW1')?.authorisations.get(GUEST)?.vlans;
  const start = () => world.system.logon(guest());

  describe(`the backend ${kind}`, () => {
    test('answers its version, and z/VM by way of it', async () => {
      expect(world.backend).toMatchObject({ kind, can });
      expect(await world.backend.check(never)).toMatchObject({
        version: expect.stringMatching(/^\d/),
        supported: true,
      });
      await world.backend.probe(never);
    });

    test('reads a host on which nothing is recorded', async () => {
      const reading = await world.backend.readHost({ userids: [GUEST], survey: true });
      expect(reading.guests).toContain(GUEST);
      expect([...reading.recorded, ...reading.absent, ...reading.orphans, ...reading.findings]).toEqual([]);
      expect(reading.iplTime).not.toBeUndefined();
      expect(reading.capabilities.release).toEqual({ state: 'known', value: '6.3', from: 'z/VM' });
      expect(reading.vswitches.map(({ name }) => name)).toContain(VSW1);
      expect(reading.read(GUEST).guest).toMatchObject({ userid: GUEST, recorded: [], directory: [], live: [] });
      expect((await world.backend.readRecord()).recorded.size).toBe(0);
    });

    test('tells a guest that is nowhere from one that is off, and reads the others', async () => {
      const nobody = Userid.parse('NOBODY');
      const reading = await world.backend.readHost({ userids: [nobody, GUEST] });
      expect(reading.read(nobody).guest.absence).toEqual({ kind: 'unknown', remains: false });
      expect(reading.read(GUEST).guest).toMatchObject({ userid: GUEST, loggedOn: false });
      expect(reading.read(GUEST).guest.absence).toBeUndefined();
    });

    test('makes a port that the guest has at its next logon', async () => {
      await change({ kind: 'createPort', port: port(5) });
      const { guest: state } = await read();
      expect(state.recorded).toMatchObject([{ portId: PORT, vswitch: VSW1 }]);
      expect(state.directory).toMatchObject([{ vdev: state.recorded[0]?.vdev, vswitch: VSW1 }]);
      expect(guest().nics).toEqual([]);
      expect(granted()).toEqual([5]);
      start();
      expect(guest().nics).toMatchObject([{ vswitch: 'VSW1', vlans: [5] }]);
    });

    test('couples a port to the running guest, puts it on another VLAN, down, up, and away again', async () => {
      start();
      await change({ kind: 'attachNic', ports: [port(5)] });
      expect(guest().nics).toMatchObject([{ vswitch: 'VSW1', vlans: [5] }]);
      await change({ kind: 'changeVlan', portId: PORT, network: { type: 'vlan', segmentationId: 6 } });
      expect(guest().nics).toMatchObject([{ vswitch: 'VSW1', vlans: [6] }]);
      await change({ kind: 'setAdminState', portId: PORT, adminStateUp: false });
      expect(guest().nics).toMatchObject([{ vswitch: null }]);
      // Without a MAC of its own where the running guest's NIC has CP's.
      expect((await read()).guest.directory).toMatchObject([can.liveMac ? { macId: expect.any(String) } : {}]);
      await change({ kind: 'setAdminState', portId: PORT, adminStateUp: true });
      expect(guest().nics).toMatchObject([{ vswitch: 'VSW1', vlans: [6] }]);
      await change({ kind: 'detachNic', portIds: [PORT] });
      expect(guest().nics).toEqual([]);
      expect((await read()).guest.recorded).toHaveLength(1);
      await change({ kind: 'deletePort', portId: PORT });
      expect((await read()).guest).toMatchObject({ recorded: [], directory: [], live: [] });
      expect(granted()).toBeUndefined();
    });

    test('gives a running guest several NICs at once, each as its step says, and takes them away again', async () => {
      start();
      const ids = [1, 2, 3, 4].map((index) => `${PORT.slice(0, -1)}${index}`);
      await change({ kind: 'attachNic', ports: ids.map((portId) => ({ ...port(5), portId })) });
      const { directory, live, recorded } = (await read()).guest;
      const vdevs = recorded.map(({ vdev }) => vdev).toSorted();
      expect(new Set(vdevs).size).toBe(4);
      for (const nics of [directory, live]) {
        expect(nics.map(({ vdev }) => vdev).toSorted()).toEqual(vdevs);
        for (const nic of nics) expect(nic).toMatchObject({ vswitch: VSW1 });
      }
      for (const row of recorded) {
        const nic = directory.find(({ vdev }) => vdev === row.vdev);
        expect(nic?.macId).toBe(row.mac?.replaceAll(':', '').slice(-6).toUpperCase());
      }
      for (const portId of ids) await change({ kind: 'deletePort', portId });
      expect((await read()).guest).toMatchObject({ recorded: [], directory: [], live: [] });
    });

    test('says of a step that was so already that it was', async () => {
      start();
      await change({ kind: 'attachNic', ports: [port(5)] });
      const nic = (await read()).guest.live[0] ?? expect.fail('no live NIC');
      const coupled: Step = { kind: 'ensureCoupled', userid: GUEST, vdev: nic.vdev, vswitch: VSW1, disturbs: false };
      expect(await apply([coupled])).toMatchObject({ reports: [{ isAlready: true, answer: 'no change' }] });
      expect(guest().nics).toMatchObject([{ vswitch: 'VSW1', vlans: [5] }]);
    });

    test('leaves what is not its own', async () => {
      const other = world.system.guest(OTHER) ?? expect.fail('no guest');
      world.system.vswitch('VSW1')?.authorisations.set(OTHER, foreignGrant());
      world.system.changeNicdef(guest(), foreignNicdef());
      const foreign = () => [other.entry.records, guest().entry.records, foreignGrants()];
      const before = structuredClone(foreign());
      await change({ kind: 'createPort', port: port(5) });
      expect(guest().entry.records).not.toEqual(before[1]);
      await change({ kind: 'deletePort', portId: PORT });
      expect(foreign()).toEqual(before);
    });

    test.each([
      ['couple', 212, 52, false],
      ['define in the directory', 400, 12, true],
    ] as const)('fails with the codes of z/VM when it does not %s: %i/%i', async (call, rc, rs, retryable) => {
      start();
      const steps = await planFor({ kind: 'attachNic', ports: [port(5)] });
      const allow = await world.refuse(call, rc, rs);
      const applied = await apply(steps);
      await allow();
      const error = errorOf(applied);
      expect(error).toMatchObject({ code: 'smapi', rc, rs, retryable });
      expect(error.advice).not.toBe('');
      expect(error.message).toContain(error.operation);
      // Everything before the step was carried out, and what is left can be.
      expect(applied.reports.length).toBeLessThan(steps.length);
      await change({ kind: 'attachNic', ports: [port(5)] });
    });

    test('begins nothing more once it is stopped, with the steps before', async () => {
      const steps = await planFor({ kind: 'createPort', port: port(5) });
      const stopping = new AbortController();
      const arrive = async () => stopping.abort(new Error('stopped'));
      const cancellation = { stop: stopping.signal, leave: never };
      const { failure } = await world.backend.applySteps(steps, cancellation, { single: true, arrive });
      expect(failure?.error).toEqual(new Error('stopped'));
      expect(guest().nicdefs).toEqual([]);
      expect(granted()).toBeUndefined();
    });

    test('refuses a step on the record that it has not planned, and touches nothing', async () => {
      const steps = await planFor({ kind: 'createPort', port: port(5) });
      const applied = await apply(steps.map((step) => (step.kind === 'record' ? { ...step, data: {} } : step)));
      expect(errorOf(applied)).toMatchObject({ code: 'refused', retryable: false });
      expect(applied.reports).toEqual([]);
      expect(await planFor({ kind: 'createPort', port: port(5) })).toEqual(steps);
    });

    test('is unreachable without its server, transiently', async () => {
      await world.cutOff();
      const failed = [world.backend.probe(never), world.backend.readRecord(), world.backend.readVswitches(never)];
      for (const each of await Promise.allSettled(failed))
        expect(each).toMatchObject({ reason: { name: 'BackendError', code: 'unreachable', retryable: true } });
    });

    test('creates a VSWITCH and deletes it; a second time it was so already', async () => {
      const settings = {
        name: NEW,
        transport: 'ETHERNET',
        vlanAware: true,
        portSelection: 'USERBASED',
        rdevs: [],
      } as const;
      const create: VswitchStep = { kind: 'createVswitch', settings, disturbs: false };
      const remove: VswitchStep = { kind: 'removeVswitch', vswitch: NEW, disturbs: false };
      const names = async () => (await world.backend.readVswitches(never)).map(({ name }) => name);
      const applied = (step: VswitchStep) => world.backend.applyVswitchSteps([step], never);
      expect(await applied(create)).toMatchObject([{ answer: 'done' }]);
      expect(await names()).toContain(NEW);
      expect(await applied(create)).toMatchObject([{ answer: 'no change' }]);
      expect(await applied(remove)).toMatchObject([{ answer: 'done' }]);
      expect(await names()).not.toContain(NEW);
      expect(await applied(remove)).toMatchObject([{ answer: 'no change' }]);
      expect(await world.backend.administratorsVswitches(never)).not.toContain(VSW1);
    });

    for (const [capability, step] of Object.entries(NEEDY).filter(([name]) => !can[name as keyof Capabilities]))
      test(`refuses a step that needs ${capability}, and touches nothing`, async () => {
        expect(refuseIncapable(world.backend, [step])).toHaveLength(1);
        const before = structuredClone([guest(), foreignGrants()]);
        expect(errorOf(await apply([step]))).toMatchObject({ code: 'unsupported', retryable: false });
        expect([guest(), foreignGrants()]).toEqual(before);
      });
  });

  const foreignGrants = () => [...(world.system.vswitch('VSW1')?.authorisations ?? [])];
}

function foreignGrant() {
  return { vlans: [7], portType: 'ACCESS' as const, promiscuous: false, persist: false };
}

function foreignNicdef() {
  const nic = { vdev: '0600', type: 'QDIO' as const, devices: 3, chpid: null, macid: null, portNumber: null };
  return { ...nic, lan: { owner: 'SYSTEM', name: 'VSW2' } };
}
