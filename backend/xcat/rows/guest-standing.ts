import type { Finding } from '../../../domain/drift/finding.ts';
import type { RecordedPort, UnreadableValue } from '../../../domain/guest/guest.ts';
import { describeNetwork } from '../../../domain/port/port.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import { NodeName, Userid } from '../../../domain/text/identifiers.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import type { HostRecord, Orphan, RecordedAbsence } from '../../reading.ts';
import type { Row } from '../tables/tables.ts';
import {
  type Column,
  type MacEntry,
  macEntriesOf,
  type PortOfRows,
  recordedPorts,
  rowsOfNobody,
  rowsWithoutPort,
  unreadableValue,
  vdevsIn,
} from './port-rows.ts';

/** xCAT's tables as one host looks at them. */
export type TableView = {
  zhcpNode: string;
  /** Rows of the `zvm` table by userid: of guests that are on this host, and of those that are not. */
  here: ReadonlyMap<string, readonly Row[]>;
  elsewhere: ReadonlyMap<string, readonly Row[]>;
  /** Userids by node. */
  userids: ReadonlyMap<string, Userid | undefined>;
  /** Nodes of other hosts' zHCPs. */
  otherZhcps: ReadonlySet<string>;
  /** All zHCPs that the `zvm` table names, by host name and by node. */
  zhcps: ReadonlySet<string>;
  /** Nodes with ports of this host that the `zvm` table does not have, by the userid that they are named like. */
  abandoned: ReadonlyMap<string, readonly NodeName[]>;
  switchRows: ReadonlyMap<string, readonly Row[]>;
  macRows: ReadonlyMap<string, readonly Row[]>;
};

/** Look at xCAT's tables as the host of a zHCP node. */
export function viewTables(
  zhcpNode: string,
  zvm: readonly Row[],
  switchTable: readonly Row[],
  macTable: readonly Row[],
): TableView {
  const own = zvm.find(({ node }) => node === zhcpNode)?.hcp ?? '';
  // `hcp` holds the zHCP's full host name; its node is that name or its first label.
  const isHere = (row: Row) => (own !== '' && row.hcp === own) || zhcpOf(row) === zhcpNode;
  const userids = new Map(zvm.map((row) => [row.node ?? '', Userid.safeParse(row.userid).data]));
  const ownNodes = new Set(switchTable.filter((row) => row.comments === zhcpNode).map((row) => row.node ?? ''));
  const abandoned = nodesOf([...ownNodes].filter((node) => !userids.has(node)).map((node) => ({ node })));
  return {
    zhcpNode,
    here: Map.groupBy(zvm.filter(isHere), useridOf),
    elsewhere: Map.groupBy(
      zvm.filter((row) => !isHere(row)),
      useridOf,
    ),
    userids,
    otherZhcps: new Set(zvm.filter((row) => !isHere(row) && zhcpOf(row) !== '').map(zhcpOf)),
    zhcps: new Set([zhcpNode, ...zvm.flatMap((row) => [row.hcp ?? '', zhcpOf(row)])]),
    abandoned: Map.groupBy(abandoned, (node) => node.toUpperCase()),
    switchRows: Map.groupBy(switchTable, (row) => row.node ?? ''),
    macRows: Map.groupBy(macTable, (row) => row.node ?? ''),
  };
}

/** The nodes that stand for a userid, and whether it is this host's. */
export type Standing = {
  /** First the one whose rows of MACs and addresses are kept. */
  nodes: readonly [NodeName, ...NodeName[]];
  absence?: RecordedAbsence;
};

/**
 * The standing of a userid by the tables. Several nodes may stand for it, and ports may be left of nodes that are gone. Undefined when no row names
 * it and none could: the node of its name may be another guest's.
 */
