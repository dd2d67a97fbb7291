import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  continueAsNew,
  executeChild,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { z } from 'zod';
import type { ReconcileHostInput, ReconcileHostRequest } from '../domain/operations/requests.ts';
import { describeRefusals } from '../domain/planning/refusal.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { searchAttributePairs, ZVM_DRIFTED, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { dhcpWorkflowId, managementNetworkWorkflowId, vswitchWorkflowId } from '../temporal-config/workflow-ids.ts';
import { allEnded } from './all-ended.ts';
import { childDetails } from './child-details.ts';
import type { ensureDhcp } from './ensure-dhcp.ts';
import type { ensureManagementNetwork } from './ensure-management-network.ts';
import type { ensureVswitch } from './ensure-vswitch.ts';
import { hostFailed, malformed, reasonOf } from './failures.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import type { Candidate, FailedGuest, HostActivities, Survey } from './host-activities.ts';
import { hasOnly, isRecord, isText, isTexts } from './incoming.ts';
import { accepting, checked, endingRun, outcomeOf } from './operation.ts';
import { listed } from './progress.ts';
import { setSearchAttributes } from './search-attributes.ts';
import { tellNeutron } from './tell-neutron.ts';
import { HEARTBEAT, READING_OF_A_HOST } from './timeouts.ts';

/** What a reconciliation found and did; guests are counted, of what is foreign the things. */
export type ReconcileHostResult = {
  host: string;
  dryRun: boolean;
  examined: number;
  inOrder: number;
  drifted: number;
  repaired: number;
  failed: number;
  foreign: number;
  /** Left to an operation that is in progress, or to a later run after failures. */
  skipped: number;
  /** Ports in whose row nobody has said a VSWITCH yet. */
  waiting: number;
  /** z/VM was started since the last run. */
  reIpled: boolean;
  /** What had drifted, or after a dry run what would be done; the first hundred. */
  drifts: string[];
  failures: FailedGuest[];
  foreignLines: string[];
  /** What nobody can read, and is left as it is; the first hundred. */
  findings: string[];
  /** Ports of which Neutron was told that they carry traffic, or do not. */
  reported: { up: number; down: number };
  /** Ports whose status Neutron could not be told, or was not because somebody else was at their guests. */
  unreported: PortId[];
  /** What the next run has to know: of no use to readers. */
  checkpoint: string;
};

type Last = { checkpoint: string; failures: FailedGuest[]; unreported?: PortId[] | undefined };

type Carried = Pick<ReconcileHostResult, 'drifted' | 'repaired' | 'drifts'> & {
  failures: FailedGuest[];
  checkpoint: string;
  reIpled: boolean;
};

const GUESTS_IN_WINDOW = 250;
const WINDOWS_AT_ONCE = 2;
const MOST_LINES = 100;
/** A repair that does not succeed soon is tried again by a later run. */
const GIVE_UP_AFTER_MINUTES = 2;
const LONGEST_BACKOFF_MS = 3_600_000;
const LONGEST_REASON = 300;
const MOST_SHOWN = 20;

/**
 * Compare the whole host with what is recorded, and repair what differs, guest by guest, each by its own `convergeGuest`. Guests with an
 * operation in progress are left to it; one that cannot be repaired does not stop the others, and is tried again later and later. What is
 * foreign is counted and left alone. Run by the Schedule `reconcile/<host>`, each run knows from the one before what was ours.
 */
export async function reconcileHost(
  input: z.input<typeof ReconcileHostInput>,
  carried?: Carried,
): Promise<ReconcileHostResult> {
  const queues = guestQueues();
  const request = await checked(() => accepting().acceptReconcileHost({ input }));
  setSearchAttributes({ host: request.host });
  const before = acceptedCarried(carried);
  const last = before ?? request.last ?? lastResult();
  const run = new Reconciliation(queues, request, before);
  const survey = await run.survey(last);
  await endingRun(async () => {
    await run.ensureHost(survey);
    await run.repair(survey.candidates);
    await run.report(survey);
  });
  if (survey.more && !request.dryRun && run.repaired > 0) {
    await continueAsNew<typeof reconcileHost>(input, run.carry(survey));
  }
  return run.result(survey);
}

/** The answer of the Schedule's run before this one; one that cannot be read is as none. */
function lastResult(): Last | undefined {
  const { lastResult: last } = workflowInfo();
  const [result]: unknown[] = Array.isArray(last) ? last : [last];
  return isLast(result) ? result : undefined;
}

