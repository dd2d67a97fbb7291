import type { Client } from '@temporalio/client';
import type { FieldChange, GuestChange, HostChanges } from '../domain/host/desired-changes.ts';
import { DEFAULT_OPTIONS } from '../domain/operations/requests.ts';
import { type Effect, RESULTS } from '../domain/operations/results.ts';
import type { HostName, PortId, VswitchName } from '../domain/text/identifiers.ts';
import { digestOf } from './digest.ts';
import { endOf } from './follow-operation.ts';
import type { OperationDetails } from './operations.ts';
import type { Origin } from './origin.ts';
import { type OperationRequest, requestDigest, startOperation, summaryOf, workflowIdFor } from './start-operation.ts';

/** One operation of a plan. */
export type PlannedChange = {
  request: OperationRequest;
  host: HostName;
  /** The guest or the VSWITCH that it is about: operations about one follow each other. */
  subject: string;
  isVswitch: boolean;
  summary: string;
  /** The ports that it sets, with what differs: a plan whose ports have changed since is another one, even with the same steps. */
  differences: { portId: PortId; fields: FieldChange[] }[];
  steps: string[];
  effect: Effect;
  /** The name of the operation's own plan: it is carried out so or not at all. */
  plan?: string;
  /** The VSWITCH that has to be made first: the steps are not known before. */
  after?: VswitchName;
  refusals: { field: string; reason: string; advice: string }[];
  /** Why it could not be planned. */
  failure?: string;
};

/** All that takes hosts to what a file says. The id is the same only for the same operations with the same steps. */
export type DesiredPlan = { id: string; changes: PlannedChange[] };

export type Asking = { client: Client; origin: Origin; signal: AbortSignal; tell(done: number, all: number): void };

/** As many operations at once on a host. Their guests share calls. */
const MOST_AT_ONCE = 24;

/** Plan the changes of hosts by a dry run of each operation. Undefined when `signal` ends it. */
export async function planDesired(
  asking: Asking,
  hosts: readonly HostChanges[],
  live: boolean,
): Promise<DesiredPlan | undefined> {
  const wanted = hosts.flatMap((host) => changesOfHost(host, live));
  let done = 0;
  await inTurn(asking, wanted, async (change) => {
    if (change.after === undefined) await planOne(asking, change);
    done += 1;
    asking.tell(done, wanted.length);
  });
  if (asking.signal.aborted) return undefined;
  const changes = wanted.filter(({ effect }) => effect !== 'none');
  const id = digestOf(
    changes.map(({ request, differences, steps, plan }) => [requestDigest(request), differences, plan ?? steps]),
  ).slice(0, 32);
  return { id, changes };
}

function changesOfHost({ host, vswitches, guests }: HostChanges, live: boolean): PlannedChange[] {
  const { keepOnFailure: _keep, ...options } = DEFAULT_OPTIONS;
  return [
    ...vswitches.map((vswitch) => ({
      ...changeOf({ type: 'ensureVswitch', input: { host, vswitch, ...options } }, host, `VSWITCH ${vswitch}`),
      isVswitch: true,
    })),
    ...guests.flatMap((guest) =>
      requestsOfGuest(host, guest, live).map((request) => {
        const ports = request.type === 'setPorts' ? request.input.ports : [];
        const after = vswitches.find((name) => ports.some(({ vswitch }) => vswitch === name));
        const differences =
          request.type === 'setPorts' ? guest.set.map(({ port, fields }) => ({ portId: port.portId, fields })) : [];
        return { ...changeOf(request, host, guest.userid), differences, ...(after === undefined ? {} : { after }) };
      }),
    ),
  ];
}

/** A guest's changed ports are one operation, which stands or falls as a whole; then each port that goes. */
function requestsOfGuest(
  host: HostName,
  { userid, set, unread, remove }: GuestChange,
  live: boolean,
): OperationRequest[] {
  const ports = [...set.map(({ port }) => port), ...unread];
  const target = { host, userid, ...DEFAULT_OPTIONS };
  return [
    ...(ports.length === 0 ? [] : [{ type: 'setPorts' as const, input: { ...target, ports, live } }]),
    ...remove.map((portId) => ({ type: 'deletePort' as const, input: { ...target, portId } })),
  ];
}

function changeOf(request: OperationRequest, host: HostName, subject: string): PlannedChange {
  const about = { request, host, subject, isVswitch: false, summary: summaryOf(request) };
  return { ...about, differences: [], steps: [], effect: 'changes', refusals: [] };
}

