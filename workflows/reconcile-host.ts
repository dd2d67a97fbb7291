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
} from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { concerns, subjectKey, subjectsOf, subjectText } from '../domain/drift/repair-subject.ts';
import type { Batch } from '../domain/operations/batch.ts';
import type { InputOf } from '../domain/operations/operations.ts';
import type { RepairFailure, RepairSubject } from '../domain/operations/requests.ts';
import { describeRefusals } from '../domain/planning/refusal.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { dhcpWorkflowId, managementNetworkWorkflowId, vswitchWorkflowId } from '../temporal-config/names.ts';
import { ZVM_DRIFTED, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { HEARTBEAT, READING_OF_A_HOST } from './activity-proxies.ts';
import type { ensureDhcp } from './ensure-dhcp.ts';
import type { ensureManagementNetwork } from './ensure-management-network.ts';
import { applicationFailureOf, hostFailed, reasonOf } from './failures.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import { GuestWindows } from './guest-windows.ts';
import type { Candidate, HostActivities, LastRun, Survey } from './host-activities.ts';
import { endingRun, outcomeOf } from './operation.ts';
import { reportStatuses } from './port-statuses.ts';
import {
  acceptedCarried,
  type Carried,
  lastRun,
  type ReconcileHostResult,
  reconciliationDetails,
  withoutLast,
} from './reconciliation-result.ts';
import { addSearchAttributes, asChild } from './run-visibility.ts';
import { isRecord, isText } from './untrusted-input.ts';
import type { ensureVswitch } from './vswitch-operation.ts';

const MOST_LINES = 100;
/** A later run retries a repair that does not succeed in this time. */
const GIVE_UP_AFTER_MINUTES = 2;
const LONGEST_BACKOFF_MS = 3_600_000;
const LONGEST_REASON = 300;
const NO_DHCP_PORTS = 'the DHCP node lacks configured ports';
const NO_MANAGEMENT_NIC = 'the management node has no NIC on the management network';
/** Temporal takes no result of more than 2 MB. A failure that is left out is one that the next run tries again at once. */
const MOST_FAILURES = 2_000;

/**
 * Compare the whole host with its record and repair the drift, guest by guest, each by its own `convergeGuest`. A guest with an operation in
 * progress is left to it. A guest that cannot be repaired does not stop the others; later runs retry it with a growing pause. Foreign things are
 * counted and left alone. The Schedule `reconcile/<host>` starts it; each run learns from the last which NICs were ours.
 */
export async function reconcileHost(input: InputOf<'reconcileHost'>, carried?: Carried): Promise<ReconcileHostResult> {
  const queues = guestQueues();
  const before = acceptedCarried(carried);
  const last = lastRun(input, before);
  const survey = await surveyed(input, last, before !== undefined);
  const { request } = survey;
  const run = new Reconciliation(queues, survey, last, before);
  await endingRun(async () => {
    if (survey.reportsOnly === undefined || request.dryRun) {
      await run.ensureHost(survey);
      await run.repair(survey.candidates);
    } else run.observe(survey);
    await run.report(survey);
  });
  if (survey.more && !request.dryRun && run.repaired > 0) {
    await continueAsNew<typeof reconcileHost>(input, run.carry(survey));
  }
  return run.result(survey);
}

class Reconciliation {
  repaired = 0;
  private drifted = 0;
  private skipped: number;
  /** Guests left to an operation in progress, or not repaired. */
  private readonly busy = new Set<string>();
  private reported = { up: 0, down: 0 };
  private unreported: PortId[] = [];
  private readonly drifts: string[];
  private failures: RepairFailure[];
  /** The failures of the last run, by the key of their subject. */
  private readonly failedBefore: ReadonlyMap<string, RepairFailure>;
  private readonly reIpled: boolean;
  private readonly queues: GuestQueues;
  private readonly request: Survey['request'];

  constructor(queues: GuestQueues, survey: Survey, last: LastRun | undefined, carried: Carried | undefined) {
    this.queues = queues;
    this.request = survey.request;
    this.drifted = carried?.drifted ?? 0;
    this.repaired = carried?.repaired ?? 0;
    this.drifts = [...(carried?.drifts ?? [])];
    this.reIpled = carried?.reIpled === true || survey.reIpled;
    this.skipped = survey.skipped;
    this.failedBefore = new Map(last?.failures.map((failure) => [subjectKey(failure.about), failure]));
    this.failures = survey.failed.map((failed) => this.withBackoff(failed));
  }

  /** Take the drift as it was found: a held or observed host is not repaired, and no guest's run is started for it. */
  observe({ vswitches, managementNetwork, dhcp, candidates }: Survey): void {
    for (const { lines } of vswitches) this.drift(lines);
    if (managementNetwork) this.drift([NO_MANAGEMENT_NIC]);
    if (dhcp) this.drift([NO_DHCP_PORTS]);
    this.drifted += candidates.length;
    for (const { userid, lines } of candidates) {
      this.drift(lines);
      this.busy.add(userid);
    }
  }

  /** Ensure the VSWITCHes of the configuration, the management network and the DHCP node, before the guests that need them. */
  async ensureHost({ vswitches, managementNetwork, dhcp }: Survey): Promise<void> {
    const { host, dryRun } = this.request;
    for (const { vswitch, lines, hadRdevs } of vswitches) {
      this.drift(lines);
      await this.child({ kind: 'vswitch', vswitch }, () =>
        executeChild<typeof ensureVswitch>('ensureVswitch', {
          workflowId: vswitchWorkflowId(host, vswitch),
          args: [{ host, vswitch, dryRun, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES, ...(hadRdevs && { hadRdevs }) }],
          staticSummary: `ensure VSWITCH ${vswitch} on ${host}`,
          ...asChild({ host, vswitches: [vswitch] }),
        }),
      );
    }
    if (managementNetwork) await this.ensureManagementNetwork();
    if (!dhcp) return;
    this.drift([NO_DHCP_PORTS]);
    await this.child({ kind: 'dhcpNode' }, () =>
      executeChild<typeof ensureDhcp>('ensureDhcp', {
        workflowId: dhcpWorkflowId(host),
        args: [{ host, dryRun, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES }],
        staticSummary: `give the DHCP node of ${host} its NICs`,
        ...asChild({ host }),
      }),
    );
  }

  private async ensureManagementNetwork(): Promise<void> {
    const { host, dryRun } = this.request;
    this.drift([NO_MANAGEMENT_NIC]);
    await this.child({ kind: 'managementNetwork' }, () =>
      executeChild<typeof ensureManagementNetwork>('ensureManagementNetwork', {
        workflowId: managementNetworkWorkflowId(host),
        args: [{ host, dryRun, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES }],
        staticSummary: `give the management node its NIC for ${host}`,
        ...asChild({ host }),
      }),
    );
  }

  async repair(candidates: readonly Candidate[]): Promise<void> {
    await new GuestWindows(candidates).run((candidate, batch) => this.repairGuest(candidate, batch));
  }

  private async repairGuest({ userid, change, lines, directory }: Candidate, batch: Batch): Promise<void> {
    const { host, dryRun } = this.request;
    const limits = { giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES, keepOnFailure: true, dryRun };
    try {
      const run = await this.queues.runIfFree(
        { host, userid, change, batch, ...limits, ...defined({ directory }) },
        repairSummary(userid, lines, dryRun),
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
        this.failures.push(this.withBackoff(failedNow({ kind: 'port', portId }, describeRefusals(refusals))));
    } catch (error) {
      if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
      this.drifted += 1;
      this.drift(lines);
      this.fail({ kind: 'guest', userid }, error);
    }
    this.show();
  }

  /** Report port statuses to Neutron: ACTIVE only for ports that z/VM has as they should be. */
  async report({ statuses = [] }: Survey): Promise<void> {
    if (this.request.dryRun || statuses.length === 0) return;
    const failed = subjectsOf(this.failures);
    const known = statuses.filter(({ userid }) => userid === undefined || !this.busy.has(userid));
    const report = await reportStatuses(this.request.host, known, (status) => !concerns(failed, status));
    this.reported = { up: report.up.length, down: report.down.length };
    // An operation is at work on these guests: the next run reads and reports their ports.
    const left = statuses.filter((status) => !known.includes(status)).map(({ portId }) => portId);
    this.unreported = [...report.failed, ...left];
  }

  carry(survey: Survey): Carried {
    const { drifted, repaired, drifts, failures, reIpled } = this;
    const kept = failures.slice(0, MOST_FAILURES);
    return { drifted, repaired, drifts, failures: kept, reIpled, checkpoint: survey.checkpoint };
  }

  result(survey: Survey): ReconcileHostResult {
    const { host, dryRun } = this.request;
    const { examined, foreign, waiting, foreignLines, findings = [], capabilities, checkpoint, isUnconfirmed } = survey;
    const reportsOnly = this.request.dryRun ? undefined : survey.reportsOnly;
    const { drifted, repaired, skipped, drifts, reIpled, reported, unreported } = this;
    const all = [...new Map(this.failures.map((failed) => [subjectKey(failed.about), failed])).values()];
    const failed = all.length + (survey.failedLeft ?? 0);
    const failures = all.slice(0, MOST_FAILURES);
    const inOrder = Math.max(0, examined - drifted - skipped);
    upsertSearchAttributes([
      {
        key: ZVM_OUTCOME,
        value: outcomeOfRun({ failed, drifts, dryRun, reportsOnly }),
      },
      { key: ZVM_DRIFTED, value: drifts.length === 0 ? 0 : Math.max(1, drifted) },
    ]);
    const counts = { examined, inOrder, drifted, repaired, failed, foreign, skipped, waiting };
    const result = { host, ...counts, drifts, failures, foreignLines, findings, ...defined({ reportsOnly }) };
    setCurrentDetails(reconciliationDetails(result));
    const known = defined({ capabilities, isUnconfirmed });
    return { ...result, dryRun, reIpled, ...known, reported, unreported, checkpoint };
  }

  private async child(about: RepairSubject, run: () => Promise<{ steps: string[] }>): Promise<void> {
    const before = this.failedBefore.get(subjectKey(about));
    if (before !== undefined && before.notBefore > Date.now()) return;
    try {
      await run();
    } catch (error) {
      if (CancellationScope.current().consideredCancelled || isCancellation(error)) throw error;
      // Another run does it already.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return;
      this.fail(about, error);
    }
  }

  private fail(about: RepairSubject, error: unknown): void {
    const reason = `${outcomeOf(error)}: ${reasonOf(error)}`.slice(0, LONGEST_REASON);
    this.failures.push(this.withBackoff(failedNow(about, reason)));
  }

  /** A failure with the time of its next attempt: after one interval, then twice as long each time, up to an hour. A failure that is not due yet keeps its time. */
  private withBackoff(failed: RepairFailure): RepairFailure {
    const before = this.failedBefore.get(subjectKey(failed.about));
    if (before !== undefined && before.notBefore > Date.now()) return { ...before, reason: failed.reason };
    const attempts = (before?.attempts ?? 0) + 1;
    if (attempts === 1)
      log.warn('drift could not be repaired', { about: subjectText(failed.about), reason: failed.reason });
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

/**
 * The request in exact types, and the findings of the reading. One activity parses and reads: one more would cost each of thousands of idle runs a day
 * an event. Throws a `Refused`, `StepFailed` or `DeadlineExceeded` failure and shows it.
 */
async function surveyed(input: unknown, last: LastRun | undefined, isContinued: boolean): Promise<Survey> {
  const host = hostIn(input);
  if (host !== undefined) {
    addSearchAttributes({ host });
    setCurrentDetails(`**${host}** is being read and compared with its record.`);
  }
  const summary = `read and compare ${host ?? 'the host'}`;
  const { surveyHost } = proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: READING_OF_A_HOST,
    scheduleToCloseTimeout: READING_OF_A_HOST,
    heartbeatTimeout: HEARTBEAT,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: 5 },
  });
  try {
    const request = withoutLast(input);
    return await surveyHost({ request, isContinued, now: Date.now(), ...defined({ last }) });
  } catch (error) {
    const outcome = outcomeOf(error);
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    if (isCancellation(error)) throw error;
    if (outcome === 'refused') throw applicationFailureOf(error) ?? error;
    const failure = hostFailed({ host: host ?? '' }, summary, error);
    setCurrentDetails(`**${host}** could not be reconciled.\n\n${failure.message}`);
    throw failure;
  }
}

/** The host that a request names; undefined for what cannot be one. */
function hostIn(request: unknown): string | undefined {
  const host = isRecord(request) ? request.host : undefined;
  return isText(host) && /^[A-Za-z0-9._-]+$/.test(host) ? host : undefined;
}

function outcomeOfRun({
  failed,
  drifts,
  dryRun,
  reportsOnly,
}: Pick<ReconcileHostResult, 'failed' | 'drifts' | 'dryRun'> & {
  reportsOnly: Survey['reportsOnly'] | undefined;
}): string {
  if (failed > 0) return 'failed';
  if (dryRun) return 'planned';
  if (drifts.length === 0) return 'unchanged';
  return reportsOnly === undefined ? 'changed' : 'planned';
}

/** The summary of a repair, as long as a line of Temporal's list takes. */
function repairSummary(userid: string, lines: readonly string[], dryRun: boolean): string {
  const [first = '', second] = lines;
  const repair = `${dryRun ? 'plan the repair' : 'repair'}${first.includes(userid) ? '' : ` ${userid}`}: ${first}`;
  const more = lines.length > 2 ? `; and ${lines.length - 2} more` : '';
  return `${repair}${second === undefined ? '' : `; ${second}`}${more}`.slice(0, 190);
}

function failedNow(about: RepairSubject, reason: string): RepairFailure {
  return { about, reason: reason.slice(0, LONGEST_REASON), attempts: 1, notBefore: Date.now() };
}
