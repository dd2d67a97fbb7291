import { setTimeout as pause } from 'node:timers/promises';
import type { Nicdef } from '../../../domain/guest/guest.ts';
import { NICDEF_KEYWORDS, type NicdefKeyword, type ProbedBehaviour } from '../../../domain/host/probed-behaviour.ts';
import { PortNumber } from '../../../domain/port/port-number.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { Facts } from '../../../domain/probe/question.ts';
import { devicesOfScene } from '../../../domain/probe/scene.ts';
import { defineInDirectory, removeNicFromDirectory } from '../zhcp/smcli.ts';
import type { Bench } from './bench.ts';

const PORT = PortNumber.parse(2047);
/** Longer than the pause between two requests that DirMaint is shipped with (docs/reference/zvm.md 6). */
const REST_MS = 1_500;
const PAIRS = 3;

/** A NICDEF of SMAPI, without a VSWITCH where none is given. */
const nicdef = (vdev: Vdev, further = '') => `VDEV=${vdev} TYPE=QDIO${further}`;
const has = (vdev: Vdev) => (nics: readonly Nicdef[]) => nics.some((nic) => nic.vdev === vdev);

export async function askNicdefUpdate(bench: Bench): Promise<Facts> {
  const { userid, vdevs, vswitch } = bench.scene;
  const [vdev] = vdevs;
  const first = await bench.change(defineInDirectory(userid, [nicdef(vdev)]), has(vdev));
  const changed = nicdef(vdev, ` LAN=SYSTEM SWITCHNAME=${vswitch}`);
  const isChanged = (nics: readonly Nicdef[]) => nics.find((nic) => nic.vdev === vdev)?.vswitch === vswitch;
  const again = await bench.change(defineInDirectory(userid, [changed]), isChanged);
  const now = await bench.nicdef(vdev);
  return { first, again, statement: now === undefined ? 'none' : now.vswitch === vswitch ? 'second' : 'first' };
}

/** The second NICDEF of the second call is for a device that has one, where that is refused; else it overlaps the first. */
export async function askNicdefsAtOnce(bench: Bench, { nicdefUpdate }: ProbedBehaviour): Promise<Facts> {
  const { userid, vdevs } = bench.scene;
  const [first, second, third] = vdevs;
  const both = await bench.code(defineInDirectory(userid, [nicdef(first), nicdef(second)]));
  const nics = await bench.nicdefs();
  const given = has(first)(nics) ? (has(second)(nics) ? 'both' : 'first') : 'none';
  if (given !== 'both') return { both, given };
  await bench.clear();
  const besides = nicdefUpdate === 'conflict' ? third : (devicesOfScene(bench.scene)[1] ?? third);
  if (besides === third) await bench.change(defineInDirectory(userid, [nicdef(third)]), has(third));
  const failing = await bench.code(defineInDirectory(userid, [nicdef(first), nicdef(besides)]));
  const left = await bench.nicdefs();
  const isBoth = besides !== third && has(besides)(left);
  return { both, given, failing, left: isBoth ? 'both' : has(first)(left) ? 'first' : 'none' };
}

const WORDS: Record<NicdefKeyword, { word: string; isThere: (nic: Nicdef) => boolean }> = {
  PORTNUMBER: { word: `PORTNUMBER=${PORT}`, isThere: ({ portNumber }) => portNumber === PORT },
  PORTTYPE: { word: 'PORTTYPE=ACCESS', isThere: ({ authorization }) => authorization?.portType === 'ACCESS' },
  VLAN: { word: 'VLAN=', isThere: ({ authorization }) => (authorization?.vlans ?? []).length > 0 },
  PROMISCUOUS: { word: 'PROMISCUOUS=YES', isThere: ({ authorization }) => authorization?.promiscuous === true },
  NOPROMISCUOUS: { word: 'NOPROMISCUOUS', isThere: ({ authorization }) => authorization?.promiscuous === false },
  PQUPLINKTX: { word: 'PQUPLINKTX=NORMAL', isThere: ({ authorization }) => authorization?.priority === 'NORMAL' },
};

export async function askNicdefKeywords(bench: Bench): Promise<Facts> {
  const { userid, vdevs, vswitch, vlans } = bench.scene;
  const [vdev] = vdevs;
  const facts: Record<string, string> = {};
  for (const keyword of NICDEF_KEYWORDS) {
    const { word, isThere } = WORDS[keyword];
    const value = keyword === 'VLAN' ? `${word}${vlans[0]}` : word;
    const statement = nicdef(vdev, ` LAN=SYSTEM SWITCHNAME=${vswitch} ${value}`);
    const code = await bench.change(defineInDirectory(userid, [statement]), has(vdev));
    const written = await bench.nicdef(vdev);
    facts[keyword] = code !== 'done' ? code : written !== undefined && isThere(written) ? 'taken' : 'lost';
    if (written !== undefined) await bench.change(removeNicFromDirectory(userid, vdev), (nics) => !has(vdev)(nics));
  }
  return facts;
}

/** One change after a rest, and the median of those right after another one; without the time of the way there. */
export async function askDirectoryTimes(bench: Bench, _known: ProbedBehaviour, signal: AbortSignal): Promise<Facts> {
  const { userid, vdevs } = bench.scene;
  const [vdev] = vdevs;
  const rests: number[] = [];
  const next: number[] = [];
  const codes = new Set<string>();
  const way = Math.min(...(await timesOf(PAIRS, async () => void (await bench.live()))));
  const change = async (command: Parameters<Bench['answerTo']>[0], times: number[]) => {
    const { code, milliseconds } = await bench.answerTo(command);
    codes.add(code);
    times.push(Math.max(0, milliseconds - way));
  };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    await pause(REST_MS, undefined, { signal });
    await change(defineInDirectory(userid, [nicdef(vdev)]), rests);
    await change(removeNicFromDirectory(userid, vdev), next);
  }
  return { codes: [...codes].join(' and '), first: median(rests), next: median(next) };
}

export async function askDirectoryReplace(bench: Bench): Promise<Facts> {
  const [vdev] = bench.scene.vdevs;
  const begun = performance.now();
  const replace = await bench.writeNic({ vdev });
  const milliseconds = Math.round(performance.now() - begun);
  return { replace, statement: (await bench.nicdef(vdev)) === undefined ? 'missing' : 'there', milliseconds };
}

async function timesOf(count: number, work: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const begun = performance.now();
    await work();
    times.push(Math.round(performance.now() - begun));
  }
  return times;
}

function median(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
}