export function standingOf(view: TableView, userid: Userid): Standing | undefined {
  const here = nodesOf(view.here.get(userid) ?? []);
  const elsewhere = view.elsewhere.get(userid) ?? [];
  const known = here.length > 0 ? here : nodesOf(elsewhere);
  const named = [...known, ...(view.abandoned.get(userid) ?? [])];
  const [node, ...otherNodes] =
    named.length > 0
      ? named.toSorted((one, other) => ownRows(view, other).length - ownRows(view, one).length)
      : nodesOf([{ node: userid.toLowerCase() }]).filter((each) => !view.userids.has(each));
  if (node === undefined) return undefined;
  const nodes = [node, ...otherNodes] as const;
  if (here.length > 0) return { nodes };
  const [row] = elsewhere;
  return {
    nodes,
    absence: row === undefined ? { kind: 'unknown' } : { kind: 'elsewhere', zhcp: zhcpOf(row) || 'no zHCP' },
  };
}

/** A node with ports of the host that xCAT has no guest for. */
function orphan(node: string): Orphan {
  const advice = NodeName.safeParse(node).success
    ? `define the node, or delete its rows: tabch -d node=${node} switch`
    : 'give the node a name that is valid in xCAT, or delete its rows';
  const name = NodeName.safeParse(node).success ? node : quoteValue(node);
  return { node, reason: `node ${name} with ports on this host has no guest in xCAT (${advice})` };
}

/** All ports that are recorded for a host, and whose they are. */
export function recordedOnHost(view: TableView): HostRecord {
  const { nodes, findings } = guestsHere(view);
  const recorded = new Map<Userid, readonly RecordedPort[]>();
  const absent = new Map<Userid, { node: NodeName; why: RecordedAbsence }>();
  const orphans: Orphan[] = [];
  for (const node of view.switchRows.keys()) {
    if (ownRows(view, node).length === 0) continue;
    const userid = view.userids.has(node) ? view.userids.get(node) : Userid.safeParse(node).data;
    const standing = userid === undefined ? undefined : standingOf(view, userid);
    if (userid === undefined || standing === undefined || !standing.nodes.some((each) => each === node)) {
      if (recordedPortsAt(view, node).length > 0) orphans.push(orphan(node));
      continue;
    }
    const ports = recordedPortsOf(view, standing);
    if (ports.length === 0) continue;
    recorded.set(
      userid,
      ports.map(({ port }) => port),
    );
    if (standing.absence !== undefined) absent.set(userid, { node: standing.nodes[0], why: standing.absence });
  }
  const odd = oddRows(view, nodes);
  return {
    guests: new Set(nodes.values()),
    nodes,
    recorded,
    absent,
    orphans,
    ...odd,
    findings: [...findings, ...odd.findings],
  };
}

/** The host's guests, by node name. A row of the `zvm` table that is not understood hides none of the others. */
function guestsHere(view: TableView): { nodes: Map<string, Userid>; findings: Finding[] } {
  const nodes = new Map<string, Userid>();
  const findings: Finding[] = [];
  for (const row of [...view.here.values()].flat()) {
    const node = NodeName.safeParse(row.node ?? '').data;
    const userid = Userid.safeParse(row.userid ?? '').data;
    if (node !== undefined && userid !== undefined) nodes.set(node, userid);
    // Nodes without a userid are no guests: a hypervisor, a group.
    else if ((row.userid ?? '') !== '') {
      const [what, value] = node === undefined ? ['node name', row.node] : ['userid', row.userid];
      const of = `row of node ${quoteValue(row.node ?? '')} in the zvm table`;
      findings.push({ of, reason: `${quoteValue(value ?? '')} is not a valid ${what}: the guest stays unchanged` });
    }
  }
  return { nodes, findings };
}

/** Rows of the `switch` table that hide NICs: those that are this host's and name no port, and those that are somebody else's. */
function oddRows(
  view: TableView,
  nodes: ReadonlyMap<string, Userid>,
): Pick<HostRecord, 'hidesPorts' | 'nicsOfOthers' | 'findings'> {
  const hidesPorts = new Set<Userid>();
  const nicsOfOthers = new Map<Userid, readonly Vdev[]>();
  const findings: Finding[] = [];
  for (const [node, rows] of view.switchRows) {
    const own = ownRows(view, node);
    const withoutPort = rowsWithoutPort(own, node);
    findings.push(...withoutPort);
    const userid = view.userids.get(node);
    const isNode = NodeName.safeParse(node).success;
    if (userid !== undefined && (withoutPort.length > 0 || (own.length > 0 && !isNode))) hidesPorts.add(userid);
    const guest = nodes.get(node);
    if (guest === undefined) continue;
    const others = rows.filter((row) => !own.includes(row));
    nicsOfOthers.set(guest, [...(nicsOfOthers.get(guest) ?? []), ...vdevsIn(others)]);
    findings.push(...rowsOfNobody(others, node, view.zhcps));
  }
  return { hidesPorts, nicsOfOthers, findings };
}

