import { pino } from 'pino';
import { expect, test } from 'vitest';
import { surveyHost } from '../../activities/survey.ts';
import { createWriteGate } from '../../activities/write-gate.ts';
import { embeddedHosts } from '../../demo/embedded-hosts.ts';
import { EMPTY_CHECKPOINT } from '../../domain/host/checkpoint.ts';
import { backendOf, rulesOf } from '../../runtime/host/host-backend.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { FREE } from '../activities/free-control.ts';
import { MemoryNeutron } from './memory-neutron.ts';

const GUESTS = 210;

test('of more guests in doubt than a survey reads, nothing is told of those that it has not read, and they are not remembered as told', async () => {
  const simulator = await startSimulator({ hosts: 1, guests: GUESTS, release: '6.3' });
  const [configuration] = embeddedHosts(simulator.url, 1);
  if (configuration === undefined) throw new Error('no embedded host');
  const backend = backendOf(configuration, pino({ level: 'silent' }));
  const neutron = new MemoryNeutron();
  const segment = { networkType: 'vlan', physicalNetwork: 'physnet1', segmentationId: 82 };
  for (let number = 1; number <= GUESTS; number += 1) {
    const deviceId = `LNX1${String(number).padStart(4, '0')}`;
    neutron.add({ host: configuration.host, deviceId, segment });
  }
  const gate = createWriteGate(configuration.host, backend, FREE);
  const rest = { policy: () => undefined, memberHosts: async () => [], qosPolicies: new Map() };
  const host = { rules: rulesOf(configuration), backend, gate, neutron, ...rest };
  const times = { intervalSeconds: 30, sweepSeconds: 3_600, now: 0 };
  const input = { host: configuration.host, ...times, failed: [], unreported: [], isContinued: false };
  const { candidates, statuses, checkpoint } = await surveyHost(
    host,
    input,
    EMPTY_CHECKPOINT,
    AbortSignal.timeout(60_000),
  );
  await backend.close();
  await simulator.close();
  const read = candidates.map(({ userid }) => userid);
  expect(read.length).toBeLessThan(GUESTS);
  expect(statuses.map(({ userid }) => userid).toSorted()).toEqual(read.toSorted());
  const told = new Set(checkpoint.neutron?.reported.keys());
  expect(told).toEqual(new Set(statuses.map(({ portId }) => portId)));
});
