import { describe, expect, test } from 'vitest';
import type { CarriedOut, ZvmBackend } from '../../../backend/backend.ts';
import { BackendError } from '../../../backend/backend-error.ts';
import type { NicdefAuthorization } from '../../../domain/guest/guest.ts';
import type { ProbedBehaviour } from '../../../domain/host/host-capabilities.ts';
import { stepId } from '../../../domain/planning/step-id.ts';
import { type Step, sentence } from '../../../domain/planning/steps.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import type { Simulator, SimulatorOptions } from '../../../simulator/simulator.ts';
import { simulatedHost } from './simulated-host.ts';

const GUEST = Userid.parse('LNX10001');
const OTHER = Userid.parse('LNX10002');
const VSW1 = VswitchName.parse('VSW1');
const never = new AbortController().signal;
const ALL_KEYWORDS = ['PORTNUMBER', 'PORTTYPE', 'VLAN', 'PROMISCUOUS', 'NOPROMISCUOUS', 'PQUPLINKTX'] as const;

type World = {
  backend: ZvmBackend;
  simulator: Simulator;
  /** Functions of smcli that change the directory, with their codes, in order. */
  written(): Promise<string[]>;
  calls(): Promise<number>;
  nicdefs(userid?: Userid): string[];
};

/** A backend on a simulated z/VM of 7.4, whose guests are off and have no NIC. */
async function open(options: SimulatorOptions = {}, behaviour?: ProbedBehaviour): Promise<World> {
  const configured = behaviour === undefined ? {} : { capabilities: { behaviour } };
  const host = await simulatedHost({ guests: 2, release: '7.4', ...options }, { configured });
  const { simulator, backend, system } = host;
  for (const guest of system.guests.values()) if (!guest.service) system.logoff(guest);
  return {
    ...{ backend, simulator, calls: host.calls },
    written: async () =>
      (await host.events('smcli'))
        .filter(({ argv = [] }) => /_DM$/.test(argv[0] ?? '') && !/Query/.test(argv[0] ?? ''))
        .map(({ argv = [], rc, rs }) => (rc === 0 ? (argv[0] ?? '') : `${argv[0]} ${rc}/${rs}`)),
    nicdefs: (userid = GUEST) =>
      (system.guest(userid)?.entry.records ?? []).filter((record) => /^ *NICDEF|^ {6}/.test(record)),
  };
}

function define(vdev: string, authorization?: NicdefAuthorization, userid = GUEST): Step {
  const macId = `00${vdev}`;
  const rest = authorization === undefined ? {} : { authorization };
  return { kind: 'ensureDirectoryNic', userid, vdev: Vdev.parse(vdev), macId, vswitch: VSW1, ...rest, disturbs: false };
}

function remove(vdev: string): Step {
  return { kind: 'removeDirectoryNic', userid: GUEST, vdev: Vdev.parse(vdev), disturbs: false };
}

const onVlan = (vlan: number): NicdefAuthorization => ({ vlans: [vlan], portType: 'ACCESS' });
const FOUR = ['1000', '1003', '1006', '1009'];
const fourOnVlans = (userid = GUEST) => FOUR.map((vdev, index) => define(vdev, onVlan(100 + index), userid));
const fourPlain = () => FOUR.map((vdev) => define(vdev));

/** Carry steps out as a plan that was made from a reading is. */
async function apply({ backend }: World, steps: readonly Step[]): Promise<CarriedOut> {
  const userid = steps.flatMap((step) => ('userid' in step ? step.userid : []))[0] ?? GUEST;
  (await backend.readHost({ userids: [userid] })).read(userid);
  return backend.applySteps(steps, { stop: never, leave: never }, { single: true, arrive: async () => undefined });
}

async function done(world: World, steps: readonly Step[]): Promise<void> {
  const { reports, failure } = await apply(world, steps);
  expect(failure?.error).toBeUndefined();
  expect(reports.map(({ id, step }) => [id, step])).toEqual(steps.map((step) => [stepId(step), sentence(step)]));
}

function errorOf({ failure }: CarriedOut): BackendError {
  if (failure?.error instanceof BackendError) return failure.error;
  throw new Error(`no BackendError: ${String(failure?.error)}`);
}

/** The operands of all NICs, wherever their records are broken. */
const nicsOf = (world: World, userid = GUEST) =>
  world.simulator.mn.systems[0]
    ?.guest(userid)
    ?.nicdefs.map(({ vdev, lan, macid, vlans, portType }) => [vdev, lan?.name, macid, vlans?.join(), portType]);
const expectedNics = FOUR.map((vdev, index) => [vdev, 'VSW1', `00${vdev}`, String(100 + index), 'ACCESS']);