function acceptedCarried(carried: unknown): Carried | undefined {
  if (carried !== undefined && !isCarried(carried)) throw malformed('carried');
  return carried;
}

function isLast(value: unknown): value is Last {
  return (
    isRecord(value) &&
    typeof value.checkpoint === 'string' &&
    isFailures(value.failures) &&
    hasOnly(value.unreported, isTexts)
  );
}

function isCarried(value: unknown): value is Carried {
  return (
    isRecord(value) &&
    typeof value.checkpoint === 'string' &&
    isFailures(value.failures) &&
    [value.drifted, value.repaired].every((count) => typeof count === 'number') &&
    Array.isArray(value.drifts)
  );
}

function isFailures(value: unknown): value is FailedGuest[] {
  return Array.isArray(value) && value.every((each) => isRecord(each) && isText(each.userid));
}

class Reconciliation {
  repaired = 0;
  private drifted = 0;
  private skipped = 0;
  /** Guests that were left to an operation in progress. */
  private readonly busy = new Set<string>();
  private reported = { up: 0, down: 0 };
  private unreported: PortId[] = [];
  private readonly drifts: string[];
  private failures: FailedGuest[] = [];
  private failedBefore: readonly FailedGuest[] = [];
  private reIpled: boolean;
  private readonly queues: GuestQueues;
  private readonly request: ReconcileHostRequest;

  constructor(queues: GuestQueues, request: ReconcileHostRequest, carried: Carried | undefined) {
    this.queues = queues;
    this.request = request;
    this.drifted = carried?.drifted ?? 0;
    this.repaired = carried?.repaired ?? 0;
    this.drifts = [...(carried?.drifts ?? [])];
    this.reIpled = carried?.reIpled ?? false;
  }

