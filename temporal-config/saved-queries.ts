import {
  is,
  quoted,
  ZVM_DRIFTED,
  ZVM_HOST,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_USERID,
  ZVM_VLAN,
  ZVM_VSWITCH,
} from './search-attributes.ts';

// Workflows import this file, so it may import nothing that the workflow sandbox does not allow.

/** The name of a query's parameter. */
export type QueryParameter = 'host' | 'userid' | 'port' | 'vswitch' | 'vlan';
export type QueryParameters = Partial<Record<QueryParameter, string>>;

/** A query of Temporal's visibility that answers a question of operators. */
export type SavedQuery = {
  name: string;
  /** The runs that it shows, and their use. */
  description: string;
  needs: readonly QueryParameter[];
  /** True when the query holds the present time, so that a saved copy would grow old. */
  ofNow?: true;
  /** The query's text. The parameters in `needs` must be given; `hours` limits closed runs to that time before `now`. */
  query(parameters: QueryParameters & { hours?: number | undefined }, now: Date): string;
};

const HOUR_MS = 3_600_000;

/** Operations and runs of Schedules, without the guest runs that carry them out and what tells webhooks of them. */
const operations = 'WorkflowType NOT IN ("convergeGuest", "notify", "followEvents")';
const running = 'ExecutionStatus = "Running"';

/** Everything about a port: operations, and the runs of its guest that carried them out. */
export function aboutPort(portId: string): string {
  return is(ZVM_PORT, portId.toLowerCase());
}

/** Everything about a guest. */
export function aboutGuest(host: string, userid: string): string {
  return all(is(ZVM_HOST, host), is(ZVM_USERID, userid.toUpperCase()));
}

/** The queries for operators, the most frequent first. */
export const SAVED_QUERIES: readonly SavedQuery[] = [
  {
    name: 'Failed',
    description: 'failed operations, newest first: the failure of each names the step, the reason and the advice',
    needs: [],
    query: ({ host, hours }, now) => all(operations, is(ZVM_OUTCOME, 'failed'), on(host), since(now, hours)),
  },
  {
    name: 'Refused',
    description: 'refused requests: the failure of each names the field, the reason and the advice',
    needs: [],
    query: ({ host, hours }, now) => all(operations, is(ZVM_OUTCOME, 'refused'), on(host), since(now, hours)),
  },
  {
    name: 'Retrying',
    description:
      'operations and guest runs with a transient failure: their Current Details name the step, the reason and the deadline',
    needs: [],
    query: ({ host }) => all(running, is(ZVM_OUTCOME, 'retrying'), on(host)),
  },
  {
    name: 'Waiting for their guest',
    description: 'operations queued behind another one on the same guest: their Current Details name it',
    needs: [],
    query: ({ host }) => all(running, is(ZVM_OUTCOME, 'waiting'), on(host)),
  },
  {
    name: 'Held',
    description: 'operations that wait for the release of their host, and the hold itself: `control/<host>`',
    needs: [],
    query: ({ host }) => all(running, is(ZVM_OUTCOME, 'held'), on(host)),
  },
  {
    name: 'Awaiting approval',
    description: 'operations that wait for a second person: their Current Details have the plan and its id',
    needs: [],
    query: ({ host }) => all(running, is(ZVM_OUTCOME, 'awaiting-approval'), on(host)),
  },
  {
    name: 'In progress',
    description: 'open operations: a drained host has none',
    needs: [],
    query: ({ host }) => all(operations, running, onQueueOf(host)),
  },
  {
    name: 'Running for more than an hour',
    description: 'operations that take too long: z/VM does not answer, or the host has no worker',
    needs: [],
    ofNow: true,
    query: ({ host }, now) => all(operations, running, onQueueOf(host), `StartTime < ${quoted(ago(now, 1))}`),
  },
  {
    name: 'Changes',
    description: 'operations that changed something on z/VM',
    needs: [],
    query: ({ host, hours }, now) => all(operations, is(ZVM_OUTCOME, 'changed'), on(host), since(now, hours)),
  },
  {
    name: 'Cancelled or terminated',
    description: 'stopped runs; a terminated guest run leaves its guest to reconciliation',
    needs: [],
    query: ({ host, hours }, now) => all('ExecutionStatus IN ("Canceled", "Terminated")', on(host), since(now, hours)),
  },
  {
    name: 'Reconciliations that found drift',
    description: 'drift by administrators or by a re-IPL, and its repair',
    needs: [],
    query: ({ host, hours }, now) =>
      all('WorkflowType = "reconcileHost"', `${ZVM_DRIFTED.name} > 0`, on(host), since(now, hours)),
  },
  {
    name: 'Reconciliations that could not repair',
    description: 'guests that could not be repaired: Current Details name them with the reason and the next attempt',
    needs: [],
    query: ({ host, hours }, now) =>
      all(
        'WorkflowType IN ("reconcileHost", "reconcileFleet")',
        is(ZVM_OUTCOME, 'failed'),
        on(host),
        since(now, hours),
      ),
  },
  {
    name: 'Undelivered notifications',
    description: 'events that no webhook has taken: zvmnet notifications retry delivers one again',
    needs: [],
    query: ({ host, hours }, now) =>
      all('WorkflowType = "notify"', is(ZVM_OUTCOME, 'undelivered'), on(host), since(now, hours)),
  },
  {
    name: 'Differs from Neutron',
    description: 'runs of followNeutron with ports that could not be wired',
    needs: [],
    query: ({ host, hours }, now) =>
      all('WorkflowType = "followNeutron"', is(ZVM_OUTCOME, 'failed'), on(host), since(now, hours)),
  },
  {
    name: 'Everything about a port',
    description: 'its history: each operation, and the run of the guest that carried it out',
    needs: ['port'],
    query: ({ port = '' }) => aboutPort(port),
  },
  {
    name: 'Everything about a guest',
    description: 'all operations on it, and all repairs',
    needs: ['host', 'userid'],
    query: ({ host = '', userid = '' }) => aboutGuest(host, userid),
  },
  {
    name: 'On a VLAN',
    description: 'operations that put a port on the VLAN or removed one from it',
    needs: ['vlan'],
    query: ({ host, vlan = '' }) => all(operations, is(ZVM_VLAN, vlan), on(host)),
  },
  {
    name: 'On a VSWITCH',
    description: 'operations on the VSWITCH and on ports there',
    needs: ['vswitch'],
    query: ({ host, vswitch = '' }) => all(operations, is(ZVM_VSWITCH, vswitch.toUpperCase()), on(host)),
  },
];

/** The queries whose parameters are all given. */
export function completeQueries(parameters: QueryParameters): SavedQuery[] {
  return SAVED_QUERIES.filter(({ needs }) => needs.every((name) => parameters[name] !== undefined));
}

function all(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' AND ');
}

function on(host: string | undefined): string {
  return host === undefined ? '' : is(ZVM_HOST, host);
}

/** The host's task queue, which also finds runs that no worker has taken and that have no search attributes yet. */
function onQueueOf(host: string | undefined): string {
  return host === undefined ? '' : `TaskQueue = ${quoted(`zvm-${host}`)}`;
}

function since(now: Date, hours: number | undefined): string {
  return hours === undefined ? '' : `StartTime > ${quoted(ago(now, hours))}`;
}

function ago(now: Date, hours: number): string {
  return new Date(now.getTime() - hours * HOUR_MS).toISOString();
}
