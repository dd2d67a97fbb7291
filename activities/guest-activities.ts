import { Context } from '@temporalio/activity';
import type { Cancellation, ZvmBackend } from '../backend/backend.ts';
import { refuseIncapable } from '../backend/capabilities.ts';
import { defined } from '../domain/defined.ts';
import type { Desired } from '../domain/guest/desired.ts';
import { followUpsOf, withFollowUps } from '../domain/guest/follow-ups.ts';
import type { GuestState } from '../domain/guest/guest.ts';
import type { HostCapabilities } from '../domain/host/host-capabilities.ts';
import { isSingle } from '../domain/operations/batch.ts';
import { Change } from '../domain/operations/requests.ts';
import { decide } from '../domain/planning/decision.ts';
import { formerPorts } from '../domain/planning/former-ports.ts';
import { leftNicdefs } from '../domain/planning/left-nicdefs.ts';
import { waitingForLogon, wrongVlans } from '../domain/planning/live-plan.ts';
import { basisOf } from '../domain/planning/plan-basis.ts';
import { plan } from '../domain/planning/planner.ts';
import { lostPortNumbers } from '../domain/planning/port-number-plan.ts';
import { refusal, refusalsOf } from '../domain/planning/refusal.ts';
import { stepId } from '../domain/planning/step-id.ts';
import type { Step } from '../domain/planning/steps.ts';
import type { Mac } from '../domain/port/mac.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import { isWordChange } from '../domain/text/words.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import type {
  AppliedSteps,
  ChangeToPlan,
  HostActivities,
  PlannedChange,
  Planning,
  Progress,
  Target,
} from '../workflows/host-activities.ts';
import { applySteps } from './apply-steps.ts';
import { addressConflictFailure, refuse, refusedFailure } from './failures.ts';
import { createGuestReader, type Extent } from './guest-reader.ts';
import type { HostRuntime } from './host-runtime.ts';
import { refuseBesideOtherWriters } from './other-writers.ts';
import { concernedOfGuest, waitFor } from './policy-gate.ts';
import { createPortNumberReservations } from './port-number-reservations.ts';
import { shownOf } from './show.ts';
import { sinceOperation } from './since-operation.ts';
import { planIdOf, refuseOtherPlan, refuseOtherState } from './state-tags.ts';
import type { TemporalOperations } from './temporal-operations.ts';
import type { Stage } from './windows.ts';

type Input<Name extends 'planTowards' | 'applySteps'> = Parameters<HostActivities[Name]>[0];

/** The activities that read and change one guest. */
export type GuestActivities = {
  planChange(input: ChangeToPlan, signal: AbortSignal): Promise<Planning>;
  planTowards(input: Input<'planTowards'>, signal: AbortSignal): Promise<Progress>;
  applySteps(
    input: Input<'applySteps'>,
    backend: ZvmBackend,
    cancellation: Cancellation,
    arrive: (stage: Stage) => Promise<void>,
  ): Promise<AppliedSteps>;
};

/** A plan that is older was made by a run that went on much later, or from a restored backup: z/VM may have gone on meanwhile. */
const FRESH_MS = 60_000;