describe('four NICs of one guest', () => {
  test('are one call on a system without directory network authorization', async () => {
    const world = await open({ release: '6.3' });
    await done(world, fourPlain());
    expect(await world.written()).toEqual(['Image_Definition_Update_DM']);
    expect(nicsOf(world)?.map(([vdev]) => vdev)).toEqual(FOUR);
  });

  describe.each([
    ['no keyword', []],
    ['some', ['PORTTYPE', 'PORTNUMBER']],
    ['all', [...ALL_KEYWORDS]],
  ] as const)('with VLANs, where SMAPI takes %s', (_title, nicdefKeywords) => {
    test.each(['sequence', 'transaction', 'firstOnly'] as const)(
      'and carries out several as %s: as asked for, and known for the next guest',
      async (nicdefsAtOnce) => {
        const world = await open({ nicdefKeywords: [...nicdefKeywords], nicdefsAtOnce });
        await done(world, fourOnVlans());
        expect(nicsOf(world)).toEqual(expectedNics);
        const before = (await world.written()).length;
        await done(world, fourOnVlans(OTHER));
        expect(nicsOf(world, OTHER)).toEqual(expectedNics);
        const takesAll = nicdefKeywords.length === ALL_KEYWORDS.length;
        expect((await world.written()).slice(before)).toEqual(
          !takesAll
            ? ['Image_Lock_DM', 'Image_Replace_DM', 'Image_Unlock_DM 400/24']
            : FOUR.slice(nicdefsAtOnce === 'firstOnly' ? 0 : 3).map(() => 'Image_Definition_Update_DM'),
        );
      },
    );
  });

  test('of which the second finds no room: the one before is reported, and the rest is left to be planned anew', async () => {
    const world = await open({ nicdefsAtOnce: 'sequence' }, { nicdefsAtOnce: 'sequence' });
    await done(world, [define('1003', undefined)]);
    const steps = fourPlain();
    const carried = await apply(
      world,
      [steps[0], { ...define('1004') }, steps[2]].filter((step) => step !== undefined),
    );
    expect(carried.reports.map(({ step }) => step)).toEqual([sentence(define('1000'))]);
    expect(carried.failure?.possibly ?? []).toEqual([]);
  });
});

describe('an entry that is replaced', () => {
  const REPLACE: ProbedBehaviour = { nicdefWrite: 'replace' };

  test('has removed, changed and new NICs by one change', async () => {
    const world = await open({}, REPLACE);
    await done(world, fourOnVlans());
    const before = (await world.written()).length;
    await done(world, [remove('1003'), remove('1006'), define('1006', onVlan(7)), define('100C', onVlan(8))]);
    expect((await world.written()).slice(before)).toEqual([
      'Image_Lock_DM',
      'Image_Replace_DM',
      'Image_Unlock_DM 400/24',
    ]);
    expect(nicsOf(world)?.map(([vdev, , , vlans]) => [vdev, vlans])).toEqual([
      ['1000', '100'],
      ['1006', '7'],
      ['1009', '103'],
      ['100C', '8'],
    ]);
  });

  test('is locked by somebody else: transient, and nothing is changed', async () => {
    const world = await open({}, REPLACE);
    const [system] = world.simulator.mn.systems;
    const entry = system?.guest(GUEST)?.entry ?? expect.fail('no guest');
    for (const lock of ['administrator', 'smapi'] as const) {
      entry.lock = lock;
      const carried = await apply(world, fourOnVlans());
      expect(errorOf(carried)).toMatchObject({ code: 'smapi', rc: 400, rs: 12, retryable: true });
      expect(entry.lock).toBe(lock);
      expect(carried.failure?.possibly).toEqual([]);
    }
    entry.lock = 'none';
    await done(world, fourOnVlans());
  });

  const fault = async ({ simulator }: World, rule: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...rule, times: 1 });
    const answer = await fetch(`${simulator.url}/simulator/faults`, { method: 'POST', body, headers });
    expect(answer.ok).toBe(true);
  };
  const entryOf = ({ simulator }: World) => simulator.mn.systems[0]?.guest(GUEST)?.entry ?? expect.fail('no guest');

  test('is unlocked when SMAPI refuses it, and the failure names the first step', async () => {
    const world = await open({}, REPLACE);
    const before = entryOf(world).records;
    await fault(world, { action: { kind: 'smapi', function: 'Image_Replace_DM', rc: 596, rs: 3212 } });
    const error = errorOf(await apply(world, fourOnVlans()));
    expect(error).toMatchObject({ rc: 596, rs: 3212, retryable: false });
    expect(error.operation).toContain(sentence(define('1000', onVlan(100))));
    expect([entryOf(world).lock, entryOf(world).records]).toEqual(['none', before]);
  });

  test('is replaced and unlocked though the worker never hears of it, and is as it should be when it looks again', async () => {
    const world = await open({}, REPLACE);
    await fault(world, { match: { command: 'Image_Replace_DM' }, action: { kind: 'drop', when: 'after' } });
    expect(errorOf(await apply(world, fourOnVlans()))).toMatchObject({ retryable: true });
    expect(entryOf(world).lock).toBe('none');
    expect(nicsOf(world)).toEqual(expectedNics);
    const { reports } = await apply(world, fourOnVlans());
    expect(reports.map(({ isAlready }) => isAlready)).toEqual([true, true, true, true]);
  });

  test('is unlocked by the note of a script that is no more, and by no other', async () => {
    const world = await open({}, REPLACE);
    entryOf(world).lock = 'smapi';
    world.simulator.mn.machine('zhcp1')?.files.set(`/root/.networking-zvm-lock-${GUEST}`, '1\n');
    await done(world, fourOnVlans());
    expect(entryOf(world).lock).toBe('none');
    expect([...(world.simulator.mn.machine('zhcp1')?.files.keys() ?? [])].filter((name) => /lock/.test(name))).toEqual(
      [],
    );
  });

  test('keeps an unplanned NIC of the number: transient, and nothing is changed', async () => {
    const world = await open({}, REPLACE);
    await done(world, [define('1003')]);
    const before = entryOf(world).records;
    expect(errorOf(await apply(world, fourOnVlans()))).toMatchObject({ code: 'conflict', retryable: true });
    expect(entryOf(world).records).toEqual(before);
  });
});
