import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { restoreSnapshot, Snapshot, takeSnapshot } from './control/snapshot.ts';
import { parseLatency } from './http/latency.ts';
import { type Simulator, startSimulator } from './simulator.ts';
import { Asked, releasesOf } from './zvm/release.ts';

const USAGE = `npm run simulator -- [--port N] [--https] [--ca-file FILE] [--mns N] [--hosts N] [--guests N] [--seed N]
  [--latency MS|uniform:MS:MS|lognormal:MEDIAN_MS:SIGMA] [--state FILE]
  [--release 6.3|6.4|7.1|7.3|7.4|7.5[,…]] [--ssi] [--set NAME=VALUE]…`;

/** Starts management nodes, prints one JSON line with their URLs, and runs until it is told to stop; then the state is saved. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      https: { type: 'boolean', default: false },
      'ca-file': { type: 'string' },
      mns: { type: 'string', default: '1' },
      hosts: { type: 'string', default: '2' },
      guests: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      latency: { type: 'string', default: '0' },
      state: { type: 'string' },
      release: { type: 'string', default: '6.3' },
      ssi: { type: 'boolean', default: false },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const port = whole('--port', values.port);
  const seed = whole('--seed', values.seed);
  const options = {
    https: values.https,
    hosts: whole('--hosts', values.hosts),
    guests: whole('--guests', values.guests),
    latency: parseLatency(values.latency),
    release: releasesOf(values.release),
    ssi: values.ssi,
    ...askedOf(values.set),
  };
  const saved = values.state === undefined ? [] : readState(values.state);
  const simulators: Simulator[] = [];
  for (let index = 0; index < whole('--mns', values.mns); index += 1) {
    // Several management nodes have ports after each other, or each a free one.
    const simulator = await startSimulator({ ...options, seed: seed + index, port: port === 0 ? 0 : port + index });
    const snapshot = saved[index];
    if (snapshot !== undefined) restoreSnapshot(simulator.mn, snapshot);
    simulators.push(simulator);
  }
  // Each has an authority of its own: one file holds them all.
  if (values['ca-file'] !== undefined) writeFileSync(values['ca-file'], simulators.map(({ ca }) => ca ?? '').join(''));
  const mns = simulators.map(({ url }) => ({ url, xcatws: `${url}/xcatws`, control: `${url}/simulator` }));
  process.stdout.write(`${JSON.stringify({ ...mns[0], mns })}\n`);
  const stop = async () => {
    if (values.state !== undefined)
      writeFileSync(values.state, `${JSON.stringify(simulators.map(({ mn }) => takeSnapshot(mn)))}\n`);
    await Promise.all(simulators.map((simulator) => simulator.close()));
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
}

function readState(file: string): Snapshot[] {
  if (!existsSync(file)) return [];
  const parsed = Snapshot.array().safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`--state ${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** `NAME=VALUE`, of the answers that the releases do not settle; a list has commas. */
function askedOf(settings: readonly string[]): Asked {
  const given = settings.map((setting): [string, unknown] => {
    const at = setting.indexOf('=');
    const [name, text] = [setting.slice(0, Math.max(0, at)), setting.slice(at + 1)];
    if (name === 'nicdefKeywords') return [name, text.split(',').filter(Boolean)];
    if (text === 'true' || text === 'false') return [name, text === 'true'];
    return [name, /^\d+$/.test(text) ? Number(text) : text];
  });
  const { data, error } = Asked.safeParse(Object.fromEntries(given));
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw new Error(`--set ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${option} ${text}: must be a whole number`);
  return value;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nusage: ${USAGE}\n`);
  process.exitCode = 1;
});
