import { Context } from '@temporalio/activity';
import type { Cancellation } from '../backend/backend.ts';
import { refusal } from '../domain/planning/refusal.ts';
import type { HostActivities, Planning, Target } from '../workflows/host-activities.ts';
import { planDhcp } from './dhcp.ts';
import { createEarlierProbes } from './earlier-probes.ts';
import { enqueueRequests } from './enqueue.ts';
import { refusedFailure } from './failures.ts';
import { createGuestActivities } from './guest-activities.ts';
import { withCancellation, withHeartbeat } from './heartbeat.ts';
import type { HostRuntime } from './host-runtime.ts';
import { checkpointIn, createCheckpointKeeper } from './kept-checkpoint.ts';
import { planManagement } from './management-network.ts';
import { createMigration, planMigration } from './migration.ts';
import { readNeutron, reportPorts } from './neutron.ts';
import { whileOperationIsOpen } from './operation-watch.ts';
import { askProbe, planProbe, restoreProbe } from './probe.ts';
import { acceptingActivities } from './requests.ts';
import { showGuest, showHost } from './show.ts';
import { surveyHost } from './survey.ts';
import { createTemporalOperations } from './temporal-operations.ts';
import { createTurns } from './turns.ts';
import { planVswitchChange, readVswitches } from './vswitches.ts';
import { createWindows, type Stage } from './windows.ts';

/** The parts of an activity's input that say where it works and for whom. */
type OnHost = Pick<Target, 'host' | 'operation'>;
type Arrive = (stage: Stage) => Promise<void>;

/** The activities of one host's worker. They are refused when a workflow of another host is started on this host's task queue. */
export function createHostActivities(host: HostRuntime): HostActivities {
  const windows = createWindows();
  const turns = createTurns();
  const checkpoints = createCheckpointKeeper();
  const operations = createTemporalOperations(host.rules.host);

  const on = <Result>(target: OnHost, work: (signal: AbortSignal) => Promise<Result>) =>
    withHeartbeat((signal) =>
      whileOperationIsOpen(operations, target.operation, signal, (stop) => {
        refuseOtherHost(host, target.host);
        return work(stop);
      }),
    );
  const changing = <Result>(target: OnHost, work: (cancellation: Cancellation) => Promise<Result>) =>
    withCancellation(({ stop: cancelled, leave }) =>
      whileOperationIsOpen(operations, target.operation, cancelled, (stop) => {
        refuseOtherHost(host, target.host);
        stop.throwIfAborted();
        return work({ stop, leave });
      }),
    );
  /** Work on one guest in its turn, together with the other guests of its window. `comesAgain` says whether another stage follows. */
  const inWindow = async <Result>(
    { userid, batch, requestId }: Target,
    stage: Stage,
    stop: AbortSignal,
    work: (arrive: Arrive) => Promise<Result>,
    comesAgain: (result: Result) => boolean = () => false,
  ): Promise<Result> => {
    const member = windows.member(batch, requestId);
    let isExpected = false;
    try {
      await member.arrive(stage, stop);
      const result = await turns.take(userid, () => work((next) => member.arrive(next, stop)));
      isExpected = comesAgain(result);
      return result;
    } finally {
      member.end(isExpected);
    }
  };
  const guests = createGuestActivities(host, operations);
  const probes = createEarlierProbes(host);
  const migrateGuest = createMigration(host);

  return {
    ...acceptingActivities(host.rules.host),
    enqueueRequests: ({ host: on, requests }) =>
      withHeartbeat(async () => {
        refuseOtherHost(host, on);
        await enqueueRequests(Context.current().client, on, requests);
      }),
    planChange: (input) =>
      on(input, (stop) => inWindow(input, 'plan', stop, () => guests.planChange(input, stop), hasSteps)),
    planTowards: (input) =>
      on(input, (stop) => inWindow(input, 'compare', stop, () => guests.planTowards(input, stop))),
    applySteps: (input) =>
      changing(input, (cancellation) =>
        inWindow(input, 'apply', cancellation.stop, (arrive) => guests.applySteps(input, cancellation, arrive)),
      ),
    planProbe: (input) => on(input, (signal) => planProbe(host, input, signal)),
    askProbe: (input) =>
      changing(input, (cancellation) => turns.take(input.userid, () => askProbe(host, input, cancellation))),
    restoreProbe: (input) =>
      changing(input, (cancellation) => turns.take(input.userid, () => restoreProbe(host, input, cancellation))),
    keepAnswers: async ({ record }) => host.backend.answers.take(record),
    planMigration: (input) => on(input, () => planMigration(host, input)),
    migrateGuest: (input) =>
      changing(input, (cancellation) => turns.take(input.userid, () => migrateGuest(input, cancellation))),
    surveyHost: (input) =>
      on(input, async (signal) => {
        const { info, client } = Context.current();
        // They hide nothing else of the host: the next run asks again.
        await probes.recall(client).catch(() => undefined);
        const kept = await checkpoints.open(input.checkpoint, (run) => checkpointIn(client, host.rules.host, run));
        const { checkpoint, ...survey } = await surveyHost(host, input, kept.checkpoint, signal);
        const own = info.workflowExecution ?? { workflowId: '', runId: '' };
        return { ...survey, checkpoint: kept.write(checkpoint, own, input.isContinued) };
      }),
    readNeutron: (input) => on(input, () => readNeutron(host, input)),
    reportPorts: (input) => on(input, (signal) => reportPorts(host, input, signal)),
    planDhcp: (input) => on(input, (signal) => planDhcp(host, signal)),
    planManagementNetwork: (input) => on(input, (signal) => planManagement(host, signal)),
    applyManagementNetwork: (input) =>
      changing(input, ({ leave }) => host.backend.applyManagementSteps(input.steps, leave)),
    showHost: (input) => on(input, () => showHost(host)),
    showGuest: (input) => on(input, () => showGuest(host, input.userid)),
    readVswitches: (input) => on(input, (signal) => readVswitches(host, signal)),
    planVswitch: (input) => on(input, (signal) => planVswitchChange(host, input, signal)),
    applyVswitch: (input) => changing(input, ({ leave }) => host.backend.applyVswitchSteps(input.steps, leave)),
  };
}

function hasSteps(planning: Planning): boolean {
  return planning.kind === 'planned' && planning.steps.length > 0;
}

function refuseOtherHost({ rules }: HostRuntime, host: string): void {
  if (host === rules.host) return;
  const reason = `the request for ${host} came to the task queue of ${rules.host}`;
  throw refusedFailure([refusal('host', reason, `start the operation on task queue zvm-${host}`)]);
}
