import { Context } from '@temporalio/activity';
import type { Cancellation, ZvmBackend } from '../backend/backend.ts';
import { defined } from '../domain/defined.ts';
import type { ConfiguredRules } from '../domain/host/host.ts';
import type { HostControl, WorkFor } from '../domain/host/host-control.ts';
import { reportsOnly } from '../domain/host/repair-mode.ts';
import { refusal } from '../domain/planning/refusal.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import type { HostActivities, Survey, SurveyInput, Target } from '../workflows/host-activities.ts';
import { createAnswers } from './answers.ts';
import { changeGuest } from './change-guest.ts';
import { createComingGuests } from './coming-guests.ts';
import { planDhcp } from './dhcp.ts';
import { createEarlierProbes } from './earlier-probes.ts';
import { enqueueRequests } from './enqueue.ts';
import { refusedFailure } from './failures.ts';
import { createGuestActivities } from './guest-activities.ts';
import { type Keep, withCancellation, withHeartbeat } from './heartbeat.ts';
import type { HostRuntime } from './host-runtime.ts';
import { createClosedSchedules, createIdleRuns, deleteRuns, idleRunsBefore, isIdle } from './idle-runs.ts';
import { checkpointIn, createCheckpointKeeper } from './kept-checkpoint.ts';
import { createLentWindows } from './lent-windows.ts';
import { planManagement } from './management-network.ts';
import { createMigration, planMigration } from './migration.ts';
import { readNeutron, reportPorts } from './neutron.ts';
import { deliverNotification } from './notifications.ts';
import { whileOperationIsOpen } from './operation-watch.ts';
import { isGoverned } from './policy-gate.ts';
import { askProbe, planProbe, restoreProbe } from './probe.ts';
import { acceptingActivities } from './requests.ts';
import { showGuest, showHost } from './show.ts';
import { surveyHost } from './survey.ts';
import { surveyTask } from './survey-failures.ts';
import { createTemporalOperations } from './temporal-operations.ts';
import { createTurns } from './turns.ts';
import { planVswitchChange, readVswitches } from './vswitches.ts';
import { createWindows, type Stage } from './windows.ts';

/** The parts of an activity's input that say where it works and for whom. */
type OnHost = Pick<Target, 'host' | 'operation'> & Partial<Pick<Target, 'requestId'>>;
type Arrive = (stage: Stage) => Promise<void>;