/** Create the activities on the guests of one host. Those that read at the same time share a call, but a single one with no window. */
export function createGuestActivities(host: HostRuntime, operations: TemporalOperations): GuestActivities {
  const { planRecord } = host.backend;
  const ofSingles = createGuestReader(host.backend, { single: true });
  const ofWindows = createGuestReader(host.backend);
  const readerFor = ({ batch }: Target) => (isSingle(batch) ? ofSingles : ofWindows);
  const reservations = createPortNumberReservations();

  const progressOf = async (
    target: Target & { desired: Desired; followUps?: Step[] },
    signal: AbortSignal,
    { readAt = Date.now(), ...found }: Omit<Extent, 'directory'> & { readAt?: number } = {},
  ): Promise<Progress> => {
    const { guest, vswitches, capabilities } = await readerFor(target).read(target.userid, signal, {
      ...defined({ directory: target.directory, ...found }),
    });
    refuseLostPortNumbers(target.desired, guest, vswitches);
    const steps = plan(target.desired, guest, vswitches, planRecord, capabilities);
    const wrong = wrongVlans(target.desired.ports, guest, vswitches);
    return {
      steps: withFollowUps(steps, target.userid, host.rules, target.followUps ?? []),
      liveVdevs: liveVdevsOf(target.desired, guest, capabilities),
      readAt,
      ...defined({ wrongVlans: wrong.length === 0 ? undefined : wrong }),
    };
  };

  return {
    async planChange(input, signal) {
      const readAt = Date.now();
      const change = changeOf(input.change);
      // Neither rests on the other: this run alone writes to the guest, and Temporal's list is believed once the request's own operation is in it. Where one
      // fails, nobody hears of the other.
      const [context, place] = await Promise.all([
        readerFor(input).read(input.userid, signal, defined({ directory: input.directory })),
        placeOf(operations, input),
      ]);
      if (place !== undefined) return place;
      if (context.guest.absence === undefined)
        await refuseBesideOtherWriters(host, Context.current().client, input.userid, context);
      refuse(refuseOtherState(input.onlyIf?.state, () => shownOf(context, planRecord)));
      const avoided = new Set<Mac>(input.avoidMacs);
      // Nothing may be waited for between the choice of port numbers and their reservation.
      const vswitches = reservations.context(input.userid, context.vswitches);
      const decision = decide(change, {
        ...{ ...context, vswitches, avoidMacs: avoided },
        avoidPorts: new Set(input.avoidPorts),
      });
      if (!decision.accepted) throw refusedFailure(decision.refusals);
      const { desired, before, affected, refused } = decision;
      const steps = withFollowUps(
        plan(desired, context.guest, context.vswitches, planRecord, context.capabilities),
        input.userid,
        host.rules,
        [],
      );
      refuse(refuseIncapable(host.backend, steps));
      const planId = planIdOf(steps, basisOf(steps, affected, context.guest, context.vswitches));
      refuse(refuseOtherPlan(input.onlyIf?.plan, planId));
      const concerned = concernedOfGuest(input.userid, { steps, desired, before, affected });
      const wait = steps.length === 0 ? undefined : waitFor(host, planId, concerned, input.asks);
      reservations.keep(desired.ports);
      const liveVdevs = liveVdevsOf(desired, context.guest, context.capabilities);
      const planned = { desired, before, affected, refused, steps, plan: planId, liveVdevs, readAt };
      // A repair has no undo: its plan is no longer than it needs to be.
      const found = isWordChange(change) ? formerPorts(affected, before, context.guest) : undefined;
      const since = change.kind === 'restore' ? await sinceOperation(host, change.ports, context) : undefined;
      const left = leftNicdefs(desired, context.guest);
      const leaves = left.length === 0 ? undefined : left;
      return { kind: 'planned', ...planned, ...defined({ found, changedSince: since, leaves, wait }) };
    },
    planTowards: (target, signal) => progressOf(target, signal),
    async applySteps(input, backend, cancellation, arrive) {
      const { steps, readAt } = input;
      if (Date.now() - readAt > FRESH_MS) {
        const now = await progressOf(input, cancellation.stop);
        if (!isSamePlan(now.steps, steps)) return { reports: [], after: now, isOutdated: true };
        cancellation.stop.throwIfAborted();
      }
      const begunAt = Date.now();
      const { reports, recordedAt, readBack } = await applySteps(backend, steps, cancellation, {
        single: isSingle(input.batch),
        readsBack: { directory: input.directory === undefined },
        arrive,
      });
      const followUps = reports.length < steps.length ? followUpsOf([...input.followUps, ...steps]) : [];
      const found = defined({ recordSince: recordedAt, readBack, readAt: readBack && begunAt });
      // The steps are carried out: a reading that fails is tried again by itself.
      const after = await arrive('compare')
        .then(() => progressOf({ ...input, followUps }, cancellation.stop, found))
        .catch(() => undefined);
      return { reports, ...defined({ after }), isOutdated: false };
    },
  };
}

/** NICs of the running guest, but those that get their network at its next logon. */
function liveVdevsOf(desired: Desired, guest: GuestState, capabilities: HostCapabilities | undefined): Vdev[] {
  const waiting = waitingForLogon(desired, guest, capabilities);
  return guest.live.map((nic) => nic.vdev).filter((vdev) => !waiting.includes(vdev));
}

/** The change as it came by signal, in exact types; throws a `Refused` failure that names each field at fault. */
function changeOf(change: unknown): Change {
  const parsed = Change.safeParse(change);
  if (parsed.success) return parsed.data;
  throw refusedFailure(refusalsOf(parsed.error));
}

/** Why the request cannot be planned yet: its guest run has to know more, or others go first. Undefined when it is its turn. */
async function placeOf(
  operations: TemporalOperations,
  { host, userid, batch, operation, order }: ChangeToPlan,
): Promise<Exclude<Planning, PlannedChange> | undefined> {
  if (order === undefined || operation === undefined) return undefined;
  const { client } = Context.current();
  if (order.looksBackFrom !== undefined) {
    const run = { workflowId: guestWorkflowId(host, userid), runId: order.looksBackFrom };
    const earlierRuns = await operations.carriedOut(client, run, order.acceptedAt, isSingle(batch));
    if (earlierRuns !== undefined) return { kind: 'learns', earlierRuns };
  }
  if (!order.waitsForEarlier) return undefined;
  const earlier = await operations.earlier(client, userid, operation, order);
  return earlier.length === 0 ? undefined : { kind: 'waits', earlier };
}

function isSamePlan(one: Progress['steps'], other: Progress['steps']): boolean {
  return (
    one.length === other.length && one.every((step, index) => other[index] && stepId(step) === stepId(other[index]))
  );
}

/** Throws `AddressConflict` for a lost port number: another worker may have chosen it at the same moment, and z/VM gives it to the last caller. */
function refuseLostPortNumbers(desired: Desired, guest: GuestState, vswitches: readonly Vswitch[]): void {
  const lost = lostPortNumbers(desired, guest, vswitches);
  if (lost.length === 0) return;
  const refusals = lost.map(({ vswitch, portNumber, owner }) =>
    refusal('vswitch', `port ${portNumber} of ${vswitch} was given to ${owner} at the same time`, 'try again'),
  );
  throw addressConflictFailure({ macs: [], ports: [] }, refusals);
}