  async survey(last: Last | undefined): Promise<Survey> {
    const { host, intervalSeconds, sweepSeconds } = this.request;
    setCurrentDetails(`**${host}** is being read and compared with what is recorded.`);
    const { surveyHost } = proxyActivities<HostActivities>({
      summary: `read ${host} and compare`,
      startToCloseTimeout: READING_OF_A_HOST,
      scheduleToCloseTimeout: READING_OF_A_HOST,
      heartbeatTimeout: HEARTBEAT,
      retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: 5 },
    });
    this.failedBefore = last?.failures ?? [];
    const survey = await readOrTell(host, () =>
      surveyHost({
        host,
        intervalSeconds,
        sweepSeconds,
        now: Date.now(),
        failed: [...this.failedBefore],
        unreported: [...(last?.unreported ?? [])],
        ...(last?.checkpoint === undefined ? {} : { checkpoint: last.checkpoint }),
      }),
    );
    this.reIpled ||= survey.reIpled;
    this.skipped = survey.skipped;
    this.failures = survey.failed.map((failed) => this.withBackoff(failed));
    return survey;
  }

  /** VSWITCHes of the configuration, management network, DHCP node: before the guests, who need them. */
  async ensureHost({ vswitches, managementNetwork, dhcp }: Survey): Promise<void> {
    const { host, dryRun } = this.request;
    for (const { vswitch, lines, hadRdevs } of vswitches) {
      this.drift(lines);
      await this.child(`VSWITCH ${vswitch}`, () =>
        executeChild<typeof ensureVswitch>('ensureVswitch', {
          workflowId: vswitchWorkflowId(host, vswitch),
          args: [{ host, vswitch, dryRun, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES, ...(hadRdevs && { hadRdevs }) }],
          staticSummary: `ensure VSWITCH ${vswitch} on ${host}`,
          staticDetails: childDetails({ host }),
          typedSearchAttributes: searchAttributePairs({ host, vswitches: [vswitch] }),
        }),
      );
    }
    if (managementNetwork) await this.ensureManagementNetwork();
    if (!dhcp) return;
    this.drift(['the DHCP node has not the ports that the configuration gives it']);
    await this.child('DHCP node', () =>
      executeChild<typeof ensureDhcp>('ensureDhcp', {
        workflowId: dhcpWorkflowId(host),
        args: [{ host, dryRun, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES }],
        staticSummary: `give the DHCP node of ${host} its NICs`,
        staticDetails: childDetails({ host }),
        typedSearchAttributes: searchAttributePairs({ host }),
      }),
    );
  }

  private async ensureManagementNetwork(): Promise<void> {
    const { host, dryRun } = this.request;
    this.drift(['the management node has no NIC on the management network']);
    await this.child('management network', () =>
      executeChild<typeof ensureManagementNetwork>('ensureManagementNetwork', {
        workflowId: managementNetworkWorkflowId(host),
        args: [{ host, dryRun, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES }],
        staticSummary: `give the management node its NIC for ${host}`,
        staticDetails: childDetails({ host }),
        typedSearchAttributes: searchAttributePairs({ host }),
      }),
    );
  }

  /** Guests in windows that share xCAT's calls. */
  async repair(candidates: readonly Candidate[]): Promise<void> {
    const windows = Array.from({ length: Math.ceil(candidates.length / GUESTS_IN_WINDOW) }, (_, index) =>
      candidates.slice(index * GUESTS_IN_WINDOW, (index + 1) * GUESTS_IN_WINDOW),
    );
    const work = async () => {
      for (let next = windows.shift(); next !== undefined; next = windows.shift()) {
        const batch = { window: `${workflowInfo().runId}/${windows.length}`, size: next.length };
        await allEnded(next.map((candidate) => this.repairGuest(candidate, batch)));
      }
    };
    await allEnded(Array.from({ length: WINDOWS_AT_ONCE }, work));
  }

  private async repairGuest(
    { userid, change, lines, directory }: Candidate,
    batch: { window: string; size: number },
  ): Promise<void> {
    const { host, dryRun } = this.request;
    const limits = { giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES, keepOnFailure: true, dryRun };
    try {
      const run = await this.queues.runIfFree(
        { host, userid, change, batch, ...limits, ...(directory === undefined ? {} : { directory }) },
        repairing(userid, lines, dryRun),
      );
      if (run === undefined) {
        this.skipped += 1;
        this.busy.add(userid);
      } else if (run.steps.length > 0) {
        this.drifted += 1;
        if (!dryRun) this.repaired += 1;
        this.drift(dryRun ? run.steps : lines);
      }
      for (const { portId, refusals } of run?.refused ?? [])
        this.failures.push(this.withBackoff(failedNow(portId, describeRefusals(refusals))));
    } catch (error) {
      if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
      this.drifted += 1;
      this.drift(lines);
      this.fail(userid, error);
    }
    this.show();
  }

  /** Tell Neutron what has become of its ports: ACTIVE only what z/VM has as it should be. */
  async report({ statuses = [] }: Survey): Promise<void> {
    if (this.request.dryRun || statuses.length === 0) return;
    const failed = new Set(this.failures.map(({ userid }) => userid));
    const known = statuses.filter(({ userid }) => userid === undefined || !this.busy.has(userid));
    const told = await tellNeutron(this.request.host, known, (status) => {
      return !failed.has(status.portId) && !(status.userid !== undefined && failed.has(status.userid));
    });
    this.reported = { up: told.up.length, down: told.down.length };
    // Somebody else is at these guests: the next run sees what has become of them, and tells it.
    const left = statuses.filter((status) => !known.includes(status)).map(({ portId }) => portId);
    this.unreported = [...told.failed, ...left];
  }

  carry(survey: Survey): Carried {
    const { drifted, repaired, drifts, failures, reIpled } = this;
    return { drifted, repaired, drifts, failures, reIpled, checkpoint: survey.checkpoint };
  }

  result(survey: Survey): ReconcileHostResult {
    const { host, dryRun } = this.request;
    const { examined, foreign, waiting, foreignLines, findings = [], checkpoint } = survey;
    const { drifted, repaired, skipped, drifts, reIpled, reported, unreported } = this;
    const failures = [...new Map(this.failures.map((failed) => [failed.userid, failed])).values()];
    const failed = failures.length;
    const inOrder = Math.max(0, examined - drifted - skipped);
    upsertSearchAttributes([
      {
        key: ZVM_OUTCOME,
        value: failed > 0 ? 'failed' : dryRun ? 'planned' : drifts.length === 0 ? 'unchanged' : 'changed',
      },
      { key: ZVM_DRIFTED, value: drifts.length === 0 ? 0 : Math.max(1, drifted) },
    ]);
    const counts = { examined, inOrder, drifted, repaired, failed, foreign, skipped, waiting };
    setCurrentDetails(detailsOf(host, counts, { drifts, failures, foreignLines, findings }));
    return {
      host,
      dryRun,
      ...counts,
      reIpled,
      drifts,
      failures,
      foreignLines,
      findings,
      reported,
      unreported,
      checkpoint,
    };
  }

  private async child(what: string, run: () => Promise<{ steps: string[] }>): Promise<void> {
    const before = this.failedBefore.find((other) => other.userid === what);
    if (before !== undefined && before.notBefore > Date.now()) return;
    try {
      await run();
    } catch (error) {
      if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
      // Somebody does it already.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return;
      this.fail(what, error);
    }
  }

  private fail(userid: string, error: unknown): void {
    const reason = `${outcomeOf(error)}: ${reasonOf(error)}`.slice(0, LONGEST_REASON);
    this.failures.push(this.withBackoff(failedNow(userid, reason)));
  }

  /** Later and later: after the interval, then twice that, up to an hour. A failure of a run before that is not due yet stays as it is. */
  private withBackoff(failed: FailedGuest): FailedGuest {
    const before = this.failedBefore.find((other) => other.userid === failed.userid);
    if (before !== undefined && before.notBefore > Date.now()) return { ...before, reason: failed.reason };
    const attempts = (before?.attempts ?? 0) + 1;
    if (attempts === 1)
      log.warn('not as it should be, and not to be repaired now', { what: failed.userid, reason: failed.reason });
    const pause = Math.min(LONGEST_BACKOFF_MS, this.request.intervalSeconds * 1_000 * 2 ** Math.min(attempts, 10));
    return { ...failed, attempts, notBefore: Date.now() + pause };
  }

  private drift(lines: readonly string[]): void {
    this.drifts.push(...lines.slice(0, Math.max(0, MOST_LINES - this.drifts.length)));
  }

  private show(): void {
    setCurrentDetails(
      `**${this.request.host}**: ${this.repaired} guests repaired, ${this.failures.length} failed so far.`,
    );
  }
}

