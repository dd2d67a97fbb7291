import type { Row } from '../tables/tables.ts';

/** True when guests have no zHCP in their own rows of the `zvm` table: it may stand in the row of a group (xcatdb(5), groups in tables). */
export function lacksZhcp(zvm: readonly Row[]): boolean {
  return zvm.some(isIncomplete);
}

/**
 * Rows of the `zvm` table with the `hcp` of the first of the node's groups that has one, where its own row has none. `nodelist` says a
 * node's groups.
 */
export function withZhcpsOfGroups(zvm: readonly Row[], nodelist: readonly Row[]): Row[] {
  const groups = new Map(nodelist.map((row) => [row.node, (row.groups ?? '').split(',')]));
  const zhcps = new Map(zvm.filter((row) => row.hcp).map((row) => [row.node, row.hcp ?? '']));
  return zvm.map((row) => {
    if (!isIncomplete(row)) return row;
    const hcp = (groups.get(row.node) ?? []).flatMap((group) => zhcps.get(group) ?? [])[0];
    return hcp === undefined ? row : { ...row, hcp: ofNode(hcp, row.node ?? '') };
  });
}

function isIncomplete({ userid, hcp }: Row): boolean {
  return (userid ?? '') !== '' && (hcp ?? '') === '';
}

/**
 * A group's value for one node: a text for all, or a substitution in the node's name, `/pattern/text/` or `|pattern|text|` (xcatdb(5)).
 * Arithmetic, which xCAT knows too, makes no name of a zHCP: such a value stays as it is, and names none.
 */
function ofNode(value: string, node: string): string {
  const [, pattern, text] = /^[/|]([^/|]*)[/|]([^/|()]*)[/|]$/.exec(value) ?? [];
  if (pattern === undefined || text === undefined) return value;
  try {
    return node.replace(new RegExp(pattern), text);
  } catch {
    return value;
  }
}
