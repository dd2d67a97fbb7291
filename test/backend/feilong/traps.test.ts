import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Reading } from '../../../backend/reading.ts';
import type { Desired } from '../../../domain/guest/desired.ts';
import { plan } from '../../../domain/planning/planner.ts';
import type { Step } from '../../../domain/planning/steps.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { PortId, SegmentationId, Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { makeVswitch } from '../../../simulator/zvm/vswitch.ts';
import { planFor as planOn } from '../plan-for.ts';
import { type FeilongWorld, feilongIsHere, openFeilongWorld } from './feilong-world.ts';

const GUEST = Userid.parse('LNX10001');
const OTHER = Userid.parse('LNX10002');
const PORT = '00000000-0000-4000-8000-000000000001';
const SECOND = '00000000-0000-4000-8000-000000000002';
const VDEV = Vdev.parse('1000');
const VSW1 = VswitchName.parse('VSW1');
const VSW2 = VswitchName.parse('VSW2');
const never = new AbortController().signal;

/** Each trap of docs/reference/feilong.md 3, met with Feilong's own server. */
describe.skipIf(!feilongIsHere)("Feilong's traps", () => {
  let world: FeilongWorld;
  beforeEach(async () => {
    world = await openFeilongWorld();
  });
  afterEach(() => world.close());

  const read = async (): Promise<Reading> => (await world.backend.readHost({ userids: [GUEST] })).read(GUEST);
  const planFor = (change: object) => planOn(world.backend, GUEST, change);
  const apply = (steps: readonly Step[]) =>
    world.backend.applySteps(steps, { stop: never, leave: never }, { single: true, arrive: async () => undefined });
  const change = async (wanted: object): Promise<void> => {
    const { failure } = await apply(await planFor(wanted));
    expect(failure?.error).toBeUndefined();
    expect(await planFor(wanted)).toEqual([]);
  };
  const port = (segmentationId: number, more: object = {}) => ({
    ...{ portId: PORT, vswitch: 'VSW1', network: { type: 'vlan', segmentationId } },
    ...more,
  });
  const guest = () => world.system.guest(GUEST) ?? expect.fail('no guest');
  const nics = () => guest().nics.map(({ vdev, vswitch, vlans }) => ({ vdev, vswitch, vlans }));
  /** Feilong's REST API as another of its users calls it. */
  const raw = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${world.feilong.url}/token`, {
      method: 'POST',
      headers: { 'x-admin-token': world.feilong.token ?? '' },
    });
    const headers = {
      'x-auth-token': answer.headers.get('x-auth-token') ?? '',
      'content-type': 'application/json',
    };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const { output } = await (await fetch(`${world.feilong.url}${path}`, { method, headers, ...init })).json();
    return output;
  };
  const rows = () => raw('GET', `/guests/nics?userid=${GUEST}`);

  test('a NIC that is coupled elsewhere is uncoupled before it is coupled', async () => {
    world.system.logon(guest());
    await change({ kind: 'attachNic', ports: [port(5)] });
    await change({ kind: 'changeVlan', portId: PORT, vswitch: 'VSW2', network: { type: 'vlan', segmentationId: 7 } });
    expect(nics()).toEqual([{ vdev: '1000', vswitch: 'VSW2', vlans: [7] }]);
    expect(guest().entry.records.filter((record) => /LAN SYSTEM/.test(record))).toEqual([
      expect.stringContaining('VSW2'),
    ]);
  });

  test('a NIC that CP has uncoupled is coupled again, though the directory names its VSWITCH', async () => {
    world.system.logon(guest());
    await change({ kind: 'attachNic', ports: [port(5)] });
    const [nic = expect.fail('no NIC')] = guest().nics;
    world.system.uncouple(guest(), nic, 'dropped');
    const couple: Step = { kind: 'ensureCoupled', userid: GUEST, vdev: VDEV, vswitch: VSW1, disturbs: false };
    expect(await apply([couple])).toMatchObject({ reports: [{ answer: 'done' }] });
    expect(nics()).toEqual([{ vdev: '1000', vswitch: 'VSW1', vlans: [5] }]);
    expect(await planFor({ kind: 'attachNic', ports: [port(5)] })).toEqual([]);
  });

  test('a VSWITCH whose name begins with that of another is another', async () => {
    world.system.vswitches.set('VSW10', makeVswitch('VSW10', { aware: true, defaultVlan: 1, nativeVlan: 1 }));
    await raw('POST', `/guests/${GUEST}/action`, { action: 'register_vm', meta: '', net_set: '1' });
    await raw('POST', `/guests/${GUEST}/nic`, { nic: { vdev: '1000', nic_id: PORT, active: false } });
    await raw('PUT', `/guests/${GUEST}/nic/1000`, { info: { couple: true, vswitch: 'VSW10', active: false } });
    const step: Step = { kind: 'ensureDirectoryNic', userid: GUEST, vdev: VDEV, vswitch: VSW1, disturbs: false };
    expect(await apply([step])).toMatchObject({ reports: [{ answer: 'done' }] });
    expect(guest().nicdefs).toMatchObject([{ lan: { name: 'VSW1' } }]);
  });

  test('who is authorised with that VLAN is not granted again, and keeps the live NICs', async () => {
    world.system.logon(guest());
    await change({ kind: 'attachNic', ports: [port(5)] });
    const grant: Step = { kind: 'ensureAuthorisation', userid: GUEST, vswitch: VSW1, vlans: [5], disturbs: false };
    expect(await apply([grant])).toMatchObject({ reports: [{ answer: 'no change', isAlready: true }] });
    expect(nics()).toEqual([{ vdev: '1000', vswitch: 'VSW1', vlans: [5] }]);
  });

  test('a live NIC with a MAC is refused before anything is touched, with the way out', async () => {
    world.system.logon(guest());
    const steps = await planFor({ kind: 'attachNic', ports: [port(5, { mac: '02:00:00:0a:0b:0c' })] });
    const { failure } = await apply(steps);
    expect(failure?.error).toMatchObject({
      code: 'unsupported',
      refusals: [{ field: 'mac', advice: expect.stringContaining('log on again') }],
    });
    expect(await rows()).toEqual([]);
    expect(guest().nicdefs).toEqual([]);
    expect(world.system.vswitch('VSW1')?.authorisations.has(GUEST)).toBe(false);
  });

  test('a row without a statement is made whole', async () => {
    await change({ kind: 'createPort', port: port(5) });
    guest().entry.restore(
      guest().entry.records.filter((record) => !record.startsWith('NICDEF')),
      guest().entry.online,
      'none',
    );
    expect(guest().nicdefs).toEqual([]);
    const steps = await planFor({ kind: 'setAdminState', portId: PORT, adminStateUp: true });
    expect((await apply(steps)).failure).toBeUndefined();
    expect(guest().nicdefs).toMatchObject([{ vdev: '1000', lan: { name: 'VSW1' } }]);
    expect(await rows()).toMatchObject([{ interface: '1000', port: PORT, switch: 'VSW1' }]);
  });

  test('a statement without a row is named, and nothing is said to be done', async () => {
    await change({ kind: 'createPort', port: port(5) });
    await raw('POST', `/guests/${GUEST}/action`, { action: 'deregister_vm' });
    const remove: Step = { kind: 'removeDirectoryNic', userid: GUEST, vdev: VDEV, disturbs: false };
    const { reports, failure } = await apply([remove]);
    expect(reports).toEqual([]);
    expect(failure?.error).toMatchObject({
      code: 'refused',
      message: expect.stringContaining("not in Feilong's table"),
    });
    expect(guest().nicdefs).toHaveLength(1);
  });

  test('a detached NIC leaves the running guest, and stays in the directory and in the table', async () => {
    world.system.logon(guest());
    await change({ kind: 'attachNic', ports: [port(5)] });
    await change({ kind: 'detachNic', portIds: [PORT] });
    expect(nics()).toEqual([]);
    expect(guest().nicdefs).toMatchObject([{ vdev: '1000', lan: { name: 'VSW1' } }]);
    expect(await rows()).toMatchObject([{ port: PORT, switch: 'VSW1' }]);
  });

  test('a directory change that another writer has lost is no success', async () => {
    await change({ kind: 'createPort', port: port(5) });
    const steps = await planFor({ kind: 'createPort', port: { ...port(5), portId: SECOND } });
    const before = guest().entry.records;
    const { carryOut } = world.system.dirmaint;
    // Somebody who has read the entry before writes it back afterwards.
    let writes = 0;
    world.system.dirmaint.carryOut = async (requests, pace, work) => {
      const done = await carryOut.call(world.system.dirmaint, requests, pace, work);
      writes += 1;
      if (writes === 1) world.system.replaceEntry(guest(), before);
      return done as Awaited<ReturnType<typeof work>>;
    };
    const { failure } = await apply(steps);
    expect(failure?.error).toMatchObject({
      code: 'bad-answer',
      retryable: true,
      message: expect.stringContaining('answered success'),
    });
    world.system.dirmaint.carryOut = carryOut;
    await change({ kind: 'createPort', port: { ...port(5), portId: SECOND } });
    expect(guest().nicdefs).toHaveLength(2);
  });

  test('a NIC that Nova has made is wired as it is, and goes back to that', async () => {
    await raw('POST', `/guests/${GUEST}/action`, { action: 'register_vm', meta: '', net_set: '0' });
    const nic = { vdev: '1000', nic_id: PORT, mac_addr: '02:00:00:00:00:99', active: false };
    await raw('POST', `/guests/${GUEST}/nic`, { nic });
    const before = await read();
    expect(before.guest).toMatchObject({ recorded: [{ portId: PORT, mac: '02:00:00:00:00:99' }], directory: [] });
    expect(before.guest.recorded[0]?.vswitch).toBeUndefined();
    await change({ kind: 'createPort', port: port(5) });
    expect(guest().nicdefs).toMatchObject([{ vdev: '1000', macid: '000099', lan: { name: 'VSW1' } }]);
    const wired = await read();
    const desired = {
      ports: [],
      removed: [{ portId: before.guest.recorded[0]?.portId ?? expect.fail(), unwired: true }],
      keepAuthorised: [],
      leaving: [VSW1],
    };
    const back = plan(desired, wired.guest, wired.vswitches, world.backend.planRecord);
    expect((await apply(back)).failure).toBeUndefined();
    expect(await rows()).toMatchObject([{ interface: '1000', port: PORT, switch: null }]);
    expect(guest().nicdefs).toMatchObject([{ vdev: '1000', macid: '000099', lan: null }]);
    expect(world.system.vswitch('VSW1')?.authorisations.has(GUEST)).toBe(false);
  });

  test('what nobody knows any more changes nothing: another worker reads the same, but for what is down', async () => {
    await change({ kind: 'createPort', port: port(5) });
    await change({ kind: 'createPort', port: { ...port(7), portId: SECOND, vswitch: 'VSW2' } });
    await change({ kind: 'setAdminState', portId: SECOND, adminStateUp: false });
    const other = world.anotherBackend();
    const reading = (await other.readHost({ userids: [GUEST] })).read(GUEST);
    expect(reading.guest.recorded).toMatchObject([
      { portId: PORT, vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 5 }, adminStateUp: true },
      { portId: SECOND, network: { type: 'flat' }, adminStateUp: true },
    ]);
    const reconcile = { kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [] };
    expect(await planOn(other, GUEST, reconcile)).toEqual([]);
    other.recallDown?.(new Map([[PortId.parse(SECOND), VSW2]]));
    expect((await other.readHost({ userids: [GUEST] })).read(GUEST).guest.recorded[1]).toMatchObject({
      ...{ portId: SECOND, vswitch: 'VSW2', adminStateUp: false },
      network: { type: 'vlan', segmentationId: 7 },
    });
    expect(await planOn(other, GUEST, reconcile)).toEqual([]);
  });

  /** The guest runs with a NIC that Feilong does not know, on VSW1 and in its directory entry. */
  const wiredElsewhere = () => {
    world.system
      .vswitch('VSW1')
      ?.authorisations.set(GUEST, { vlans: [5], portType: 'ACCESS', promiscuous: false, persist: true });
    const lan = { owner: 'SYSTEM', name: 'VSW1' };
    const nicdef = { vdev: '1000', type: 'QDIO' as const, devices: null, lan, chpid: null, macid: '000007' };
    world.system.addNicdef(guest(), { ...nicdef, portNumber: null }, false);
    world.system.logon(guest());
  };
  const adopted = async (): Promise<Desired> => {
    const { guest: state } = await read();
    const { userid } = state;
    const network = { type: 'vlan' as const, segmentationId: SegmentationId.parse(5) };
    const wanted = { portId: PortId.parse(PORT), userid, vswitch: VSW1, network, vdev: VDEV, adminStateUp: true };
    const ports = [{ ...wanted, live: 'asIs' as const }];
    return { ports, removed: [], keepAuthorised: [], leaving: [] };
  };

  test('a live NIC gets the row of its port by a registration, and nothing of z/VM changes', async () => {
    wiredElsewhere();
    const desired = await adopted();
    const { steps, left } = world.backend.planAdoption(desired, (await read()).guest);
    expect(left).toEqual([]);
    const before = JSON.stringify([guest().entry.records, nics()]);
    expect((await apply(steps)).failure?.error).toBeUndefined();
    expect(JSON.stringify([guest().entry.records, nics()])).toBe(before);
    expect(await rows()).toMatchObject([{ interface: '1000', switch: 'VSW1', port: PORT }]);
    expect(world.backend.planAdoption(desired, (await read()).guest)).toEqual({ steps: [], left: [] });
    expect((await read()).guest.recorded).toMatchObject([{ portId: PORT, vswitch: 'VSW1', mac: '02:00:00:00:00:07' }]);
  });

  test('a guest that is registered without its NIC is registered anew', async () => {
    wiredElsewhere();
    world.system.logoff(guest());
    await raw('POST', `/guests/${GUEST}/action`, { action: 'register_vm', meta: 'x', net_set: '1' });
    world.system.logon(guest());
    const { steps } = world.backend.planAdoption(await adopted(), (await read()).guest);
    expect((await apply(steps)).failure?.error).toBeUndefined();
    expect(await rows()).toMatchObject([{ interface: '1000', switch: 'VSW1', port: PORT }]);
  });

  test('a port that gets its first NIC while another of the guest is live has that registered as its own', async () => {
    wiredElsewhere();
    const { ports } = await adopted();
    const [record] = world.backend.planRecord(
      { ports, removed: [], keepAuthorised: [], leaving: [] },
      (await read()).guest,
    );
    if (record === undefined) expect.fail('no step');
    await apply([record]);
    expect(await rows()).toMatchObject([{ interface: '1000', switch: 'VSW1', port: PORT }]);
  });

  test('a guest of which only a foreign NIC is live is registered, and that NIC stays nobody’s port', async () => {
    const other = world.system.guest(OTHER) ?? expect.fail('no guest');
    world.system
      .vswitch('VSW2')
      ?.authorisations.set(GUEST, { vlans: [7], portType: 'ACCESS', promiscuous: false, persist: false });
    world.system.logon(guest());
    const made = world.system.addNic(guest(), '0600', 'QDIO', 3, null);
    if (!('vdev' in made)) throw new Error('no NIC');
    world.system.couple(guest(), made, VSW2, null);
    await change({ kind: 'createPort', port: port(5) });
    expect((await read()).guest.recorded).toMatchObject([{ portId: PORT }]);
    expect(nics()).toContainEqual({ vdev: '0600', vswitch: 'VSW2', vlans: [7] });
    expect(other.nics).toEqual([]);
  });

  test('a server whose worker is killed in between is not there, transiently, and what was begun is finished later', async () => {
    const steps = await planFor({ kind: 'createPort', port: port(5) });
    let stages = 0;
    const arrive = async () => {
      stages += 1;
      if (stages === 1) await world.feilong.killWorker();
    };
    const { failure } = await world.backend.applySteps(steps, { stop: never, leave: never }, { single: true, arrive });
    expect(failure?.error).toMatchObject({ code: 'unreachable', retryable: true });
    await world.feilong.startWorker();
    await change({ kind: 'createPort', port: port(5) });
    expect(guest().nicdefs).toMatchObject([{ lan: { name: 'VSW1' } }]);
  });
});

describe.skipIf(!feilongIsHere)('a survey', () => {
  test('of a thousand guests is at most 15 calls', async () => {
    const world = await openFeilongWorld({ guests: 1_000 });
    try {
      await world.backend.readHost({ userids: [], survey: true });
      const before = await world.feilong.calls();
      const reading = await world.backend.readHost({ userids: [], survey: true });
      expect(reading.guests.size).toBeGreaterThan(1_000);
      expect((await world.feilong.calls()) - before).toBeLessThanOrEqual(15);
    } finally {
      await world.close();
    }
  });
});
