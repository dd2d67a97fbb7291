import { within } from '../flow.ts';
import { runShell } from '../shell/interpreter.ts';
import { MOST_ARGUMENT_BYTES } from '../shell/machine.ts';
import type { ManagementNode } from '../xcat/management-node.ts';
import type { Element } from '../xcat/tables.ts';

const READ_SIZE = 4096;
/** locale and node, which go before the command, and the status after it */
const EXPORTS_BYTES = 300;

/** `PUT /nodes/<node>/dsh`: runs the command there and answers as xdsh does (docs/reference/xcat.md 3.1). */
export async function xdsh(mn: ManagementNode, node: string, body: readonly string[]): Promise<Element[]> {
  const options = new Map<string, string>();
  for (const entry of body) {
    const at = entry.indexOf('=');
    options.set(at < 0 ? entry : entry.slice(0, at), at < 0 ? '1' : entry.slice(at + 1));
  }
  const command = options.get('command');
  if (command === undefined) return [{ error: ['No command argument provided'], errorcode: ['1'] }];
  const machine = mn.machine(node);
  if (!machine)
    return [stderrElement(node, `ssh: connect to host ${node} port 22: No route to host`), { errorcode: ['1'] }];
  const script = command.replace(/ +$/, '').replace(/;$/, '');
  if (Buffer.byteLength(script) + EXPORTS_BYTES >= MOST_ARGUMENT_BYTES)
    return [stderrElement(node, 'bash: /usr/bin/ssh: Argument list too long'), { errorcode: ['1'] }];
  const running = runShell(machine, script, { NODE: node });
  const limit = Number(options.get('timeout') ?? '0');
  const result = limit > 0 ? await within(limit * 1000, running) : await running;
  if (!result) {
    const text = `Timed out waiting for response from child processes for the following nodes. ${node}`;
    return [{ error: [text], errorcode: ['1'] }, { errorcode: ['1'] }];
  }
  const elements: Element[] = [];
  if (result.stdout !== '') elements.push({ data: chunks(node, result.stdout) });
  if (result.stderr !== '') elements.push(stderrElement(node, result.stderr));
  // the number of failed nodes, not the exit status
  elements.push({ errorcode: [result.status === 0 ? '0' : '1'] });
  return elements;
}

function stderrElement(node: string, text: string): Element {
  return { error: [prefixed(node, text)], errorcode: ['0'], NoErrorPrefix: ['1'] };
}

function prefixed(node: string, text: string): string {
  return ascii(text)
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${node}: ${line}`)
    .join('\n');
}

/** xcatd replaces bytes outside octal 011 to 177 (docs/reference/xcat.md 1.4). */
function ascii(text: string): string {
  return text.replaceAll(/[^\t-\x7f]/g, '?');
}

function chunks(node: string, stdout: string): (string | null)[] {
  const found: (string | null)[] = [];
  let current = '';
  for (const line of stdout.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    if (current.length + line.length > READ_SIZE && current !== '') {
      found.push(prefixed(node, current));
      current = '';
    }
    current += line;
  }
  found.push(prefixed(node, current));
  // the status line came in a read of its own: an empty chunk stays behind (docs/reference/xcat.md 3.1)
  if (found.length > 1 || stdout.startsWith('ERROR: Unsupported')) found.push(null);
  return found;
}