/** The host's state; a host that can not be read makes the run fail, and say so where operators look. */
async function readOrTell<Result>(host: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeOf(error) }]);
    if (isCancellation(error)) throw error;
    const failure = hostFailed({ host }, `read ${host} and compare`, error);
    setCurrentDetails(`**${host}** can not be reconciled.\n\n${failure.message}`);
    throw failure;
  }
}

/** What a repair is for, as far as a line of the list takes it. */
function repairing(userid: string, lines: readonly string[], dryRun: boolean): string {
  const [first = '', second] = lines;
  const what = `${dryRun ? 'plan the repair' : 'repair'}${first.includes(userid) ? '' : ` ${userid}`}: ${first}`;
  const more = lines.length > 2 ? `; and ${lines.length - 2} more` : '';
  return `${what}${second === undefined ? '' : `; ${second}`}${more}`.slice(0, 190);
}

function failedNow(userid: string, reason: string): FailedGuest {
  return { userid, reason: reason.slice(0, LONGEST_REASON), attempts: 1, notBefore: Date.now() };
}

function detailsOf(
  host: string,
  counts: Record<string, number>,
  lists: Pick<ReconcileHostResult, 'drifts' | 'failures' | 'foreignLines' | 'findings'>,
): string {
  const { drifts, failures, foreignLines, findings } = lists;
  const { examined = 0, inOrder = 0, drifted = 0, repaired = 0, failed = 0, skipped = 0, waiting = 0 } = counts;
  const parts = [
    `${inOrder} of ${examined} guests in order`,
    ...(drifted > 0 ? [`${drifted} had drifted`, `${repaired} repaired`] : []),
    ...(failed > 0 ? [`${failed} could not be repaired`] : []),
    ...(skipped > 0 ? [`${skipped} left to an operation in progress or to a later run`] : []),
    ...(waiting > 0 ? [`${waiting} ports without a VSWITCH yet`] : []),
  ];
  const bad = failures.map(({ userid, reason, attempts, notBefore }) => {
    const again = `tried ${attempts} time(s), again after ${new Date(notBefore).toISOString()}`;
    return `${userid}: ${reason} (${again})`;
  });
  return [
    `**${host}**: ${parts.join(', ')}.`,
    ...listed('Failed', bad, MOST_SHOWN),
    ...listed('Drift', drifts, MOST_SHOWN),
    ...listed('Not ours, left alone', foreignLines, MOST_SHOWN),
    ...listed('Not understood, left as it is', findings, MOST_SHOWN),
  ].join('\n\n');
}
