import type { Client } from '@temporalio/client';
import { defined } from '../domain/defined.ts';
import type { FieldChange, GuestChange, HostChanges } from '../domain/host/desired-changes.ts';
import { DEFAULT_OPTIONS } from '../domain/operations/requests.ts';
import { type Effect, RESULTS } from '../domain/operations/results.ts';
import type { HostName, PortId, VswitchName } from '../domain/text/identifiers.ts';
import { digestOf } from './digest.ts';
import { endOf } from './follow-operation.ts';
import type { OperationDetails } from './operations.ts';
import type { Origin } from './origin.ts';
import {
  type OperationRequest,
  requestDigest,
  type StartedOperation,
  startOperation,
  summaryOf,
  workflowIdFor,
} from './start-operation.ts';

/** One operation of a plan. */
export type PlannedChange = {
  request: OperationRequest;
  host: HostName;
  /** The guest or the VSWITCH that it is about. */
  subject: string;
  isVswitch: boolean;
  summary: string;
  /** The ports that it sets, with what differs: a plan whose ports have changed since is another one, even with the same steps. */
  differences: { portId: PortId; fields: FieldChange[] }[];
  /** The ports that it deletes. */
  remove: PortId[];
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

type SetPorts = Extract<OperationRequest, { type: 'setPorts' }>;

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
  await sideBySide(asking, wanted, async (change) => {
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
    ...guests.map((guest) => {
      const request = requestOfGuest(host, guest, live);
      const after = vswitches.find((name) => request.input.ports.some(({ vswitch }) => vswitch === name));
      const differences = guest.set.map(({ port, fields }) => ({ portId: port.portId, fields }));
      const planned = { ...changeOf(request, host, guest.userid), differences, remove: guest.remove };
      return { ...planned, ...(after === undefined ? {} : { after }) };
    }),
  ];
}

/** A guest's changed ports, and those that go, are one operation, which stands or falls as a whole. */
function requestOfGuest(host: HostName, { userid, set, unread, remove }: GuestChange, live: boolean): SetPorts {
  const ports = [...set.map(({ port }) => port), ...unread];
  return { type: 'setPorts', input: { host, userid, ...DEFAULT_OPTIONS, ports, remove, live } };
}

function changeOf(request: OperationRequest, host: HostName, subject: string): PlannedChange {
  const about = { request, host, subject, isVswitch: false, summary: summaryOf(request) };
  return { ...about, differences: [], remove: [], steps: [], effect: 'changes', refusals: [] };
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

/** The operation of a change, and how it ended; it is absent of one that was not started since a VSWITCH of its host has failed. */
export type CarriedOut = { change: PlannedChange; operation?: OperationDetails };

/**
 * Carry out a plan: VSWITCHes of a host first, then its guests side by side, none of them when a VSWITCH has failed. Undefined when `signal` ends
 * it: started operations go on.
 */
export async function carryOutDesired(asking: Asking, { changes }: DesiredPlan): Promise<CarriedOut[] | undefined> {
  const ended = new Map<PlannedChange, OperationDetails>();
  const failed = new Set<string>();
  const carryOut = async (change: PlannedChange) => {
    if (!change.isVswitch && failed.has(change.host)) return;
    const operation = await runToEnd(asking, exactly(change));
    if (operation === undefined) return;
    ended.set(change, operation);
    if (change.isVswitch && operation.state !== 'completed') failed.add(change.host);
    asking.tell(ended.size, changes.length);
  };
  await sideBySide(
    asking,
    changes.filter(({ isVswitch }) => isVswitch),
    carryOut,
  );
  await sideBySide(
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

/** An operation of a plan that has started; `operation`: how one that the others wait for has ended. */
export type StartedChange = {
  type: OperationRequest['type'];
  subject: string;
  started: StartedOperation;
  operation?: OperationDetails;
};

/**
 * Start the operations of a plan: VSWITCHes first, and the guests' when those are there. Throws OperationInProgress. Undefined when `signal` ends it:
 * started operations go on.
 */
export async function startDesired(asking: Asking, { changes }: DesiredPlan): Promise<StartedChange[] | undefined> {
  const started: StartedChange[] = [];
  const vswitches = changes.filter(({ isVswitch }) => isVswitch);
  await sideBySide(asking, vswitches, async (change) => {
    const begun = await start(asking, exactly(change));
    const operation = await endOf(asking.client, begun, asking.signal);
    started.push({ type: change.request.type, subject: change.subject, started: begun, ...defined({ operation }) });
  });
  if (asking.signal.aborted) return undefined;
  if (started.some(({ operation }) => operation?.state !== 'completed')) return started;
  await sideBySide(
    asking,
    changes.filter(({ isVswitch }) => !isVswitch),
    async (change) => {
      const begun = await start(asking, exactly(change));
      started.push({ type: change.request.type, subject: change.subject, started: begun });
    },
  );
  return asking.signal.aborted ? undefined : started;
}

/** A plan for programs, with what no operation can change, and the ports that are not named. */
export function toldPlan({ changes }: DesiredPlan, hosts: readonly HostChanges[]) {
  return {
    changes: changes.map(({ request, isVswitch: _isVswitch, plan: _plan, ...change }) => ({
      type: request.type,
      ...change,
    })),
    refusals: hosts.flatMap(({ host, refusals }) => refusals.map((each) => ({ host, ...each }))),
    unnamed: hosts.flatMap(({ host, unnamed }) => unnamed.map((each) => ({ host, ...each }))),
  };
}

/** The request, to be refused when its steps have become others. */
function exactly({ request, plan }: PlannedChange): OperationRequest {
  if (plan === undefined) return request;
  return { ...request, input: { ...request.input, onlyIf: { plan } } } as OperationRequest;
}

/** Changes side by side, at most so many of a host. */
async function sideBySide(
  { signal }: Asking,
  changes: readonly PlannedChange[],
  work: (change: PlannedChange) => Promise<void>,
): Promise<void> {
  const hosts = [...Map.groupBy(changes, ({ host }) => host).values()];
  await Promise.all(
    hosts.map(async (ofHost) => {
      const left = [...ofHost];
      const next = async () => {
        for (let change = left.shift(); change !== undefined; change = left.shift())
          if (!signal.aborted) await work(change);
      };
      await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, ofHost.length) }, next));
    }),
  );
}

/** Start an operation and wait for its end. Throws when another request about the same VSWITCH is in progress. */
async function runToEnd(asking: Asking, request: OperationRequest): Promise<OperationDetails | undefined> {
  return endOf(asking.client, await start(asking, request), asking.signal);
}

async function start({ client, origin }: Asking, request: OperationRequest): Promise<StartedOperation> {
  const lock = request.type === 'ensureVswitch' ? { lock: { digest: requestDigest(request) } } : {};
  const started = await startOperation(client, request, { workflowId: workflowIdFor(request), origin, ...lock });
  if (started.conflict !== undefined) throw new OperationInProgress(started.id);
  return started;
}

/** Another request about the same VSWITCH is in progress. */
export class OperationInProgress extends Error {
  override readonly name = 'OperationInProgress';
  readonly operation: string;

  constructor(id: string) {
    super(`Operation ${id} is in progress. Wait for its end, then repeat.`);
    this.operation = id;
  }
}
