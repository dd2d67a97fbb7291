import { runShell } from '../shell/interpreter.ts';
import type { ManagementNode } from '../xcat/management-node.ts';

/** The node of `POST /simulator/nodes/<node>/command`, undefined of any other path. */
export function nodeOfCommand(path: string): string | undefined {
  return /^\/simulator\/nodes\/([^/]+)\/command$/.exec(path)?.[1];
}

/**
 * Run a command on a node's Linux, as a program that is installed there does: byte by byte what it prints, with the exit status in a header.
 * 503 while the node is unreachable.
 */
export async function runOnNode(
  mn: ManagementNode,
  node: string,
  command: string,
): Promise<{ status: number; text: string; headers: Record<string, string> }> {
  const machine = mn.machine(node);
  if (machine === undefined) return { status: 503, text: `no way to ${node}\n`, headers: {} };
  const { stdout, stderr, status } = await runShell(machine, command, { NODE: node });
  return { status: 200, text: `${stdout}${stderr}`, headers: { 'exit-status': String(status) } };
}
