import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { NONE, runProgram, UsageError, type Values, wholeNumber } from '../command-line/program.ts';
import { restoreSnapshot, Snapshot, takeSnapshot } from './control/snapshot.ts';
import { parseLatency } from './http/latency.ts';
import { type Simulator, startSimulator } from './simulator.ts';
import { Asked, RELEASES, releasesOf } from './zvm/release.ts';

const OPTIONS = {
  port: { type: 'string', default: '0', value: 'N', help: 'the first port; 0 takes a free one' },
  listen: { type: 'string', default: '127.0.0.1', value: 'ADDRESS', help: 'the address that it listens on' },
  https: { type: 'boolean', default: false, help: 'TLS with an authority of its own' },
  'ca-file': { type: 'string', value: 'FILE', help: "written: the authority's certificate" },
  mns: { type: 'string', default: '1', value: 'N', help: 'management nodes, on consecutive ports' },
  hosts: { type: 'string', default: '2', value: 'N', help: 'z/VM systems of each management node' },
  guests: { type: 'string', default: '10', value: 'N', help: 'guests of each z/VM system' },
  seed: { type: 'string', default: '1', value: 'N', help: 'random values repeat with the same seed' },
  latency: {
    type: 'string',
    default: '0',
    value: 'MS',
    help: 'delay of a call; also uniform:MS:MS, lognormal:MEDIAN_MS:SIGMA',
  },
  state: { type: 'string', value: 'FILE', help: 'read at the start if it exists, written at the end' },
  release: {
    type: 'string',
    default: '7.4',
    value: 'RELEASE,…',
    help: `of the z/VM systems in turn: ${RELEASES.join(', ')}`,
  },
  ssi: { type: 'boolean', default: false, help: 'the systems are members of one SSI cluster' },
  set: {
    type: 'string',
    multiple: true,
    default: NONE,
    value: 'NAME=VALUE',
    help: 'an answer other than that of the release',
  },
} as const;

async function main(values: Values<typeof OPTIONS>): Promise<void> {
  const port = wholeNumber('--port', values.port, 0);
  const seed = wholeNumber('--seed', values.seed, 0);
  const options = {
    listen: values.listen,
    https: values.https,
    hosts: wholeNumber('--hosts', values.hosts, 0),
    guests: wholeNumber('--guests', values.guests, 0),
    latency: parseLatency(values.latency),
    release: releasesOf(values.release),
    ssi: values.ssi,
    ...askedOf(values.set),
  };
  const saved = values.state === undefined ? [] : readState(values.state);
  const simulators: Simulator[] = [];
  for (let index = 0; index < wholeNumber('--mns', values.mns, 0); index += 1) {
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
  throw new UsageError(`--state ${file}: ${issue?.path.join('.')}: ${issue?.message}`);
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
  throw new UsageError(`--set ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

runProgram(
  {
    name: 'simulator',
    does: 'Starts simulated xCAT management nodes, prints one JSON line with their URLs, and runs until SIGINT or SIGTERM.',
    options: OPTIONS,
    exit: { 0: 'stopped by a signal' },
    example: '--port 8080 --hosts 1 --release 7.4',
  },
  main,
);
