import { workflowInfo } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import { failureText } from '../domain/drift/repair-subject.ts';
import type { HostCapabilities } from '../domain/host/host-capabilities.ts';
import type { ReportsOnly } from '../domain/host/repair-mode.ts';
import type { RepairFailure, RepairSubject } from '../domain/operations/requests.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { malformed } from './failures.ts';
import type { LastRun } from './host-activities.ts';
import { listed } from './progress.ts';
import { isAbsentOr, isRecord, isText, isTexts } from './untrusted-input.ts';

/** The findings and repairs of a reconciliation. Drift counts guests, `foreign` counts things. */
export type ReconcileHostResult = {
  host: string;
  dryRun: boolean;
  examined: number;
  inOrder: number;
  drifted: number;
  repaired: number;
  failed: number;
  foreign: number;
  /** Guests left to an operation in progress, or to a later run after failures. */
  skipped: number;
  /** Ports whose row names no VSWITCH yet. */
  waiting: number;
  /** z/VM was started since the last run. */
  reIpled: boolean;
  /** The abilities of z/VM; absent in histories of older builds. */
  capabilities?: HostCapabilities;
  /** The drift found, or after a dry run the steps that would repair it; the first hundred. */
  drifts: string[];
  failures: RepairFailure[];
  foreignLines: string[];
  /** Things on z/VM or in xCAT that cannot be parsed and are left as they are; the first hundred. */
  findings: string[];
  /** Ports that were reported to Neutron. */
  reported: { up: number; down: number };
  /** Ports whose status was not reported: Neutron could not change it, or an operation was at work on their guests. */
  unreported: PortId[];
  /** Present when drift was reported and nothing repaired. */
  reportsOnly?: ReportsOnly;
  /** The host is new here, and no operator has confirmed it. */
  isUnconfirmed?: boolean;
  /** State for the next run; of no use to readers. */
  checkpoint: string;
};

/** State that a run hands to the run that it continues as. */
export type Carried = Pick<ReconcileHostResult, 'drifted' | 'repaired' | 'drifts'> & {
  failures: RepairFailure[];
  checkpoint: string;
  reIpled: boolean;
};

const MOST_SHOWN = 20;

/** The last run as this one knows it: from the state carried over, the request, or the result of the Schedule's last run. Undefined when that is malformed. */
export function lastRun(request: unknown, carried: Carried | undefined): LastRun | undefined {
  const { lastResult: last } = workflowInfo();
  const [scheduled]: unknown[] = Array.isArray(last) ? last : [last];
  return lastRunIn(carried ?? (isRecord(request) ? request.last : undefined) ?? scheduled);
}

/** The request without what it says of the last run. What nobody can read stays in it: the request is refused. */
export function withoutLast(request: unknown): unknown {
  if (!isRecord(request) || lastRunIn(request.last) === undefined) return request;
  const { last: _last, ...rest } = request;
  return rest;
}

function lastRunIn(value: unknown): LastRun | undefined {
  if (!isLastRun(value)) return undefined;
  const { checkpoint, failures, unreported, isUnconfirmed } = value;
  return { checkpoint, failures: readable(failures), ...defined({ unreported, isUnconfirmed }) };
}

/** The state carried over from the run before. Throws a `Refused` failure when it is malformed. */
export function acceptedCarried(carried: unknown): Carried | undefined {
  if (carried !== undefined && !isCarried(carried)) throw malformed('carried');
  return carried && { ...carried, failures: readable(carried.failures) };
}

function isLastRun(value: unknown): value is Omit<LastRun, 'failures'> & { failures: unknown[] } {
  return (
    isRecord(value) &&
    typeof value.checkpoint === 'string' &&
    Array.isArray(value.failures) &&
    isAbsentOr(value.unreported, isTexts) &&
    isAbsentOr(value.isUnconfirmed, (flag) => typeof flag === 'boolean')
  );
}

function isCarried(value: unknown): value is Omit<Carried, 'failures'> & { failures: unknown[] } {
  return (
    isRecord(value) &&
    typeof value.checkpoint === 'string' &&
    Array.isArray(value.failures) &&
    [value.drifted, value.repaired].every((count) => typeof count === 'number') &&
    Array.isArray(value.drifts)
  );
}

/** The failures in today's form. Without the others, as of an earlier version, the run tries those repairs at once. */
function readable(failures: readonly unknown[]): RepairFailure[] {
  return failures.filter(isFailure);
}

function isFailure(value: unknown): value is RepairFailure {
  return (
    isRecord(value) &&
    isSubject(value.about) &&
    typeof value.reason === 'string' &&
    typeof value.attempts === 'number' &&
    typeof value.notBefore === 'number'
  );
}

/** The field that names a thing, by its kind; undefined where a host has one thing of the kind. */
const NAMED_BY: Readonly<Record<RepairSubject['kind'], string | undefined>> = {
  ...{ guest: 'userid', port: 'portId', vswitch: 'vswitch', uplinks: 'vswitch', node: 'node', missingNode: 'userid' },
  ...{ dhcpNode: undefined, managementNetwork: undefined, neutron: undefined },
};

function isSubject(value: unknown): value is RepairSubject {
  if (!isRecord(value)) return false;
  const named = Object.entries(NAMED_BY).find(([kind]) => kind === value.kind);
  return named !== undefined && (named[1] === undefined || isText(value[named[1]]));
}

/** The result in Markdown, for the current details of the run. */
export function reconciliationDetails({
  host,
  drifts,
  failures,
  foreignLines,
  findings,
  reportsOnly,
  ...counts
}: Omit<
  ReconcileHostResult,
  'dryRun' | 'reIpled' | 'reported' | 'unreported' | 'checkpoint' | 'isUnconfirmed'
>): string {
  const { examined, inOrder, drifted, repaired, failed, skipped, waiting } = counts;
  const parts = [
    `${inOrder} of ${examined} guests in order`,
    ...(drifted > 0 ? [`${drifted} had drifted`, `${repaired} repaired`] : []),
    ...(failed > 0 ? [`${failed} could not be repaired`] : []),
    ...(skipped > 0 ? [`${skipped} skipped (operation in progress, or a later attempt)`] : []),
    ...(waiting > 0 ? [`${waiting} ports without a VSWITCH yet`] : []),
  ];
  const bad = failures.map(({ attempts, notBefore, ...failure }) => {
    const again = `${attempts} attempt(s), next after ${new Date(notBefore).toISOString()}`;
    return `${failureText(failure)} (${again})`;
  });
  return [
    `**${host}**: ${parts.join(', ')}.`,
    ...(reportsOnly === undefined ? [] : [`Reported only, nothing was repaired: ${reportsOnly.says}.`]),
    ...listed('Failed', bad, MOST_SHOWN),
    ...listed('Drift', drifts, MOST_SHOWN),
    ...listed('Foreign, unchanged', foreignLines, MOST_SHOWN),
    ...listed('Findings, unchanged', findings, MOST_SHOWN),
  ].join('\n\n');
}
