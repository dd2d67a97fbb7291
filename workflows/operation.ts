import {
  isCancellation,
  proxyLocalActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { DesiredPort } from '../domain/guest/desired.ts';
import { mergedSearchTerms, searchTermsOfChange } from '../domain/guest/search-terms.ts';
import type { Operation, OperationType } from '../domain/operations/operations.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { searchAttributesOf, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { markdownLink, runPath } from '../temporal-config/ui.ts';
import { applicationFailureOf, reasonOf } from './failures.ts';
import type { RequestStanding } from './guest-queue-messages.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import type { RequestActivities } from './host-activities.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** What an operation answers. */
export type OperationResult = {
  /** False when everything was so already, as after a repeat. */
  changed: boolean;
  /** True when nothing was done: the steps are what would be. */
  dryRun?: boolean;
  /** What a dry run calls its plan: `onlyIf.plan` of a request that is to be carried out only so. */
  plan?: string;
  /** The ports that the operation names, as they are now; none after a deletion. */
  ports: (Omit<DesiredPort, 'live'> & { live: 'now' | 'atNextLogon' })[];
  /** What was done, in order; says so when there was nothing to do. */
  steps: string[];
};

/** Carry out what is asked of one guest. Throws a `Refused` failure that names each field at fault. */
export async function operate(type: OperationType, input: unknown): Promise<OperationResult> {
  const queues = guestQueues();
  return carryOut(queues, await checked(() => accepting().acceptOperation({ type, input })));
}

/** Set an operation's search attributes, let the guest's run carry it out, and say what came of it. */
export async function carryOut(
  queues: GuestQueues,
  { portIds, summary, ...operation }: Operation,
): Promise<OperationResult> {
  const { dryRun, host, userid } = operation;
  const asked = mergedSearchTerms({ portIds, vswitches: [], vlans: [] }, searchTermsOfChange(operation.change));
  addSearchAttributes({ host, userid, ...asked });
  const { namespace } = workflowInfo();
  const guest = guestWorkflowId(host, userid);
  const steps = `Its steps: ${markdownLink(guest, runPath(namespace, guest))}`;
  const show = (state: string) => setCurrentDetails(`${summary}: ${state}`);
  const running = () => show(`in progress. ${steps}.`);
  const showStanding = (where: RequestStanding) => {
    const outcome = { waits: 'waiting', retries: 'retrying', begins: null } as const;
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome[where.kind] }]);
    if (where.kind === 'begins') running();
    else if (where.kind === 'retries') show(`${where.trouble} ${steps}.`);
    else show(`waits for its turn behind ${markdownLink(where.behind, runPath(namespace, where.behind))}. ${steps}.`);
  };
  running();
  try {
    const result = await queues.run(operation, summary, { show: showStanding });
    upsertSearchAttributes([
      ...searchAttributesOf({ host, userid, ...mergedSearchTerms(asked, result.found) }),
      { key: ZVM_OUTCOME, value: dryRun ? 'planned' : result.changed ? 'changed' : 'unchanged' },
    ]);
    const told = result.steps.length > 0 ? result.steps : ['nothing to do: it is so already'];
    show(`${dryRun ? 'to be done' : 'done'}. ${steps}.\n\n${told.map((step) => `- ${step}`).join('\n')}`);
    const ports = result.ports.map((port) => asReported(port, result.liveVdevs));
    const { changed, plan } = result;
    return { changed, ...(dryRun ? { dryRun, ...(plan === undefined ? {} : { plan }) } : {}), steps: told, ports };
  } catch (error) {
    const outcome = outcomeOf(error);
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    show(`${outcome}. ${steps}.\n\n${reasonOf(error)}`);
    throw error;
  }
}

/** What was asked in exact types. Throws a `Refused` failure that names each field at fault. */
export async function checked<Result>(accept: () => Promise<Result>): Promise<Result> {
  try {
    return await accept();
  } catch (error) {
    if (isCancellation(error)) throw error;
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeOf(error) }]);
    throw applicationFailureOf(error) ?? error;
  }
}

/** A part of a run that ends it when it fails or is cancelled: the run is then found by that. */
export async function endingRun<Result>(part: () => Promise<Result>): Promise<Result> {
  try {
    return await part();
  } catch (error) {
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcomeOf(error) }]);
    throw error;
  }
}

/**
 * Requests are checked by the worker, not in the workflow: the parser would be loaded anew for every run, which costs more than all else
 * that a run does.
 */
export function accepting(): RequestActivities {
  return proxyLocalActivities<RequestActivities>({ summary: 'check the request', startToCloseTimeout: '10 seconds' });
}

/** How a run ended that did not reach what it was for, as search attribute. */
export function outcomeOf(error: unknown): 'cancelled' | 'refused' | 'failed' {
  if (isCancellation(error)) return 'cancelled';
  return applicationFailureOf(error)?.type === 'Refused' ? 'refused' : 'failed';
}

function asReported(port: DesiredPort, liveVdevs: readonly Vdev[]): OperationResult['ports'][number] {
  return { ...port, live: liveVdevs.includes(port.vdev) ? 'now' : 'atNextLogon' };
}
