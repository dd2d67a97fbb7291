import { type Code, describe } from '../zvm/codes.ts';
import type { SmcliCall, SmcliFunction } from './function.ts';

/** The data of a query, or a status text with its codes. */
export type SmcliAnswer = { data: string } | { status: string; code: Code } | { failed: Code };

/** Puts a function's result into smcli's form. */
export function conclude(spec: SmcliFunction, call: SmcliCall, result: Code | string): SmcliAnswer {
  return typeof result === 'string' ? { data: result } : answerWith(spec, call, result);
}

/** Puts a code pair into smcli's form. */
export function answerWith(spec: SmcliFunction, call: SmcliCall, code: Code): SmcliAnswer {
  return spec.status ? { status: spec.status(call), code } : { failed: code };
}

/** Prints an answer as smcli does (contract 4.1). */
export function render(answer: SmcliAnswer): string {
  if ('data' in answer) return answer.data;
  const [code, text, query] = 'failed' in answer ? [answer.failed, '', true] : [answer.code, answer.status, false];
  const [rc, rs] = code;
  if (rc === 0 && rs === 0) return `${text}Done\n`;
  const word = rc === 592 ? 'Started' : 'Failed';
  return `${text}${word}\n  Return Code: ${rc}\n  Reason Code: ${rs}\n  Description: ${describe(code, query)}\n`;
}

/** A text field as smcli's C code prints it: a field of length 0 is a NULL pointer (contract xcat.md 10). */
export function printed(text: string): string {
  return text === '' ? '(null)' : text;
}

/** True when smcli has met an empty field where it needs one: it ends with 1 after the rest (contract xcat.md 10). */
export function lacksField(stdout: string): boolean {
  return /^Error \w+ is NULL!!$/m.test(stdout);
}
