import { decide } from '../network/decision.ts';
import { plan } from '../network/planner.ts';
import { refusal } from '../network/refusal.ts';
import type { HostActivities } from '../workflows/host-activities.ts';
import { configureGuest } from './configure-guest.ts';
import { refusedFailure } from './failures.ts';
import { readSurroundings } from './guest-reading.ts';
import type { HostRuntime } from './host-runtime.ts';
import { writeTables } from './port-records.ts';
import { stayAlive } from './stay-alive.ts';

/** The activities of one host's worker. They are refused when a workflow of another host is started on this host's task queue. */
export function createHostActivities(host: HostRuntime): HostActivities {
  const here = (named: string) => {
    if (named === host.rules.host) return;
    const reason = `this is the task queue of ${host.rules.host}, but the request is for ${named}`;
    throw refusedFailure([refusal('host', reason, `start it on task queue zvm-${named}`)]);
  };
  return {
    planChange: (input) =>
      stayAlive(async (signal) => {
        here(input.host);
        const around = await readSurroundings(host, input.userid, signal);
        const decision = decide(input.change, around);
        if (!decision.accepted) throw refusedFailure(decision.refusals);
        const { desired, before, affected } = decision;
        return {
          desired,
          before,
          affected,
          steps: plan(desired, around.guest, around.vswitches),
          liveVdevs: around.guest.live.map((nic) => nic.vdev),
        };
      }),
    planTowards: (input) =>
      stayAlive(async (signal) => {
        const { guest, vswitches } = await readSurroundings(host, input.userid, signal);
        return { steps: plan(input.desired, guest, vswitches), liveVdevs: guest.live.map((nic) => nic.vdev) };
      }),
    recordPorts: (input) => stayAlive((signal) => writeTables(host, input.steps, signal)),
    configureGuest: (input) => stayAlive((signal) => configureGuest(host, input.steps, signal)),
    forgetPorts: (input) => stayAlive((signal) => writeTables(host, input.steps, signal)),
  };
}
