import { expect, test } from 'vitest';
import type { CarriedOut, Company } from '../../../backend/backend.ts';
import type { GuestState } from '../../../domain/guest/guest.ts';
import type { Step } from '../../../domain/planning/steps.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { simulatedHost } from './simulated-host.ts';

const ON = Userid.parse('LNX10001');
const OFF = Userid.parse('LNX10002');
const VSW1 = VswitchName.parse('VSW1');
const never = new AbortController().signal;

/** A host with a guest that is logged on, and one that is logged off. */
async function open() {
  // A call takes a while, so that guests which come at the same moment share one.
  const host = await simulatedHost({ guests: 2, latencyMs: 50 });
  const { backend, system } = host;
  system.logoff(host.guest(OFF));
  if (!host.guest(ON).loggedOn) system.logon(host.guest(ON));
  const plannedFor = async (userid: Userid) => (await backend.readHost({ userids: [userid] })).read(userid);
  const askedForNics = async () =>
    (await host.events('smcli')).filter(({ argv = [] }) => argv[0] === 'Virtual_Network_Adapter_Query').length;
  // Profiles that entries include are known from here on.
  await backend.readHost({ userids: [ON, OFF], single: true });
  const alone: Company = { single: true, arrive: async () => undefined };
  const apply = (steps: readonly Step[], company: Partial<Company> = { readsBack: { directory: true } }) =>
    backend.applySteps(steps, { stop: never, leave: never }, { ...alone, ...company });
  const callsToZhcp = async () =>
    (await host.events('http')).filter(({ path = '' }) => path.includes('/nodes/zhcp1/')).length;
  const fault = (name: string, rc: number, rs: number) => host.fault({ kind: 'smapi', function: name, rc, rs });
  return { system, apply, callsToZhcp, fault, plannedFor, askedForNics, guest: host.guest };
}

const vdev = Vdev.parse('2000');
const stepsFor = (userid: Userid): Step[] => [
  { kind: 'ensureAuthorisation', userid, vswitch: VSW1, vlans: [1001], disturbs: false },
  { kind: 'ensureDirectoryNic', userid, vdev, macId: '002000', vswitch: VSW1, disturbs: false },
];
const liveStepsFor = (userid: Userid): Step[] => [
  ...stepsFor(userid),
  { kind: 'ensureLiveNic', userid, vdev, macId: '002000', disturbs: false },
  { kind: 'ensureCoupled', userid, vdev, vswitch: VSW1, disturbs: false },
];

async function foundIn({ failure, readBack }: CarriedOut, userid: Userid) {
  expect(failure?.error).toBeUndefined();
  return (await readBack?.readHost({ userids: [userid] }))?.read(userid);
}

test('the call that changes guests has read them back, with the VSWITCHes as all of them have left these', async () => {
  const { apply, callsToZhcp } = await open();
  const before = await callsToZhcp();
  const [on, off] = await Promise.all([apply(liveStepsFor(ON)), apply(stepsFor(OFF))]);
  expect(await callsToZhcp()).toBe(before + 1);
  expect(off.readBack).toBe(on.readBack);
  const nic = { vdev: '2000', vswitch: 'VSW1' };
  const running = await foundIn(on, ON);
  expect(running?.guest).toMatchObject({ loggedOn: true, live: [nic], directory: [nic] });
  expect((await foundIn(off, OFF))?.guest).toMatchObject({ loggedOn: false, live: [], directory: [nic] });
  const authorised = running?.vswitches.find(({ name }) => name === VSW1)?.authorisations ?? [];
  expect(authorised.map(({ userid }) => userid)).toEqual(expect.arrayContaining([ON, OFF]));
  expect(await callsToZhcp()).toBe(before + 1);
});

test('a guest whose change fails has not been read back, and the others of its call have', async () => {
  const { apply, system } = await open();
  const [on, off] = await Promise.all([
    apply([...stepsFor(ON), { kind: 'ensureCoupled', userid: ON, vdev, vswitch: VSW1, disturbs: false }]),
    apply(stepsFor(OFF)),
  ]);
  expect(system.guest(ON)?.nics).toEqual([]);
  expect(on.failure).toBeDefined();
  expect(on.readBack).toBeUndefined();
  expect((await foundIn(off, OFF))?.guest.directory).toMatchObject([{ vdev: '2000' }]);
});

