import { Context } from '@temporalio/activity';
import type { Cancellation } from '../backend/backend.ts';
import { refusal } from '../domain/planning/refusal.ts';
import type { HostActivities, Target } from '../workflows/host-activities.ts';
import { createBatches } from './batches.ts';
import { planDhcp } from './dhcp.ts';
import { createEarlierProbes } from './earlier-probes.ts';
import { enqueueRequests } from './enqueue.ts';
import { refusedFailure } from './failures.ts';
import { createGuestActivities } from './guest-activities.ts';
import { withCancellation, withHeartbeat } from './heartbeat.ts';
import type { HostRuntime } from './host-runtime.ts';
import { planManagement } from './management-network.ts';
import { readNeutron, reportPorts } from './neutron.ts';
import { whileOperationIsOpen } from './operation-watch.ts';
import { askProbe, planProbe, restoreProbe } from './probe.ts';
import { acceptingActivities } from './requests.ts';
import { showGuest, showHost } from './show.ts';
import { surveyHost } from './survey.ts';
import { createTemporalOperations } from './temporal-operations.ts';
import { createTurns } from './turns.ts';
import { planVswitchChange, readVswitches } from './vswitches.ts';

/** The parts of an activity's input that say where it works, with whom and for whom. */
type OnHost = Pick<Target, 'host' | 'batch' | 'operation'>;

/** The activities of one host's worker. They are refused when a workflow of another host is started on this host's task queue. */
export function createHostActivities(host: HostRuntime): HostActivities {
  const batches = createBatches();
  const turns = createTurns();
  const operations = createTemporalOperations(host.rules.host);

  const arrive = async (target: OnHost, stage: string) => {
    refuseOtherHost(host, target.host);
    await batches.arrive(stage, target.batch);
  };
  const on = <Result>(target: OnHost, stage: string, work: (signal: AbortSignal) => Promise<Result>) =>
    withHeartbeat((signal) =>
      whileOperationIsOpen(operations, target.operation, signal, async (stop) => {
        await arrive(target, stage);
        return work(stop);
      }),
    );
  const changing = <Result>(target: OnHost, stage: string, work: (cancellation: Cancellation) => Promise<Result>) =>
    withCancellation(({ stop: cancelled, leave }) =>
      whileOperationIsOpen(operations, target.operation, cancelled, async (stop) => {
        await arrive(target, stage);
        stop.throwIfAborted();
        return work({ stop, leave });
      }),
    );
  const guests = createGuestActivities(host, operations);
  const probes = createEarlierProbes(host);

  return {
    ...acceptingActivities(host.rules.host),
    enqueueRequests: ({ host: on, requests }) =>
      withHeartbeat(async () => {
        refuseOtherHost(host, on);
        await enqueueRequests(Context.current().client, on, requests);
      }),
    planChange: (input) =>
      on(input, 'plan', (signal) => turns.take(input.userid, () => guests.planChange(input, signal))),
    planTowards: (input) =>
      on(input, 'compare', (signal) => turns.take(input.userid, () => guests.planTowards(input, signal))),
    applySteps: (input) =>
      changing(input, 'apply', (cancellation) =>
        turns.take(input.userid, () =>
          guests.applySteps(input, cancellation, (stage) => batches.arrive(stage, input.batch)),
        ),
      ),
    planProbe: (input) => on(input, 'plan probe', (signal) => planProbe(host, input, signal)),
    askProbe: (input) =>
      changing(input, 'ask', (cancellation) => turns.take(input.userid, () => askProbe(host, input, cancellation))),
    restoreProbe: (input) =>
      changing(input, 'restore', (cancellation) =>
        turns.take(input.userid, () => restoreProbe(host, input, cancellation)),
      ),
    keepAnswers: async ({ record }) => host.backend.answers.take(record),
    surveyHost: (input) =>
      on(input, 'survey', async (signal) => {
        // They hide nothing else of the host: the next run asks again.
        await probes.recall(Context.current().client).catch(() => undefined);
        return surveyHost(host, input, signal);
      }),
    readNeutron: (input) => on(input, 'read Neutron', () => readNeutron(host, input)),
    reportPorts: (input) => on(input, 'report to Neutron', (signal) => reportPorts(host, input, signal)),
    planDhcp: (input) => on(input, 'plan DHCP', (signal) => planDhcp(host, signal)),
    planManagementNetwork: (input) => on(input, 'plan management network', (signal) => planManagement(host, signal)),
    applyManagementNetwork: (input) =>
      changing(input, 'apply management network', ({ leave }) => host.backend.applyManagementSteps(input.steps, leave)),
    showHost: (input) => on(input, 'show host', () => showHost(host)),
    showGuest: (input) => on(input, 'show guest', () => showGuest(host, input.userid)),
    readVswitches: (input) => on(input, 'read VSWITCHes', (signal) => readVswitches(host, signal)),
    planVswitch: (input) => on(input, 'plan VSWITCH', (signal) => planVswitchChange(host, input, signal)),
    applyVswitch: (input) =>
      changing(input, 'apply VSWITCH', ({ leave }) => host.backend.applyVswitchSteps(input.steps, leave)),
  };
}

function refuseOtherHost({ rules }: HostRuntime, host: string): void {
  if (host === rules.host) return;
  const reason = `the request for ${host} came to the task queue of ${rules.host}`;
  throw refusedFailure([refusal('host', reason, `start the operation on task queue zvm-${host}`)]);
}
