import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { searchTermsOfPorts } from '../domain/guest/search-terms.ts';
import type { InputOf, RequestOf } from '../domain/operations/operations.ts';
import type { RestoredPort } from '../domain/operations/requests.ts';
import { describeRefusals } from '../domain/planning/refusal.ts';
import type { Mac } from '../domain/port/mac.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { malformed, reasonOf } from './failures.ts';
import { comesTo, type RequestResult, type RequestStanding } from './guest-queue-messages.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import type { Batch } from './guest-request.ts';
import { GuestWindows } from './guest-windows.ts';
import { acceptRequest, endingRun, outcomeOf } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';
import { isRecord, isText } from './untrusted-input.ts';

/** The outcome of one port. */
export type WiredPort = {
  userid: Userid;
  portId: PortId;
  /** After a dry run, the outcome that it would have. */
  outcome: 'wired' | 'unchanged' | 'refused' | 'failed';
  vdev?: Vdev;
  mac?: Mac | undefined;
  /** The reason why it was refused or failed. */
  reason?: string;
  /** The port as an undo needs it, of a wired one; `before` is absent of a port that was not recorded. */
  before?: RestoredPort['before'];
  left?: string;
};

/** Ports by outcome so far, out of `total`. */
export type WiringProgress = { total: number } & Record<WiredPort['outcome'], number>;

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

type GuestPorts = { userid: Userid; ports: RequestOf<'wirePorts'>['ports'] };

/**
 * Wire many ports of many guests: each guest by its own `convergeGuest`, in windows whose guests share xCAT's calls. Ports are independent: the
 * result names each refused or failed one with its reason. Safe to repeat: a port that is wired stays as it is. `carried` holds the finished
 * ports when a run continues as new.
 */
export async function wirePorts(input: InputOf<'wirePorts'>, carried?: WiredPort[]): Promise<WirePortsResult> {
  const queues = guestQueues();
  const done = doneBefore(carried);
  let total = done.length;
  let coming: Set<string> | undefined;
  setHandler(comesTo, (userid: unknown) => coming?.has(String(userid)) ?? true);
  setHandler(wiringProgress, () => ({ total, ...countsOf(done) }));
  const request = await acceptRequest('wirePorts', input);
  total += request.ports.length;
  addSearchAttributes({ host: request.host, ...searchTermsOfPorts([...request.ports, ...done]) });
  coming = new Set(request.ports.map((port) => port.userid));
  const windows = new GuestWindows(byGuest(request.ports));
  let held = '';
  const show = () =>
    setCurrentDetails(`**${done.length}** of ${total} ports on **${request.host}**${held}${failuresOf(done)}`);
  const showStanding = (where: RequestStanding) => {
    if (where.kind !== 'held') return;
    if (held === '') upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'held' }]);
    held = `, and waits for the release of the host: ${where.why}`;
    show();
  };
  show();
  await endingRun(() =>
    windows.run(
      async (guest, batch) => {
        done.push(...(await wireGuest(queues, request, guest, { batch, show: showStanding })));
        if (held !== '') upsertSearchAttributes([{ key: ZVM_OUTCOME, value: null }]);
        held = '';
        coming?.delete(guest.userid);
        show();
      },
      () => workflowInfo().continueAsNewSuggested,
    ),
  );
  const left = windows.left.flatMap((guest) => guest.ports);
  if (left.length > 0) await continueAsNew<typeof wirePorts>({ ...request, ports: left }, done);
  const result = summed(done, request.dryRun);
  upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeAsText(result) }]);
  const { wired, unchanged, refused, failed } = result;
  const word = request.dryRun ? 'to be wired' : 'wired';
  const counts = `${wired} ${word}, ${unchanged} unchanged, ${refused} refused, ${failed} failed`;
  setCurrentDetails(`**${total}** ports on **${request.host}**: ${counts}.${failuresOf(done)}`);
  return result;
}

function doneBefore(carried: unknown): WiredPort[] {
  if (carried === undefined) return [];
  const isDone = (port: unknown) =>
    isRecord(port) && isText(port.portId) && isText(port.userid) && isText(port.outcome);
  if (!Array.isArray(carried) || !carried.every(isDone)) throw malformed('done');
  return [...carried];
}

function byGuest(ports: RequestOf<'wirePorts'>['ports']): GuestPorts[] {
  return [...Map.groupBy(ports, (port) => port.userid)].map(([userid, ofGuest]) => ({ userid, ports: ofGuest }));
}

async function wireGuest(
  queues: GuestQueues,
  { host, live, giveUpAfterMinutes, keepOnFailure, dryRun }: RequestOf<'wirePorts'>,
  { userid, ports: requests }: GuestPorts,
  { batch, show }: { batch: Batch; show(where: RequestStanding): void },
): Promise<WiredPort[]> {
  const ports = requests.map(({ userid: _userid, ...port }) => port);
  const change = { kind: 'wirePorts' as const, ports, live };
  const summary = `wire ${ports.length === 1 ? `port ${ports[0]?.portId}` : `${ports.length} ports`} of ${userid}`;
  try {
    const guest = { host, userid, change, giveUpAfterMinutes, keepOnFailure, dryRun, batch };
    return reportOf(userid, await queues.run(guest, summary, { showHeld: show }));
  } catch (error) {
    if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
    const outcome = outcomeOf(error) === 'refused' ? 'refused' : 'failed';
    return ports.map(({ portId }) => ({ userid, portId, outcome, reason: shortened(reasonOf(error)) }));
  }
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
