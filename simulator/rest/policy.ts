import { isEnabled, type Tables } from '../xcat/tables.ts';

/** The xCAT command that a request becomes (docs/reference/xcat.md 1.2): what policies allow or deny. */
export function commandOf(
  method: string,
  [resource = '', name, sub]: readonly string[],
  query: URLSearchParams,
): string {
  if (resource === 'version') return 'lsxcatd';
  if (resource === 'tables') return method === 'PUT' ? 'tabch' : query.has('col') ? 'gettab' : 'tabdump';
  if (resource === 'vms') return method === 'PUT' ? 'chvm' : 'lsvm';
  if (resource === 'networks') return name ?? 'lsdef';
  if (sub === 'dsh') return 'xdsh';
  return { PUT: 'tabch', POST: 'mkdef', DELETE: 'rmdef' }[method] ?? 'lsdef';
}

/**
 * Whether the policy table lets a user run a command: the first row that names both decides; without one it is denied
 * (docs/reference/xcat.md 1.1).
 */
export function isAllowed(tables: Tables, user: string, command: string): boolean {
  const rows = tables.list('policy').sort((one, other) => Number(one.priority) - Number(other.priority));
  const row = rows.find(({ name, commands, disable }) => {
    // This look-up alone takes an empty text for enabled (Table.pm, getAllEntries).
    if (disable !== '' && !isEnabled(disable)) return false;
    const commandsFit = !commands || commands.split(',').includes(command);
    return (!name || name === '*' || name === user) && commandsFit;
  });
  return ['allow', 'accept', 'trusted'].includes(row?.rule ?? '');
}
