import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { searchTermsOfPorts } from '../domain/guest/search-terms.ts';
import type { Batch } from '../domain/operations/batch.ts';
import type { InputOf, RequestOf } from '../domain/operations/operations.ts';
import type { RestoredPort } from '../domain/operations/requests.ts';
import { describeRefusals } from '../domain/planning/refusal.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { approvals } from './approval.ts';
import { reasonOf } from './failures.ts';
import { comesTo, type RequestResult, type RequestStanding } from './guest-queue-messages.ts';
import { type GuestChange, type GuestQueues, guestQueues } from './guest-queues.ts';
import { addAsked, governedBy, inRounds, waitingWork } from './guest-rounds.ts';
import { acceptRequest, endingRun, outcomeOf } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';
import { type CarriedWiring, carriedWiring, type GuestPorts, type WiredPort } from './wiring-state.ts';

/** Ports by outcome so far, out of `total`; `awaits`: the id of the plan that a decision is asked for. */
export type WiringProgress = { total: number; awaits?: string } & Record<WiredPort['outcome'], number>;

/** The query for the progress of a run. */
export const wiringProgress = defineQuery<WiringProgress>('progress');

export type WirePortsResult = {
  /** True after a dry run: nothing was done, and the outcomes are those that would be. */
  dryRun?: true;
  wired: number;
  unchanged: number;
  refused: number;
  failed: number;
  /** In the order in which their guests were finished. */
  ports: WiredPort[];
};

// A reason ends with the advice, so it is not cut short lightly. 2,000 reasons of this length fit well into a result.
const LONGEST_REASON = 450;

/**
 * Wire many ports of many guests: each guest by its own `convergeGuest`, in windows whose guests share xCAT's calls. Ports are independent: the
 * result names each refused or failed one with its reason. Safe to repeat: a port that is wired stays as it is. Where the host has a policy, all guests
 * are planned before the first is changed, and one decision is asked for all. `carried` is the state of the run that this one continues.
 */
export async function wirePorts(input: InputOf<'wirePorts'>, carried?: CarriedWiring): Promise<WirePortsResult> {
  const queues = guestQueues();
  const approving = approvals();
  const before = carriedWiring(carried);
  let total = before?.done.length ?? 0;
  let coming: Set<string> | undefined;
  let awaits: string | undefined;
  setHandler(comesTo, (userid: unknown) => coming?.has(String(userid)) ?? true);
  setHandler(wiringProgress, () => ({ total, ...countsOf(state.done), ...defined({ awaits }) }));
  let state = before ?? { done: [], guests: 0, isPlanning: false, next: [], consents: {} };
  const { isGoverned = false, ...request } = await acceptRequest('wirePorts', input);
  const guests = byGuest(request.ports);
  state = before ?? { ...state, guests: guests.length, isPlanning: isGoverned && !request.dryRun };
  const { done } = state;
  total += [...guests, ...state.next].flatMap(({ ports }) => ports).length;
  addSearchAttributes({ host: request.host, ...searchTermsOfPorts([...request.ports, ...done]) });
  let held = '';
  const show = () => {
    const word = state.isPlanning ? 'are planned: ' : '';
    setCurrentDetails(`${word}**${done.length}** of ${total} ports on **${request.host}**${held}${failuresOf(done)}`);
  };
  const showHeld = (where: RequestStanding) => {
    if (where.kind !== 'held') return;
    if (held === '') upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'held' }]);
    held = `, and waits for the release of the host: ${where.why}`;
    show();
  };
  const left = await endingRun(() =>
    inRounds(guests, state, {
      begins: (round) => {
        coming = new Set([...round, ...state.next].map(({ userid }) => userid));
        show();
      },
      work: async (guest, batch) => {
        if (state.isPlanning) await planGuest(queues, request, guest, batch, state);
        else {
          done.push(...(await wireGuest(queues, request, guest, { batch, showHeld }, state)));
          if (held !== '') upsertSearchAttributes([{ key: ZVM_OUTCOME, value: null }]);
          held = '';
          coming?.delete(guest.userid);
        }
        show();
      },
      decide: async (asked) => {
        coming = new Set();
        const work = waitingWork(asked, `wire ${total} ports on ${request.host}`);
        awaits = work.plan;
        return approving.wait(work).finally(() => {
          awaits = undefined;
        });
      },
    }),
  );
  const ports = left.flatMap((guest) => guest.ports);
  if (ports.length > 0) await continueAsNew<typeof wirePorts>({ ...request, ports }, state);
  const result = summed(done, request.dryRun);
  upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeAsText(result) }]);
  const { wired, unchanged, refused, failed } = result;
  const word = request.dryRun ? 'to be wired' : 'wired';
  const counts = `${wired} ${word}, ${unchanged} unchanged, ${refused} refused, ${failed} failed`;
  setCurrentDetails(`**${total}** ports on **${request.host}**: ${counts}.${failuresOf(done)}`);
  return result;
}