/** Rows of a guest that name no port. */
export function rowsWithoutPortOf(view: TableView, standing: Standing): Finding[] {
  return standing.nodes.flatMap((node) => rowsWithoutPort(ownRows(view, node), node));
}

/** The number of a port's rows in the `switch` table, and their nodes: the first has the row that counts. */
export type PortRows = { rows: number } & Pick<Standing, 'nodes'>;

/** The ports of a guest with their rows, whichever of its nodes these name. Of one that stands under several, the wired row counts. */
export function recordedPortsOf(view: TableView, standing: Standing): { port: RecordedPort; at: PortRows }[] {
  const found = standing.nodes.flatMap((node) =>
    recordedPortsAt(view, node, standing.nodes[0]).map(({ rows, ...port }) => ({ node, rows, port })),
  );
  return [...Map.groupBy(found, ({ port }) => port.portId).values()].flatMap((same) => {
    const chosen = same.find(({ port }) => port.vswitch !== undefined) ?? same[0];
    if (chosen === undefined) return [];
    const { node, port } = chosen;
    const nodes = [node, ...same.filter((each) => each !== chosen).map((each) => each.node)] as const;
    const rows = same.reduce((sum, each) => sum + each.rows, 0);
    const unreadable = unreadableOf(same.map((each) => each.port));
    const more = {
      ...(rows === 1 ? {} : { doubled: `has ${rows} rows` }),
      ...(unreadable.length === 0 ? {} : { unreadable }),
    };
    return { port: { ...port, ...more }, at: { rows, nodes } };
  });
}

/** Unreadable values of rows of one port under several nodes: of each for itself, and where wired ones say different things. */
function unreadableOf(same: readonly RecordedPort[]): UnreadableValue[] {
  const wired = same.filter(({ vswitch }) => vswitch !== undefined);
  const columns: [Column, (port: RecordedPort) => string][] = [
    ['switch', ({ vswitch = '' }) => vswitch],
    ['vlan', ({ network }) => describeNetwork(network)],
    ['interface', ({ vdev = '' }) => vdev],
  ];
  const different = columns.flatMap(([column, textOf]) => {
    const values = [...new Set(wired.map(textOf))];
    return values.length > 1 ? [unreadableValue(column, values.join(' and '))] : [];
  });
  return [...same.flatMap(({ unreadable = [] }) => unreadable), ...different];
}

/** The addresses in a node's row of the `mac` table. */
export function macEntriesAt({ macRows }: Pick<TableView, 'macRows'>, node: string): MacEntry[] {
  return macEntriesOf(macRows.get(node) ?? [], node);
}

function recordedPortsAt(view: TableView, node: string, first = node): PortOfRows[] {
  const macs = first === node ? macEntriesAt(view, node) : [...macEntriesAt(view, first), ...macEntriesAt(view, node)];
  return recordedPorts(ownRows(view, node), macs, view.zhcpNode);
}

/**
 * A node's rows of the `switch` table that are this host's to carry out: `comments` names its zHCP or, where the guest is on this host,
 * another host's that the guest has come from.
 */
function ownRows(view: TableView, node: string): Row[] {
  const userid = view.userids.get(node);
  const isHere = userid !== undefined && (view.here.get(userid) ?? []).some((row) => row.node === node);
  return (view.switchRows.get(node) ?? []).filter(
    ({ comments = '' }) => comments === view.zhcpNode || (isHere && view.otherZhcps.has(comments)),
  );
}

function nodesOf(rows: readonly Row[]): NodeName[] {
  return rows.flatMap((row) => NodeName.safeParse(row.node).data ?? []);
}

function useridOf({ userid }: Row): string {
  return userid?.toUpperCase() ?? '';
}

function zhcpOf({ hcp }: Row): string {
  return hcp?.split('.')[0] ?? '';
}
