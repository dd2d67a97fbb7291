import { expect, type TestContext, test } from 'vitest';
import type { Probing } from '../../../backend/backend.ts';
import { createXcatClient } from '../../../backend/xcat/rest/client.ts';
import { createXcatBackend } from '../../../backend/xcat/xcat-backend.ts';
import { type Random, randomFrom } from '../../../chaos/random.ts';
import { embeddedHosts } from '../../../demo/embedded-hosts.ts';
import { directoryAuthorizes } from '../../../domain/host/host-capabilities.ts';
import { NICDEF_KEYWORDS, type ProbedBehaviour } from '../../../domain/host/probed-behaviour.ts';
import { answerOf, type ProbeAnswer, whyNotAsked } from '../../../domain/probe/course.ts';
import { factsText } from '../../../domain/probe/question.ts';
import { QUESTION_IDS, type QuestionId } from '../../../domain/probe/questions.ts';
import { foundBy } from '../../../domain/probe/record.ts';
import { type ProbeScene, sceneFor } from '../../../domain/probe/scene.ts';
import { Userid, type VswitchName } from '../../../domain/text/identifiers.ts';
import { rulesOf } from '../../../runtime/host/host-backend.ts';
import { type SimulatorOptions, startSimulator } from '../../../simulator/simulator.ts';
import type { Asked, Behaviour } from '../../../simulator/zvm/release.ts';
import { RELEASES } from '../../../simulator/zvm/release.ts';

const RUNNING = Userid.parse('LNX10001');
const OFF = Userid.parse('LNX10002');
const NEVER = new AbortController().signal;
const UNSTOPPED = { stop: NEVER, leave: NEVER };

async function open(options: SimulatorOptions, { onTestFinished }: TestContext) {
  const simulator = await startSimulator({ hosts: 1, guests: 2, release: '6.3', ...options });
  onTestFinished(() => simulator.close());
  const [configuration] = embeddedHosts(simulator.url, 1);
  const [system] = simulator.mn.systems;
  if (configuration === undefined || system === undefined) throw new Error('no embedded host');
  const access = { url: simulator.url, username: 'admin', password: 'admin', timeoutMs: 60_000 };
  const client = createXcatClient({ ...access, verifyTls: true, credentialsInQuery: false });
  const backend = createXcatBackend(rulesOf(configuration), client);
  onTestFinished(() => backend.close());
  const { probing } = backend;
  if (probing === undefined) throw new Error('a backend without questions');
  return { simulator, system, backend, probing };
}

type World = Awaited<ReturnType<typeof open>>;

async function sceneOn({ backend }: World, userid: Userid, mayLogOff: boolean, vswitch?: VswitchName) {
  const reading = await backend.readHost({ userids: [userid], survey: true });
  const context = { ...reading.read(userid), agent: reading.agent, administrators: [] };
  const chosen = sceneFor({ vswitch, mayLogOff }, context);
  if ('refusals' in chosen) throw new Error(JSON.stringify(chosen.refusals));
  return { scene: chosen.scene, directoryAuthorizes: directoryAuthorizes(reading.capabilities) };
}

/** Ask all questions that can be asked, and put everything back. */
async function probe(world: World, userid: Userid, mayLogOff: boolean) {
  const { probing } = world;
  const circumstances = await sceneOn(world, userid, mayLogOff);
  const { scene } = circumstances;
  const mark = await probing.mark(scene);
  const answers: ProbeAnswer[] = [];
  const notAsked: QuestionId[] = [];
  for (const id of QUESTION_IDS) {
    if (whyNotAsked(id, foundBy(answers), circumstances) !== undefined) notAsked.push(id);
    else answers.push(await asked(probing, id, scene, foundBy(answers)));
  }
  expect(await probing.restore(scene, mark, UNSTOPPED)).toEqual([]);
  return { found: foundBy(answers), notAsked };
}