async function planOne(asking: Asking, change: PlannedChange): Promise<void> {
  const ended = await runToEnd(asking, dryRunOf(change.request));
  if (ended === undefined) return;
  const { failure, state, result } = ended;
  if (failure !== undefined || state !== 'completed') {
    change.refusals = failure?.refusals ?? [];
    if (change.refusals.length === 0) change.failure = failure?.message ?? `the dry run ${ended.id} was ${state}`;
    return;
  }
  if (change.isVswitch) {
    change.steps = RESULTS.steps.parse(result).steps;
    return;
  }
  const { steps, plan, effect = 'changes' } = RESULTS.ports.parse(result);
  change.steps = steps;
  change.effect = effect;
  if (plan !== undefined) change.plan = plan;
}

function dryRunOf(request: OperationRequest): OperationRequest {
  // TypeScript does not relate the spread input to its member of the union.
  return { ...request, input: { ...request.input, dryRun: true } } as OperationRequest;
}

/** The operation of a change, and how it ended; it is absent of one that was not started since one before it has failed. */
export type CarriedOut = { change: PlannedChange; operation?: OperationDetails };

/**
 * Carry out a plan: VSWITCHes of a host first, then its guests side by side, the operations of one after another until one fails. Undefined
 * when `signal` ends it: started operations go on.
 */
export async function carryOutDesired(asking: Asking, { changes }: DesiredPlan): Promise<CarriedOut[] | undefined> {
  const ended = new Map<PlannedChange, OperationDetails>();
  const failed = new Set<string>();
  const carryOut = async (change: PlannedChange) => {
    const isFirst = changes.find((each) => subjectOf(each) === subjectOf(change)) === change;
    const blocked = failed.has(subjectOf(change)) || (!change.isVswitch && failed.has(change.host));
    if (blocked) return;
    const operation = await runToEnd(asking, isFirst ? exactly(change) : change.request);
    if (operation === undefined) return;
    ended.set(change, operation);
    if (operation.state !== 'completed') failed.add(change.isVswitch ? change.host : subjectOf(change));
    asking.tell(ended.size, changes.length);
  };
  await inTurn(
    asking,
    changes.filter(({ isVswitch }) => isVswitch),
    carryOut,
  );
  await inTurn(
    asking,
    changes.filter(({ isVswitch }) => !isVswitch),
    carryOut,
  );
  if (asking.signal.aborted) return undefined;
  return changes.map((change) => {
    const operation = ended.get(change);
    return { change, ...(operation === undefined ? {} : { operation }) };
  });
}

/** The request, to be refused when its steps have become others. */
function exactly({ request, plan }: PlannedChange): OperationRequest {
  if (plan === undefined) return request;
  return { ...request, input: { ...request.input, onlyIf: { plan } } } as OperationRequest;
}

function subjectOf({ host, subject }: PlannedChange): string {
  return `${host} ${subject}`;
}

/** Subjects side by side, at most so many of a host; the changes of one subject one after another. */
async function inTurn(
  { signal }: Asking,
  changes: readonly PlannedChange[],
  work: (change: PlannedChange) => Promise<void>,
): Promise<void> {
  const hosts = [...Map.groupBy(changes, ({ host }) => host).values()];
  await Promise.all(
    hosts.map(async (ofHost) => {
      const subjects = [...Map.groupBy(ofHost, subjectOf).values()];
      const next = async () => {
        for (let subject = subjects.shift(); subject !== undefined; subject = subjects.shift())
          for (const change of subject) if (!signal.aborted) await work(change);
      };
      await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, subjects.length) }, next));
    }),
  );
}

/** Start an operation and wait for its end. Throws when another request about the same VSWITCH is in progress. */
async function runToEnd(
  { client, origin, signal }: Asking,
  request: OperationRequest,
): Promise<OperationDetails | undefined> {
  const lock = request.type === 'ensureVswitch' ? { lock: { digest: requestDigest(request) } } : {};
  const started = await startOperation(client, request, { workflowId: workflowIdFor(request), origin, ...lock });
  if (started.conflict !== undefined) throw new OperationInProgress(started.id);
  return endOf(client, started, signal);
}

/** Another request about the same VSWITCH is in progress. */
export class OperationInProgress extends Error {
  override readonly name = 'OperationInProgress';

  constructor(id: string) {
    super(`Operation ${id} is in progress. Wait for its end, then repeat.`);
  }
}
