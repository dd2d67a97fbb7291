import { type Code, describe } from '../zvm/codes.ts';
import type { Kind, SmcliCall, SmcliFunction } from './function.ts';

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

type Form = { name: string; kind: Kind; header: boolean };

/** Prints an answer as smcli does (docs/reference/smcli.md 1.1; the later program by its source, wrapperutils.c). */
export function render(answer: SmcliAnswer, { name, kind, header }: Form): string {
  if ('data' in answer) {
    const first = lacksField(answer.data) ? OUTPUT_ERRORS : ALL_OK;
    return `${header ? first : ''}${answer.data}`;
  }
  const [code, text, query] = 'failed' in answer ? [answer.failed, '', true] : [answer.code, answer.status, false];
  const [rc, rs] = code;
  const later = kind === 'zthin';
  if (rc === 0 && rs === 0) return later ? `${header ? ALL_OK : ''}Done\n` : `${text}Done\n`;
  const word = rc === 592 ? 'Started' : 'Failed';
  const description = later ? numbered(code, describe(code, query), name) : `${describe(code, query)}\n`;
  const status = later && text !== '' ? `${text}\n` : text;
  const first = header ? `8 ${rc} ${rs} (details) ${description}` : '';
  return `${first}${status}${word}\n  Return Code: ${rc}\n  Reason Code: ${rs}\n  Description: ${description}`;
}

const ALL_OK = '0 0 0 (details) None\n';
const OUTPUT_ERRORS = '25 -4 0 (details) ULGSMC6002E Errors detected in output data\n';

/** rcdescriptions.c: message number, text, and the function. */
function numbered([rc]: Code, text: string, name: string): string {
  const severity = rc === 0 ? 'I' : rc === 4 ? 'W' : 'E';
  return `ULGSMC5${String(rc).padStart(3, '0')}${severity} ${text}\n  API issued : ${name}\n`;
}

/** A text field as smcli's C code prints it: a field of length 0 is a NULL pointer (docs/reference/smcli.md 1.2). */
export function printed(text: string): string {
  return text === '' ? '(null)' : text;
}

/** True when smcli has met an empty field where it needs one: it ends with 1 after the rest (docs/reference/smcli.md 1.2). */
export function lacksField(stdout: string): boolean {
  return /^Error \w+ is NULL!!$/m.test(stdout);
}
