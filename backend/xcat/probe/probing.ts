import type { ProbedBehaviour } from '../../../domain/host/probed-behaviour.ts';
import type { Facts } from '../../../domain/probe/question.ts';
import { type QuestionId, questionOf } from '../../../domain/probe/questions.ts';
import type { Cancellation, Probing } from '../../backend.ts';
import { BackendError } from '../../backend-error.ts';
import type { XcatHost } from '../xcat-host.ts';
import { Bench } from './bench.ts';
import * as directory from './directory-questions.ts';
import * as network from './network-questions.ts';

type Ask = (bench: Bench, known: ProbedBehaviour, stop: AbortSignal) => Promise<Facts>;

const ASK: Record<QuestionId, Ask> = {
  nicdefUpdate: directory.askNicdefUpdate,
  nicdefsAtOnce: directory.askNicdefsAtOnce,
  nicdefKeywords: directory.askNicdefKeywords,
  directoryTimes: directory.askDirectoryTimes,
  directoryReplace: directory.askDirectoryReplace,
  informative: network.askInformative,
  portNumbersOnUserBased: network.askPortNumbers,
  vlanTold: network.askVlanTold,
  duplicateMac: network.askDuplicateMac,
  regrant: network.askRegrant,
  revoke: network.askRevoke,
  coupleReadsDirectory: network.askCoupleReadsDirectory,
  nicdefAlone: network.askNicdefAlone,
  vlanWinner: network.askVlanWinner,
  dnaPorts: network.askDnaPorts,
  dnaRegrant: network.askDnaRegrant,
  dnaRevoke: network.askDnaRevoke,
  loggedOff: network.askLoggedOff,
};

const NEVER = new AbortController().signal;
const UNSTOPPED: Cancellation = { stop: NEVER, leave: NEVER };

/** Ask a z/VM system that xCAT manages. */
export function createProbing(host: XcatHost): Probing {
  return {
    mark: (scene) => new Bench(host, scene, UNSTOPPED).mark(),
    async ask(question, scene, known, cancellation) {
      const bench = new Bench(host, scene, cancellation);
      await bench.clear();
      await setUp(bench, question);
      return ASK[question](bench, known, cancellation.stop);
    },
    async restore(scene, mark, cancellation) {
      const bench = new Bench(host, scene, cancellation);
      await bench.clear();
      if (scene.mayLogOff) await bench.power(scene.wasRunning ? 'on' : 'off');
      if (scene.isOwnVswitch) await bench.deleteVswitch(scene.vswitch);
      return differences(bench, mark);
    },
  };
}

/** The guest is logged on or off as the question needs it, and the VSWITCH is there. */
async function setUp(bench: Bench, question: QuestionId): Promise<void> {
  const { scene } = bench;
  const { needs } = questionOf(question);
  if (scene.mayLogOff && needs.includes('running')) await bench.power('on');
  if (scene.mayLogOff && needs.includes('off')) await bench.power('off');
  if (!scene.isOwnVswitch || (await bench.vswitch()) !== undefined) return;
  const code = await bench.makeVswitch(scene.vswitch);
  if (code === 'done' || code === '0/40') return;
  const operation = `make VSWITCH ${scene.vswitch}`;
  const advice = 'let the zHCP make VSWITCHes, or name one with --vswitch';
  throw new BackendError({ code: 'smapi', operation, message: `${operation}: SMAPI answered ${code}`, advice });
}

async function differences(bench: Bench, mark: string): Promise<string[]> {
  const { userid, vswitch, wasRunning, isOwnVswitch } = bench.scene;
  const live = await bench.live();
  const found = await bench.vswitch();
  const isGranted = found?.authorisations.some((each) => each.userid === userid) === true;
  return [
    ...((await bench.mark()) === mark ? [] : [`the directory entry of ${userid} is not as it was`]),
    ...((live !== undefined) === wasRunning ? [] : [`${userid} is logged ${wasRunning ? 'off' : 'on'}`]),
    ...(live ?? []).map(({ vdev }) => `${userid} has NIC ${vdev}`),
    ...(isOwnVswitch && found !== undefined ? [`VSWITCH ${vswitch} is there`] : []),
    ...(isGranted ? [`${userid} is authorised on ${vswitch}`] : []),
  ];
}
