import { afterEach, describe, expect, test } from 'vitest';
import type { Probing } from '../../../backend/probing.ts';
import { createXcatClient } from '../../../backend/xcat/rest/client.ts';
import { createXcatBackend } from '../../../backend/xcat/xcat-backend.ts';
import { type Random, randomFrom } from '../../../chaos/random.ts';
import { embeddedHosts } from '../../../demo/embedded-hosts.ts';
import { directoryAuthorizes } from '../../../domain/host/host-capabilities.ts';
import { NICDEF_KEYWORDS, type ProbedBehaviour } from '../../../domain/host/probed-behaviour.ts';
import { answerOf, foundBy, type ProbeAnswer, whyNotAsked } from '../../../domain/probe/course.ts';
import { factsText } from '../../../domain/probe/question.ts';
import { QUESTION_IDS, type QuestionId } from '../../../domain/probe/questions.ts';
import { type ProbeScene, sceneFor } from '../../../domain/probe/scene.ts';
import { Userid, type VswitchName } from '../../../domain/text/identifiers.ts';
import { rulesOf } from '../../../runtime/host/host-backend.ts';
import { type SimulatorOptions, startSimulator } from '../../../simulator/simulator.ts';
import type { Asked, Behaviour } from '../../../simulator/zvm/release.ts';
import { RELEASES } from '../../../simulator/zvm/release.ts';

const RUNNING = Userid.parse('LNX10001');
const OFF = Userid.parse('LNX10002');
const never = new AbortController().signal;
const close: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each();
});

async function open(options: SimulatorOptions) {
  const simulator = await startSimulator({ hosts: 1, guests: 2, release: '6.3', ...options });
  close.push(() => simulator.close());
  const [configuration] = embeddedHosts(simulator.url, 1);
  const [system] = simulator.mn.systems;
  if (configuration === undefined || system === undefined) throw new Error('no embedded host');
  const access = { url: simulator.url, username: 'admin', password: 'admin', timeoutMs: 60_000 };
  const client = createXcatClient({ ...access, verifyTls: true, credentialsInQuery: false });
  const backend = createXcatBackend(rulesOf(configuration), client);
  close.push(() => backend.close());
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
  expect(await probing.restore(scene, mark, never)).toEqual([]);
  return { found: foundBy(answers), notAsked };
}

async function asked(
  probing: Probing,
  id: QuestionId,
  scene: ProbeScene,
  known: ProbedBehaviour,
): Promise<ProbeAnswer> {
  const facts = await probing.ask(id, scene, known, never);
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
    ...(release === '6.4' && either() ? { dna: 'enabled' as const } : {}),
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

describe('a probe of a simulated z/VM', () => {
  test.each(Array.from({ length: 20 }, (_, index) => SEED + index))(
    'finds every answer as it was set, and leaves everything as it was (PROBE_SEED=%i)',
    { timeout: 120_000 },
    async (seed) => {
      const random = randomFrom(seed);
      const setting = settingOf(random);
      const world = await open(setting);
      const userid = random.pick([RUNNING, OFF]);
      const before = await stateOf(world);
      const { found, notAsked } = await probe(world, userid, true);
      const wanted = expected(world.system.behaviour);
      expect(withoutTimes(found)).toEqual(wanted);
      expect(notAsked.length === 0).toBe(world.system.behaviour.dna === 'enabled');
      expect(await stateOf(world)).toEqual(before);
    },
  );
});
