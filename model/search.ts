import { execFile } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Configuration } from './configurations.ts';
import { type PanResult, parsePanOutput } from './pan-output.ts';

const run = promisify(execFile);

const PROGRAMS = ['spin', 'gcc'] as const;
const DEEPEST = 2_000;
const MEMORY_MIB = 3_000;
const MOST_OUTPUT = 64 * 1024 * 1024;

/** The required programs that are missing on the path. */
export async function missingPrograms(): Promise<string[]> {
  const found = await Promise.all(PROGRAMS.map(async (name) => ((await isOnPath(name)) ? [] : [name])));
  return found.flat();
}

async function isOnPath(name: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const there = folders.map((folder) =>
    access(join(folder, name)).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(there)).includes(true);
}

/** Search all states of a model. Throws an Error when SPIN, gcc or pan fails. */
export async function search(configuration: Configuration): Promise<PanResult> {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  const at = { cwd: folder, maxBuffer: MOST_OUTPUT };
  try {
    await run('spin', [...switchesOf(configuration.switches), '-a', modelFile(configuration.model)], at);
    const kind = configuration.search === 'states' ? '-DSAFETY' : '-DNP';
    // A search that ends at an error is short: compiling with optimisation would take longer.
    const optimisation = configuration.finds === 'none' ? '-O2' : '-O0';
    await run('gcc', [optimisation, '-w', kind, '-DCOLLAPSE', `-DMEMLIM=${MEMORY_MIB}`, '-o', 'pan', 'pan.c'], at);
    const { stdout } = await run(join(folder, 'pan'), ['-n', `-m${DEEPEST}`, ...(kind === '-DNP' ? ['-l'] : [])], at);
    return parsePanOutput(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The output of one seeded simulation, a line for each event. */
export async function simulate(seed: number, switches: Configuration['switches']): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  try {
    const options = ['-T', `-n${seed}`, ...switchesOf(switches)];
    const { stdout } = await run('spin', [...options, modelFile('guest-queue')], {
      cwd: folder,
      maxBuffer: MOST_OUTPUT,
    });
    return stdout.split('\n').map((line) => line.trim());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function switchesOf(switches: Configuration['switches']): string[] {
  return Object.entries(switches).map(([name, value]) => `-D${name}=${value}`);
}

function modelFile(model: Configuration['model']): string {
  return join(import.meta.dirname, `${model}.pml`);
}