async function asked(
  probing: Probing,
  id: QuestionId,
  scene: ProbeScene,
  known: ProbedBehaviour,
): Promise<ProbeAnswer> {
  const facts = await probing.ask(id, scene, known, UNSTOPPED);
  const answer = answerOf(id, facts);
  if (answer === undefined) throw new Error(`surprise at ${id}: ${factsText(facts)}`);
  return answer;
}

/** The state of the simulated z/VM, without numbers that count up for ever. */
async function stateOf({ simulator }: World): Promise<unknown> {
  const answer = await fetch(`${simulator.url}/simulator/snapshot`);
  const snapshot = (await answer.json()) as { systems: { nextMacid: number }[] };
  return { ...snapshot, systems: snapshot.systems.map((system) => ({ ...system, nextMacid: 0 })) };
}

/** The answers of a z/VM that behaves so. */
function expected(behaviour: Behaviour): ProbedBehaviour {
  const { nicdefKeywords, dna, commonModel, regrant, dnaRegrant } = behaviour;
  const isByKeyword = nicdefKeywords.includes('VLAN') && nicdefKeywords.includes('PORTTYPE');
  const common = {
    nicdefWrite: isByKeyword ? ('keywords' as const) : ('replace' as const),
    nicdefKeywords: NICDEF_KEYWORDS.filter((keyword) => nicdefKeywords.includes(keyword)),
    nicdefsAtOnce: behaviour.nicdefsAtOnce,
    nicdefUpdate: behaviour.nicdefUpdate,
    portNumbersOnUserBased: commonModel,
    adapterVlan: behaviour.adapterVlan,
    vlanStatistics: 'shown' as const,
    duplicateMac: behaviour.duplicateMac,
    regrant,
    revoke: behaviour.revoke,
    informative: behaviour.informative,
    loggedOff: behaviour.loggedOff,
  };
  if (dna !== 'enabled') return common;
  return {
    ...common,
    coupleReadsDirectory: behaviour.coupleReadsDirectory,
    nicdefAlone: behaviour.nicdefAlone,
    vlanWinner: behaviour.vlanWinner,
    dnaPorts: behaviour.dnaPorts,
    // A second grant that is refused does nothing to any NIC.
    dnaRegrant: regrant === 'reject' ? 'keeps' : dnaRegrant,
    dnaRevoke: behaviour.dnaRevoke,
  };
}

function withoutTimes({ directoryChangeMs, directoryPauseMs, directoryReplaceMs, ...found }: ProbedBehaviour) {
  return found;
}

const SEED = Number(process.env.PROBE_SEED ?? Math.floor(Math.random() * 1e9));

function settingOf(random: Random): SimulatorOptions & Asked {
  const either = () => random.chance(0.5);
  const release = random.pick(RELEASES);
  return {
    release,
    ...(release !== '6.3' && random.chance(0.3) ? { dna: random.pick(['enabled', 'disabled']) } : {}),
    nicdefKeywords: NICDEF_KEYWORDS.filter(either),
    nicdefsAtOnce: random.pick(['sequence', 'transaction', 'firstOnly']),
    nicdefAlone: random.pick(['refused', 'authorises']),
    vlanWinner: random.pick(['nicdef', 'grant']),
    coupleReadsDirectory: either(),
    regrant: random.pick(['reexecute', 'reject', 'keeps']),
    dnaRegrant: random.pick(['drops', 'keeps']),
    revoke: random.pick(['keeps', 'uncouples']),
    dnaRevoke: random.pick(['keeps', 'uncouples']),
    dnaPorts: random.pick(['hidden', 'listed']),
    adapterVlan: random.pick(['shown', 'hidden']),
    loggedOff: random.pick(['200/12', '8/45']),
    nicdefUpdate: random.pick(['conflict', 'replace']),
    informative: either(),
    duplicateMac: random.pick(['accepted', 'refused']),
    directoryIntervalMs: 0,
  };
}

