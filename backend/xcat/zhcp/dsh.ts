import { defined } from '../../../domain/defined.ts';
import { type Elem, isFailed } from '../rest/answers.ts';
import type { Transport } from '../rest/transport.ts';

/** The output of a script on a node. `failed` says that its last command did, or that ssh or xdsh could not run it. */
export type ScriptResult = { stdout: string; stderr: string; failed: boolean };

/**
 * Run a shell script on a node (`xdsh`, docs/reference/xcat.md 3.1): HTTP 200 whatever becomes of it, no exit status, only `failed`. The
 * script must end in a command, not in a comment or `&`, and take at most 128 KiB. Throws BackendError 'unknown-node' for a node that xCAT
 * does not have, and what the transport throws.
 */
export async function runOnNode(
  transport: Transport,
  node: string,
  script: string,
  { signal, timeoutSeconds }: { signal?: AbortSignal; timeoutSeconds?: number } = {},
): Promise<ScriptResult> {
  const elements = await transport.request({
    method: 'PUT',
    path: `/nodes/${encodeURIComponent(node)}/dsh`,
    body: [`command=${script}`, ...(timeoutSeconds === undefined ? [] : [`timeout=${timeoutSeconds}`])],
    ...defined({ signal }),
  });
  return {
    stdout: textOf(elements, 'data', node),
    stderr: textOf(elements, 'error', node),
    failed: isFailed(elements),
  };
}

// Output comes in chunks of at most 4096 bytes, cut at line ends; every line has the prefix `<node>: `.
function textOf(elements: readonly Elem[], key: 'data' | 'error', node: string): string {
  return elements
    .flatMap((element) => element[key])
    .join('\n')
    .replaceAll(prefixOf(node), '');
}

// The node may be asked for by its short name and answer with its full one, or the other way round.
function prefixOf(node: string): RegExp {
  const short = (node.split('.')[0] ?? node).replaceAll(/[^A-Za-z0-9]/g, '\\$&');
  return new RegExp(`(?<=^|\\n)${short}(?:\\.[A-Za-z0-9._-]+)?: ?`, 'gi');
}