function byGuest(ports: RequestOf<'wirePorts'>['ports']): GuestPorts[] {
  return [...Map.groupBy(ports, (port) => port.userid)].map(([userid, ofGuest]) => ({ userid, ports: ofGuest }));
}

/** A guest that cannot be planned fails when it is wired, where its failure is told. */
async function planGuest(
  queues: GuestQueues,
  request: RequestOf<'wirePorts'>,
  guest: GuestPorts,
  batch: Batch,
  state: CarriedWiring,
): Promise<void> {
  state.next.push(guest);
  try {
    const planning = { ...requestTo(request, guest, batch), dryRun: true, comesAgain: true as const };
    const { result } = await queues.request(planning, `plan ${summaryOf(guest)}`, {
      governed: governedBy(state, guest.userid),
    });
    if (result.wait !== undefined) addAsked(state, guest.userid, result, result.wait);
  } catch (error) {
    if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
  }
}

async function wireGuest(
  queues: GuestQueues,
  request: RequestOf<'wirePorts'>,
  guest: GuestPorts,
  { batch, showHeld }: { batch: Batch; showHeld(where: RequestStanding): void },
  state: CarriedWiring,
): Promise<WiredPort[]> {
  const { userid, ports } = guest;
  try {
    const governed = governedBy(state, userid);
    const answer = await queues.request(requestTo(request, guest, batch), summaryOf(guest), { governed, showHeld });
    if (answer.kind === 'done') return reportOf(userid, answer.result);
    addAsked(state, userid, answer.result, answer.wait);
    state.next.push(guest);
    return [];
  } catch (error) {
    if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
    const outcome = outcomeOf(error) === 'refused' ? 'refused' : 'failed';
    return ports.map(({ portId }) => ({ userid, portId, outcome, reason: shortened(reasonOf(error)) }));
  }
}

function requestTo(
  { host, live, giveUpAfterMinutes, keepOnFailure, dryRun }: RequestOf<'wirePorts'>,
  { userid, ports: requests }: GuestPorts,
  batch: Batch,
): GuestChange {
  const ports = requests.map(({ userid: _userid, ...port }) => port);
  const change = { kind: 'wirePorts' as const, ports, live };
  return { host, userid, change, giveUpAfterMinutes, keepOnFailure, dryRun, batch };
}

function summaryOf({ userid, ports }: GuestPorts): string {
  return `wire ${ports.length === 1 ? `port ${ports[0]?.portId}` : `${ports.length} ports`} of ${userid}`;
}

function reportOf(userid: Userid, { changed, steps, ports, refused, undo = [] }: RequestResult): WiredPort[] {
  // A dry run changes nothing, but it has steps.
  const outcome = changed || steps.length > 0 ? ('wired' as const) : ('unchanged' as const);
  return [
    ...ports.map(({ portId, vdev, mac }) => ({
      userid,
      portId,
      outcome,
      vdev,
      mac,
      ...wayBack(undo.find((port) => port.portId === portId)),
    })),
    ...refused.map(({ portId, refusals }) => ({
      userid,
      portId,
      outcome: 'refused' as const,
      reason: shortened(describeRefusals(refusals)),
    })),
  ];
}

function wayBack(port: RestoredPort | undefined): Pick<WiredPort, 'before' | 'left'> {
  if (port === undefined) return {};
  const { before, left } = port;
  return { ...(before === 'absent' ? {} : { before }), ...defined({ left }) };
}

function summed(ports: WiredPort[], dryRun: boolean): WirePortsResult {
  return { ...(dryRun ? { dryRun } : {}), ...countsOf(ports), ports };
}

function countsOf(ports: readonly WiredPort[]): Record<WiredPort['outcome'], number> {
  const count = (outcome: WiredPort['outcome']) => ports.filter((port) => port.outcome === outcome).length;
  return { wired: count('wired'), unchanged: count('unchanged'), refused: count('refused'), failed: count('failed') };
}

function outcomeAsText({ failed, refused, wired, dryRun }: WirePortsResult): string {
  if (failed > 0) return 'failed';
  if (refused > 0) return 'refused';
  if (dryRun) return 'planned';
  return wired > 0 ? 'changed' : 'unchanged';
}

function failuresOf(done: readonly WiredPort[]): string {
  const bad = done.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed');
  if (bad.length === 0) return '';
  const lines = bad
    .slice(0, 20)
    .map(({ userid, portId, outcome, reason }) => `- ${userid} ${portId}: ${outcome}: ${reason}`);
  return `\n\n${bad.length} not wired:\n\n${lines.join('\n')}`;
}

function shortened(reason: string): string {
  return reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON)}…`;
}