test('a question that is refused hides no step: the steps are done, and the reading says what it misses', async () => {
  const { apply, fault } = await open();
  await fault('Image_Query_DM', 100, 8);
  const { reports, failure, readBack } = await apply(stepsFor(OFF));
  expect(failure).toBeUndefined();
  expect(reports).toHaveLength(2);
  await expect(readBack?.readHost({ userids: [OFF] }).then(({ read }) => read(OFF))).rejects.toMatchObject({
    operation: `read the directory entry of ${OFF}`,
  });
});

test('the directory entry is not read back where it is taken as recorded, and nothing where nobody asks for it', async () => {
  const { apply, system } = await open();
  const asRecorded = await apply(stepsFor(OFF), { readsBack: { directory: false } });
  expect((await foundIn(asRecorded, OFF))?.guest.directory).toEqual([]);
  expect(system.guest(OFF)?.nicdefs).toHaveLength(1);
  const [grant] = stepsFor(ON);
  expect((await apply(grant === undefined ? [] : [grant], {})).readBack).toBeUndefined();
});

/** A running guest with a NIC that is not coupled and has no grant, as after a re-IPL, which was read for a plan. */
async function uncoupled() {
  const world = await open();
  const [guest, vswitch] = [world.guest(ON), world.system.vswitch(VSW1)];
  await world.apply(liveStepsFor(ON));
  const [nic] = guest.nics;
  if (vswitch === undefined || nic === undefined) throw new Error('no VSWITCH, or no NIC');
  world.system.uncouple(guest, nic, 'test');
  world.system.revoke(vswitch, ON);
  expect(couplings((await world.plannedFor(ON)).guest)).toEqual([[vdev, undefined]]);
  return { ...world, asked: await world.askedForNics() };
}
const couplings = (guest?: GuestState) => guest?.live.map((nic) => [nic.vdev, nic.vswitch]);
const furtherEntry: Step[] = [
  { kind: 'ensureDirectoryNic', userid: ON, vdev: Vdev.parse('2010'), macId: '002010', vswitch: VSW1, disturbs: false },
];
const couplingSteps = liveStepsFor(ON).filter(({ kind }) => kind === 'ensureAuthorisation' || kind === 'ensureCoupled');

test('a guest whose NICs are coupled, and that was read for its plan, is read back by the VSWITCHes', async () => {
  const { apply, askedForNics, asked } = await uncoupled();
  const coupled = await foundIn(await apply(couplingSteps, { readsBack: { directory: false } }), ON);
  expect(coupled?.guest).toMatchObject({ loggedOn: true, live: [{ vdev, vswitch: VSW1 }] });
  expect(await askedForNics()).toBe(asked);
});

test('what was read for a plan serves one change alone', async () => {
  const { apply, askedForNics, asked } = await uncoupled();
  await apply(couplingSteps);
  expect((await foundIn(await apply(couplingSteps), ON))?.guest.live).toMatchObject([{ vdev, vswitch: VSW1 }]);
  expect(await askedForNics()).toBe(asked + 1);
});

test('a guest that has logged off since its plan is read back as it is', async () => {
  const { apply, system, guest } = await uncoupled();
  system.logoff(guest(ON));
  expect((await foundIn(await apply(furtherEntry), ON))?.guest).toMatchObject({ loggedOn: false, live: [] });
});

test('a running guest whose directory entry changes is asked of CP alone whether it still runs', async () => {
  const { apply, askedForNics, asked } = await uncoupled();
  const changed = await foundIn(await apply(furtherEntry), ON);
  expect(couplings(changed?.guest)).toEqual([[vdev, undefined]]);
  expect(await askedForNics()).toBe(asked);
});

test('the NICs of a guest are asked for anew where a change makes or takes them', async () => {
  const { apply, askedForNics, asked } = await uncoupled();
  const gone = await apply([{ kind: 'removeLiveNic', userid: ON, vdev, disturbs: true }]);
  expect((await foundIn(gone, ON))?.guest).toMatchObject({ loggedOn: true, live: [] });
  expect(await askedForNics()).toBe(asked + 1);
});
