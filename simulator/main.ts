import { parseArgs } from 'node:util';
import { startSimulator } from './simulator.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    hosts: { type: 'string', default: '2' },
    guests: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    latency: { type: 'string', default: '0' },
  },
});

const simulator = await startSimulator({
  port: Number(values.port),
  hosts: Number(values.hosts),
  guests: Number(values.guests),
  seed: Number(values.seed),
  latencyMs: Number(values.latency),
});
const { url } = simulator;
process.stdout.write(`${JSON.stringify({ url, xcatws: `${url}/xcatws`, control: `${url}/simulator` })}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
