import {
  ZVM_DRIFTED,
  ZVM_HOST,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_USERID,
  ZVM_VLAN,
  ZVM_VSWITCH,
} from './search-attributes.ts';
import { is, quoted } from './visibility.ts';

// Workflows import this file, so it may import nothing that the workflow sandbox does not allow.

/** What a query asks for beside its own words. */
export type QueryParameter = 'host' | 'userid' | 'port' | 'vswitch' | 'vlan';
export type QueryParameters = Partial<Record<QueryParameter, string>>;

/** A question that operators ask, as query of Temporal's visibility. */
export type SavedQuery = {
  name: string;
  /** What it shows, and what one does with it. */
  tells: string;
  needs: readonly QueryParameter[];
  /** True when the query is of a moment: saved, it would grow old. */
  ofNow?: true;
  /** The query. Parameters that it needs must be there; `hours` goes back from `now` in those that look at what has ended. */
  query(parameters: QueryParameters & { hours?: number | undefined }, now: Date): string;
};

const HOUR_MS = 3_600_000;

/** What somebody asked for, or a Schedule: not the runs that carry it out guest by guest. */
const operations = 'WorkflowType != "convergeGuest"';
const running = 'ExecutionStatus = "Running"';

/** Everything about a port: operations, and the runs of its guest that carried them out. */
export function aboutPort(portId: string): string {
  return is(ZVM_PORT, portId.toLowerCase());
}

/** Everything about a guest. */
export function aboutGuest(host: string, userid: string): string {
  return all(is(ZVM_HOST, host), is(ZVM_USERID, userid.toUpperCase()));
}

/** What is useful on day one, in the order in which an operator asks. */
export const SAVED_QUERIES: readonly SavedQuery[] = [
  {
    name: 'Failed',
    tells: 'what failed, newest first: the failure of each says step, reason and what to do',
    needs: [],
    query: ({ host, hours }, now) => all(operations, is(ZVM_OUTCOME, 'failed'), on(host), since(now, hours)),
  },
  {
    name: 'Refused',
    tells: 'requests that cannot be granted: the failure of each names the field, the reason and the way out',
    needs: [],
    query: ({ host, hours }, now) => all(operations, is(ZVM_OUTCOME, 'refused'), on(host), since(now, hours)),
  },
  {
    name: 'Being tried again',
    tells: 'what fails for now, operations and runs of guests: their Current Details say what, why and until when',
    needs: [],
    query: ({ host }) => all(running, is(ZVM_OUTCOME, 'retrying'), on(host)),
  },
  {
    name: 'Waiting for their guest',
    tells: 'operations behind another one on the same guest: their Current Details name it',
    needs: [],
    query: ({ host }) => all(running, is(ZVM_OUTCOME, 'waiting'), on(host)),
  },
  {
    name: 'In progress',
    tells: 'operations that run now: none of them is left when a host is drained',
    needs: [],
    query: ({ host }) => all(operations, running, onQueueOf(host)),
  },
  {
    name: 'Running for more than an hour',
    tells: 'operations that take too long: z/VM is away, or nobody works for the host',
    needs: [],
    ofNow: true,
    query: ({ host }, now) => all(operations, running, onQueueOf(host), `StartTime < ${quoted(ago(now, 1))}`),
  },
  {
    name: 'Changes',
    tells: 'operations that changed something on z/VM',
    needs: [],
    query: ({ host, hours }, now) => all(operations, is(ZVM_OUTCOME, 'changed'), on(host), since(now, hours)),
  },
  {
    name: 'Stopped by somebody',
    tells: 'cancelled or terminated runs; a terminated run of a guest leaves what was done to reconciliation',
    needs: [],
    query: ({ host, hours }, now) => all('ExecutionStatus IN ("Canceled", "Terminated")', on(host), since(now, hours)),
  },
  {
    name: 'Reconciliations that found drift',
    tells: 'what somebody else had changed, or a re-IPL had taken away, and what was repaired',
    needs: [],
    query: ({ host, hours }, now) =>
      all('WorkflowType = "reconcileHost"', `${ZVM_DRIFTED.name} > 0`, on(host), since(now, hours)),
  },
  {
    name: 'Reconciliations that could not repair',
    tells: 'guests that are left as they are: Current Details name them, with reason and next try',
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
    name: 'Not as Neutron wants it',
    tells: 'runs of followNeutron with ports that could not be wired',
    needs: [],
    query: ({ host, hours }, now) =>
      all('WorkflowType = "followNeutron"', is(ZVM_OUTCOME, 'failed'), on(host), since(now, hours)),
  },
  {
    name: 'Everything about a port',
    tells: 'its history: each operation, and the run of the guest that carried it out',
    needs: ['port'],
    query: ({ port = '' }) => aboutPort(port),
  },
  {
    name: 'Everything about a guest',
    tells: 'all that was asked of it and done to it, repairs too',
    needs: ['host', 'userid'],
    query: ({ host = '', userid = '' }) => aboutGuest(host, userid),
  },
  {
    name: 'On a VLAN',
    tells: 'operations that put a port on the VLAN, or took one off it',
    needs: ['vlan'],
    query: ({ host, vlan = '' }) => all(operations, is(ZVM_VLAN, vlan), on(host)),
  },
  {
    name: 'On a VSWITCH',
    tells: 'operations on the VSWITCH, and on ports there',
    needs: ['vswitch'],
    query: ({ host, vswitch = '' }) => all(operations, is(ZVM_VSWITCH, vswitch.toUpperCase()), on(host)),
  },
];

/** The queries that these parameters are enough for. */
export function askable(parameters: QueryParameters): SavedQuery[] {
  return SAVED_QUERIES.filter(({ needs }) => needs.every((name) => parameters[name] !== undefined));
}

function all(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' AND ');
}

function on(host: string | undefined): string {
  return host === undefined ? '' : is(ZVM_HOST, host);
}

/** Also what no worker has seen yet, which may have no search attributes. */
function onQueueOf(host: string | undefined): string {
  return host === undefined ? '' : `TaskQueue = ${quoted(`zvm-${host}`)}`;
}

function since(now: Date, hours: number | undefined): string {
  return hours === undefined ? '' : `StartTime > ${quoted(ago(now, hours))}`;
}

function ago(now: Date, hours: number): string {
  return new Date(now.getTime() - hours * HOUR_MS).toISOString();
}