// Most of a probe is waiting for DirMaint's rest: they wait together.
for (const seed of Array.from({ length: 20 }, (_, index) => SEED + index))
  test.concurrent(`a probe finds every answer as it was set, and leaves everything as it was (PROBE_SEED=${seed})`, {
    timeout: 120_000,
  }, async (context) => {
    const random = randomFrom(seed);
    const world = await open(settingOf(random), context);
    const userid = random.pick([RUNNING, OFF]);
    const before = await stateOf(world);
    const { found, notAsked } = await probe(world, userid, true);
    const { behaviour } = world.system;
    expect(withoutTimes(found)).toEqual(expected(behaviour));
    expect(notAsked.length === 0).toBe(behaviour.dna === 'enabled');
    expect(await stateOf(world)).toEqual(before);
  });

test('a probe clears what a terminated one has left', async (context) => {
  const world = await open({ release: '7.4', directoryIntervalMs: 0 }, context);
  const before = await stateOf(world);
  const { scene } = await sceneOn(world, RUNNING, false);
  await world.probing.ask('coupleReadsDirectory', scene, {}, UNSTOPPED);
  expect(await stateOf(world)).not.toEqual(before);
  const again = await sceneOn(world, RUNNING, false);
  expect(again.scene).toEqual(scene);
  expect(await world.probing.restore(again.scene, await world.probing.mark(again.scene), UNSTOPPED)).toEqual([]);
  expect(await stateOf(world)).toEqual(before);
});

test('the way back says what is not as it was', async (context) => {
  const world = await open({ release: '7.4', directoryIntervalMs: 0 }, context);
  const { scene } = await sceneOn(world, RUNNING, false);
  const mark = await world.probing.mark(scene);
  const guest = world.system.guest(RUNNING);
  if (guest === undefined) throw new Error('no guest');
  world.system.replaceEntry(guest, [...guest.entry.records, 'LINK MAINT 0190 0190 RR']);
  expect(await world.probing.restore(scene, mark, UNSTOPPED)).toEqual([
    `the directory entry of ${RUNNING} is not as it was`,
  ]);
});

test('times of DirMaint are those of the system, as far as a clock can tell', { timeout: 60_000 }, async (context) => {
  const world = await open({ release: '7.4', directoryMs: 200, directoryIntervalMs: 400, replaceMs: 500 }, context);
  const { scene } = await sceneOn(world, RUNNING, false);
  const known = await asked(world.probing, 'directoryTimes', scene, {});
  const replaced = await asked(world.probing, 'directoryReplace', scene, {});
  const { directoryChangeMs = 0, directoryPauseMs = 0 } = known.finds;
  const { directoryReplaceMs = 0 } = replaced.finds;
  expect(Math.abs(directoryChangeMs - 200)).toBeLessThan(150);
  expect(Math.abs(directoryPauseMs - 400)).toBeLessThan(150);
  expect(directoryReplaceMs).toBeGreaterThan(500);
});

test('no password of an entry is in a fact, a mark or a script', async (context) => {
  const world = await open({ release: '7.4', directoryIntervalMs: 0 }, context);
  const guest = world.system.guest(RUNNING);
  if (guest === undefined) throw new Error('no guest');
  const { records } = guest.entry;
  const withPassword = (word: string) => records.map((record) => record.replace(/^(USER \S+) \S+/, `$1 ${word}`));
  world.system.replaceEntry(guest, withPassword('SECRET1'));
  const { scene } = await sceneOn(world, RUNNING, false);
  const mark = await world.probing.mark(scene);
  const facts = await world.probing.ask('directoryReplace', scene, {}, UNSTOPPED);
  expect(JSON.stringify([mark, facts])).not.toContain('SECRET1');
  const events = await (await fetch(`${world.simulator.url}/simulator/events?since=0`)).text();
  expect(events).not.toContain('SECRET1');
  expect(guest.entry.records.join()).toContain('SECRET1');
  // A mark says nothing of a password, not even whether it is another one.
  world.system.replaceEntry(guest, withPassword('SECRET2'));
  await world.probing.restore(scene, mark, UNSTOPPED);
  expect(await world.probing.mark(scene)).toBe(mark);
});
