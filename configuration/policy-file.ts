import { readFileSync } from 'node:fs';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { refusalsOf } from '../domain/planning/refusal.ts';
import { Policy } from '../domain/policy/policy.ts';
import { messageOf } from '../domain/text/error-message.ts';
import type { ConfigurationProblem } from './error.ts';

/** A policy file, by its path: its rules, or every problem with its line. */
export type PolicyFile = { policy: Policy } | { problems: ConfigurationProblem[] };

/** Read a policy from a file of YAML, of which JSON is a part. Only reads the file. */
export function readPolicyFile(file: string): PolicyFile {
  try {
    return policyIn(file, readFileSync(file, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return { problems: [{ file, problem: `cannot be read${code}`, allowed: 'a policy file in YAML' }] };
  }
}

function policyIn(file: string, text: string): PolicyFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => ({ file, line: lines.linePos(offset).line });
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) return { problems: wrong.map(({ pos, message }) => ({ ...at(pos[0]), problem: message })) };
  let value: unknown;
  try {
    // Aliases that would grow without bounds are refused here.
    value = document.toJS();
  } catch (error) {
    return { problems: [{ ...at(0), problem: messageOf(error) }] };
  }
  const parsed = Policy.safeParse(value);
  if (parsed.success) return { policy: parsed.data };
  return {
    problems: refusalsOf(parsed.error, '').map(({ field, reason }) => ({
      ...at(offsetOf(document, field === '' ? [] : field.split('.'))),
      ...(field === '' ? {} : { key: field }),
      problem: reason,
    })),
  };
}

/** The offset of the node, or of the nearest one around it. */
function offsetOf(document: Document.Parsed, path: readonly string[]): number {
  const node = document.getIn(path, true);
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  if (Array.isArray(range)) return Number(range[0]);
  return path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1));
}
