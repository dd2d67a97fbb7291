import { defined } from '../../../domain/defined.ts';
import { BackendError } from '../../backend-error.ts';
import type { Transport } from '../rest/transport.ts';
import { getAttribute } from '../tables/tables.ts';

/**
 * Node name of the management node: the node that has the address of the site table's `master` (docs/reference/xcat.md 3.4). Throws
 * BackendError 'refused' when one of the two rows is missing.
 */
export async function managementNodeName(
  transport: Transport,
  { signal }: { signal?: AbortSignal } = {},
): Promise<string> {
  const abortable = defined({ signal });
  const operation = 'find the management node';
  const address = await getAttribute(transport, 'site', 'key', 'master', 'value', abortable);
  const node =
    address === undefined ? undefined : await getAttribute(transport, 'hosts', 'ip', address, 'node', abortable);
  if (node !== undefined) return node;
  const message =
    address === undefined
      ? "xCAT's site table has no row with key master"
      : `xCAT's hosts table has no node with the address ${address} of the site table's master`;
  throw new BackendError({ code: 'refused', operation, message });
}
