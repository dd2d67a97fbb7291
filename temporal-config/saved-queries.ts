import {
  ZVM_DRIFTED,
  ZVM_HOST,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_USERID,
  ZVM_VLAN,
  ZVM_VSWITCH,
} from './search-attributes.ts';

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
  /** The query; `now` for those that go back from now. Parameters that it needs must be there. */
  query(parameters: QueryParameters, now: Date): string;
};

const HOUR_MS = 3_600_000;

/** Types that somebody asks for; the runs that they start for each guest are left out. */
const ASKED_FOR = [
  'createPort',
  'attachNic',
  'changeVlan',
  'setAdminState',
  'detachNic',
  'deletePort',
  'wirePorts',
  'ensureVswitch',
  'deleteVswitch',
  'ensureDhcp',
  'ensureManagementNetwork',
];

const operations = `WorkflowType IN (${ASKED_FOR.map(quoted).join(', ')})`;
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
  saved(
    'Failed in the last 24 hours',
    'what failed: open one, its failure says step, reason and advice',
    [],
    ({ host }, now) => all(operations, is(ZVM_OUTCOME, 'failed'), on(host), since(now, 24)),
  ),
  saved(
    'Refused in the last 24 hours',
    'requests that cannot be granted: the failure names field and way out',
    [],
    ({ host }, now) => all(is(ZVM_OUTCOME, 'refused'), operations, on(host), since(now, 24)),
  ),
  saved('Being tried again', 'runs in which a step fails for now: Current Details say which and why', [], ({ host }) =>
    all(running, is(ZVM_OUTCOME, 'retrying'), on(host)),
  ),
  saved('Waiting for their guest', 'operations behind another one on the same guest', [], ({ host }) =>
    all(running, is(ZVM_OUTCOME, 'waiting'), on(host)),
  ),
  saved(
    'Running for more than an hour',
    'operations that take long: is z/VM away, or no worker there?',
    [],
    ({ host }, now) => all(operations, running, on(host), `StartTime < ${quoted(ago(now, 1))}`),
  ),
  saved('In progress', 'operations that run now: none of them is left when a host is drained', [], ({ host }) =>
    all(operations, running, on(host)),
  ),
  saved('Changes of the last 24 hours', 'operations that changed something', [], ({ host }, now) =>
    all(operations, is(ZVM_OUTCOME, 'changed'), on(host), since(now, 24)),
  ),
  saved('Cancelled or terminated', 'stopped by somebody: a terminated guest run leaves what was done', [], ({ host }) =>
    all('ExecutionStatus IN ("Canceled", "Terminated")', on(host)),
  ),
  saved('Reconciliations that found drift', 'what had changed behind our back, and was repaired', [], ({ host }) =>
    all('WorkflowType = "reconcileHost"', `${ZVM_DRIFTED.name} > 0`, on(host)),
  ),
  saved(
    'Reconciliations that could not repair',
    'guests that are left as they are: the result names them',
    [],
    ({ host }) => all('WorkflowType IN ("reconcileHost", "reconcileFleet")', is(ZVM_OUTCOME, 'failed'), on(host)),
  ),
  saved('Neutron: not as it wants it', 'runs of followNeutron with ports that could not be wired', [], ({ host }) =>
    all('WorkflowType = "followNeutron"', is(ZVM_OUTCOME, 'failed'), on(host)),
  ),
  saved('Everything about a port', 'its whole history, newest first', ['port'], ({ port = '' }) => aboutPort(port)),
  saved('Everything about a guest', 'all that was done to it', ['host', 'userid'], ({ host = '', userid = '' }) =>
    aboutGuest(host, userid),
  ),
  saved('On a VLAN', 'operations that put a port on the VLAN, or took one off it', ['vlan'], ({ host, vlan = '' }) =>
    all(operations, is(ZVM_VLAN, vlan), on(host)),
  ),
  saved('On a VSWITCH', 'operations on the VSWITCH and on its ports', ['vswitch'], ({ host, vswitch = '' }) =>
    all(operations, is(ZVM_VSWITCH, vswitch.toUpperCase()), on(host)),
  ),
];

function saved(name: string, tells: string, needs: readonly QueryParameter[], query: SavedQuery['query']): SavedQuery {
  return { name, tells, needs, query };
}

function all(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' AND ');
}

function on(host: string | undefined): string {
  return host === undefined ? '' : is(ZVM_HOST, host);
}

function is({ name }: { name: string }, value: string): string {
  return `${name} = ${quoted(value)}`;
}

function since(now: Date, hours: number): string {
  return `StartTime > ${quoted(ago(now, hours))}`;
}

function ago(now: Date, hours: number): string {
  return new Date(now.getTime() - hours * HOUR_MS).toISOString();
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