/** The activities of one host's worker. They are refused when a workflow of another host is started on this host's task queue. */
export function createHostActivities(host: HostRuntime): HostActivities {
  const windows = createWindows();
  const coming = createComingGuests();
  const turns = createTurns();
  const answers = createAnswers();
  const checkpoints = createCheckpointKeeper();
  const idleRuns = createIdleRuns();
  const closedSchedules = createClosedSchedules(host.rules.host);
  const operations = createTemporalOperations(host.rules.host);

  const on = <Result>(target: OnHost, work: (signal: AbortSignal) => Promise<Result>) =>
    withHeartbeat((signal) =>
      whileOperationIsOpen(operations, target.operation, signal, (stop) => {
        refuseOtherHost(host, target.host);
        return work(stop);
      }),
    );
  /** A reading that plans a write: made anew after the hold of a held host. One for a dry run is made at once. */
  const planning = <Result>(
    target: OnHost & { dryRun?: boolean },
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> =>
    on(target, async (signal) => {
      if (target.dryRun !== true) await host.gate.pass(workFor(target));
      return work(signal);
    });
  /** Work that is stopped when its operation has ended, or its activity is cancelled. */
  const whileWanted = <Result>(
    target: OnHost,
    work: (cancellation: Cancellation, keep: Keep) => Promise<Result>,
  ): Promise<Result> =>
    withCancellation(({ stop: cancelled, leave }, keep) =>
      whileOperationIsOpen(operations, target.operation, cancelled, (stop) => {
        refuseOtherHost(host, target.host);
        stop.throwIfAborted();
        const { workflowExecution } = Context.current().info;
        if (workflowExecution !== undefined) host.gate.served(workflowExecution);
        return work({ stop, leave }, keep);
      }),
    );
  const changing = <Result>(
    target: OnHost,
    work: (backend: ZvmBackend, cancellation: Cancellation, keep: Keep) => Promise<Result>,
  ): Promise<Result> =>
    whileWanted(target, (cancellation, keep) =>
      host.gate.write(workFor(target), cancellation, (backend, stoppable) => work(backend, stoppable, keep)),
    );
  /** Work on one guest in its turn, together with the other guests of its window. */
  const inWindow = async <Result>(
    { userid, batch, requestId }: Target,
    stage: Stage,
    stop: AbortSignal,
    work: (arrive: Arrive) => Promise<Result>,
  ): Promise<Result> => {
    const member = windows.member(batch, requestId);
    try {
      return await coming.afterComing(async () => {
        await member.arrive(stage, stop);
        return turns.take(userid, () => work((next) => member.arrive(next, stop)));
      });
    } finally {
      member.end(stop.aborted);
    }
  };
  const lentWindows = createLentWindows(host.rules.host, (input, cancellation, keep) => {
    const of = workFor(input, guestWorkflowId(input.host, input.userid));
    return host.gate.write(of, cancellation, (backend, { stop, leave }) =>
      inWindow(input, 'plan', stop, (arrive) =>
        changeGuest(
          guests,
          backend,
          input,
          { stop, leave },
          ({ planned }) => keep(planned),
          arrive,
          (work) => work(stop),
        ),
      ),
    );
  });
  const accepting = acceptingActivities(host.rules.host, () => isGoverned(host));
  const guests = createGuestActivities(host, operations);
  const probes = createEarlierProbes(host);
  const migrateGuest = createMigration(host);

  return {
    ...accepting,
    enqueueRequests: ({ host: on, requests }) =>
      withHeartbeat(async (signal) => {
        refuseOtherHost(host, on);
        const { client } = Context.current();
        let isSent = false;
        for (const { userid, request } of requests)
          windows.expect(
            request.batch,
            request.id,
            async () => !isSent || coming.isComing(client, guestWorkflowId(on, userid)),
          );
        await windows
          .begin(requests[0]?.request.batch, signal, () => enqueueRequests(client, on, requests))
          .finally(() => {
            isSent = true;
          });
      }),
    changeWindow: (input) =>
      whileWanted(
        { host: input.host, ...defined({ operation: input.requests[0]?.request.operation }) },
        (cancellation, keep) => lentWindows.change(input, cancellation, keep),
      ),
    isLent: lentWindows.isLent,
    recallPlan: lentWindows.recallPlan,
    answerOperation: async (answer) => {
      await answers.send(Context.current().client, answer);
      const { operation, id, outcome } = answer;
      const portIds = outcome.kind === 'done' ? outcome.result.found.portIds : [];
      return { operation, id, kind: outcome.kind, portIds };
    },
    planChange: (input) =>
      planning(input, (stop) => inWindow(input, 'plan', stop, () => guests.planChange(input, stop))),
    changeGuest: (input) =>
      changing(input, (backend, cancellation, keep) =>
        inWindow(input, 'plan', cancellation.stop, (arrive) =>
          changeGuest(guests, backend, input, cancellation, keep, arrive, (work) =>
            whileOperationIsOpen(operations, input.operation, cancellation.stop, work),
          ),
        ),
      ),
    planTowards: (input) =>
      planning(input, (stop) => inWindow(input, 'compare', stop, () => guests.planTowards(input, stop))),
    applySteps: (input) =>
      changing(input, (backend, cancellation) =>
        inWindow(input, 'apply', cancellation.stop, (arrive) =>
          guests.applySteps(input, backend, cancellation, arrive),
        ),
      ),
    planProbe: (input) => planning(input, (signal) => planProbe(host, input, signal)),
    askProbe: (input) =>
      changing(input, (backend, cancellation) =>
        turns.take(input.userid, () => askProbe(backend, input, cancellation)),
      ),
    restoreProbe: (input) =>
      changing(input, (backend, cancellation) =>
        turns.take(input.userid, () => restoreProbe(backend, input, cancellation)),
      ),
    keepAnswers: async ({ record }) => host.backend.answers.take(record),
    planMigration: (input) => on(input, () => planMigration(host, input)),
    migrateGuest: (input) =>
      input.dryRun
        ? planning(input, (stop) =>
            inWindow(input, 'plan', stop, (arrive) => migrateGuest(input, { stop, leave: stop }, arrive)),
          )
        : changing(input, (_backend, cancellation) =>
            inWindow(input, 'plan', cancellation.stop, (arrive) => migrateGuest(input, cancellation, arrive)),
          ),
    surveyHost: (input) =>
      withHeartbeat(async (signal) => {
        const request = await accepting.acceptRequest({ type: 'reconcileHost', input: input.request });
        const task = surveyTask(request, input);
        const { info, client } = Context.current();
        // They hide nothing else of the host: the next run asks again.
        await probes.recall(client).catch(() => undefined);
        const kept = await checkpoints.open(input.last?.checkpoint, (run) =>
          checkpointIn(client, host.rules.host, run),
        );
        const { checkpoint, ...survey } = await surveyHost(host, task, kept.checkpoint, signal);
        const own = info.workflowExecution ?? { workflowId: '', runId: '' };
        const { text, isFull } = kept.write(checkpoint, own, input.isContinued);
        // Later runs rest on one with a full checkpoint.
        const idle = await idleRuns.dueAfter(own, !isFull && isIdle(own, task, survey), () =>
          idleRunsBefore(client, host.rules.host),
        );
        await deleteRuns(Context.current(), [...idle, ...(await closedSchedules(client, input.now))]);
        return { request, ...survey, ...modeOf(input, host.rules, await host.gate.control()), checkpoint: text };
      }),
    readNeutron: (input) => on(input, () => readNeutron(host, input)),
    reportPorts: (input) => on(input, (signal) => reportPorts(host, input, signal)),
    deliverNotification: async (input) => {
      refuseOtherHost(host, input.host);
      await deliverNotification(host, input, Context.current().cancellationSignal);
    },
    planDhcp: (input) => planning(input, (signal) => planDhcp(host, signal)),
    planManagementNetwork: (input) => planning(input, (signal) => planManagement(host, input.asks, signal)),
    applyManagementNetwork: (input) =>
      changing(input, (backend, { leave }) => backend.applyManagementSteps(input.steps, leave)),
    showHost: (input) => on(input, () => showHost(host)),
    showGuest: (input) => on(input, () => showGuest(host, input.userid)),
    readVswitches: (input) => on(input, (signal) => readVswitches(host, signal)),
    planVswitch: (input) => planning(input, (signal) => planVswitchChange(host, input, signal)),
    applyVswitch: (input) => changing(input, (backend, { leave }) => backend.applyVswitchSteps(input.steps, leave)),
  };
}

/** Whether the drift is repaired: by the configuration and the operators' word at the end of the reading. */
function modeOf(
  { last, isContinued, now }: SurveyInput,
  { host, reconcileMode: mode }: ConfiguredRules,
  control: HostControl,
): Pick<Survey, 'reportsOnly' | 'isUnconfirmed'> {
  const isNew = control.confirmed === undefined && (last?.isUnconfirmed ?? (last === undefined && !isContinued));
  return defined({
    reportsOnly: reportsOnly({ host, control, mode, isUnconfirmed: isNew, now }),
    isUnconfirmed: isNew && mode !== 'repair' ? true : undefined,
  });
}

function workFor(
  { operation, requestId }: OnHost,
  own = Context.current().info.workflowExecution?.workflowId,
): WorkFor {
  return { workflowIds: [operation?.workflowId, own].filter((id) => id !== undefined), ...defined({ requestId }) };
}

function refuseOtherHost({ rules }: HostRuntime, host: string): void {
  if (host === rules.host) return;
  const reason = `the request for ${host} came to the task queue of ${rules.host}`;
  throw refusedFailure([refusal('host', reason, `start the operation on task queue zvm-${host}`)]);
}
