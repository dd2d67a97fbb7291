import { decide } from '../network/decision.ts';
import type { Desired } from '../network/desired.ts';
import { withFollowUps } from '../network/follow-ups.ts';
import type { GuestState } from '../network/guest.ts';
import type { Mac } from '../network/mac.ts';
import { plan } from '../network/planner.ts';
import { lostPortNumbers } from '../network/port-number-plan.ts';
import { type Refusal, refusal } from '../network/refusal.ts';
import type { Vswitch } from '../network/vswitch.ts';
import type { HostActivities, Target } from '../workflows/host-activities.ts';
import { applySteps } from './apply-steps.ts';
import { planDhcp } from './dhcp.ts';
import { refusedFailure, takenFailure } from './failures.ts';
import { createGatherer } from './gathering.ts';
import { createGuestReader } from './guest-reader.ts';
import type { HostRuntime } from './host-runtime.ts';
import { applyManagement, planManagement } from './management-network.ts';
import { readNeutron, reportPorts } from './neutron.ts';
import { createPortNumberReservations } from './port-number-reservations.ts';
import { acceptingActivities } from './requests.ts';
import { showGuest, showHost, shownOf } from './show.ts';
import { planIdOf, refuseOtherPlan, refuseOtherState } from './state-tags.ts';
import { type Stopping, seenThrough, stayAlive } from './stay-alive.ts';
import { surveyHost } from './survey.ts';
import { applyVswitchSteps, planVswitchChange, readVswitches } from './vswitches.ts';

/** The activities of one host's worker. They are refused when a workflow of another host is started on this host's task queue. */
export function createHostActivities(host: HostRuntime): HostActivities {
  const reader = createGuestReader(host);
  const gatherer = createGatherer();
  const reservations = createPortNumberReservations();

  const arrive = async (target: Omit<Target, 'userid'>, stage: string) => {
    if (target.host !== host.rules.host) {
      const reason = `this is the task queue of ${host.rules.host}, but the request is for ${target.host}`;
      throw refusedFailure([refusal('host', reason, `start it on task queue zvm-${target.host}`)]);
    }
    await gatherer.arrive(stage, target.together);
  };
  const on = <Result>(target: Omit<Target, 'userid'>, stage: string, work: (signal: AbortSignal) => Promise<Result>) =>
    stayAlive(async (signal) => {
      await arrive(target, stage);
      return work(signal);
    });
  const changing = <Result>(
    target: Omit<Target, 'userid'>,
    stage: string,
    work: (stopping: Stopping) => Promise<Result>,
  ) =>
    seenThrough(async (stopping) => {
      await arrive(target, stage);
      stopping.stop.throwIfAborted();
      return work(stopping);
    });

  return {
    ...acceptingActivities(host.rules.host),
    planChange: (input) =>
      on(input, 'plan', async (signal) => {
        const around = await reader.read(input.userid, signal, input.directory);
        refuse(refuseOtherState(input.onlyIf?.state, () => shownOf(around)));
        const avoided = new Set<Mac>(input.avoidMacs);
        // Nothing may be waited for between the choice of port numbers and their reservation.
        const vswitches = reservations.around(input.userid, around.vswitches);
        const decision = decide(input.change, { ...around, vswitches, avoidMacs: avoided });
        if (!decision.accepted) throw refusedFailure(decision.refusals);
        const { desired, before, affected, refused } = decision;
        const steps = withFollowUps(plan(desired, around.guest, around.vswitches), input.userid, host.rules, []);
        const planId = planIdOf(steps);
        refuse(refuseOtherPlan(input.onlyIf?.plan, planId));
        reservations.keep(desired.ports);
        const liveVdevs = around.guest.live.map((nic) => nic.vdev);
        return { desired, before, affected, refused, steps, plan: planId, liveVdevs };
      }),
    planTowards: (input) =>
      on(input, 'compare', async (signal) => {
        const { guest, vswitches } = await reader.read(input.userid, signal, input.directory);
        refuseLostPortNumbers(input.desired, guest, vswitches);
        const steps = plan(input.desired, guest, vswitches);
        return {
          steps: withFollowUps(steps, input.userid, host.rules, input.owed ?? []),
          liveVdevs: guest.live.map((nic) => nic.vdev),
        };
      }),
    applySteps: ({ steps, ...target }) =>
      changing(target, 'apply', (stopping) =>
        applySteps(host, steps, stopping, (stage) => gatherer.arrive(stage, target.together)),
      ),
    surveyHost: (input) => on(input, 'survey', (signal) => surveyHost(host, input, signal)),
    readNeutron: (input) => on(input, 'read Neutron', () => readNeutron(host, input)),
    reportPorts: (input) => on(input, 'report to Neutron', (signal) => reportPorts(host, input, signal)),
    planDhcp: (input) => on(input, 'plan DHCP', (signal) => planDhcp(host, signal)),
    planManagementNetwork: (input) => on(input, 'plan management network', (signal) => planManagement(host, signal)),
    applyManagementNetwork: (input) =>
      changing(input, 'apply management network', ({ leave }) => applyManagement(host, input.steps, leave)),
    showHost: (input) => on(input, 'show host', () => showHost(host)),
    showGuest: (input) => on(input, 'show guest', () => showGuest(host, input.userid)),
    readVswitches: (input) => on(input, 'read VSWITCHes', (signal) => readVswitches(host, signal)),
    planVswitch: (input) => on(input, 'plan VSWITCH', (signal) => planVswitchChange(host, input, signal)),
    applyVswitch: (input) =>
      changing(input, 'apply VSWITCH', ({ leave }) => applyVswitchSteps(host, input.steps, leave)),
  };
}

function refuse(refusals: Refusal[]): void {
  if (refusals.length > 0) throw refusedFailure(refusals);
}

/** Another worker may have chosen the same number at the same moment, and z/VM gives it to who asks last. */
function refuseLostPortNumbers(desired: Desired, guest: GuestState, vswitches: readonly Vswitch[]): void {
  const lost = lostPortNumbers(desired, guest, vswitches);
  if (lost.length === 0) return;
  const refusals = lost.map(({ vswitch, portNumber, owner }) =>
    refusal('vswitch', `port ${portNumber} of ${vswitch} was given to ${owner} at the same time`, 'try again'),
  );
  throw takenFailure([], refusals);
}
