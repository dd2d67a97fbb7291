import { z } from 'zod';
import { BackendError } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';

// Values are arrays of strings or null (docs/reference/xcat.md 1.4); a bare string or number is taken too, anything else is no text.
const Texts = z.unknown().transform((value): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((leaf: unknown) => {
    if (typeof leaf === 'string') return [leaf];
    return typeof leaf === 'number' ? [String(leaf)] : [];
  }),
);

/** Of a text that is quoted, no more is looked at; of several, no more of them. */
const MOST_QUOTED = 20_000;
const MOST_TEXTS = 20;

const Plain = z.object({
  data: Texts.optional(),
  info: Texts.optional(),
  error: Texts.optional(),
  errorcode: Texts.optional(),
});

const Nested = z
  .unknown()
  .transform((value) => (Array.isArray(value) ? value : [value]).flatMap((node) => Plain.safeParse(node).data ?? []));

const Element = z
  .object({ ...Plain.shape, node: Nested.optional() })
  .nullable()
  .transform((element): Elem => {
    const { data = [], info = [], error = [], errorcode = [], node = [] } = element ?? {};
    return {
      data,
      info,
      error: [...error, ...node.flatMap((each) => each.error ?? [])],
      errorcodes: [...errorcode, ...node.flatMap((each) => each.errorcode ?? [])],
    };
  });

const Envelope = z.object({ data: z.array(Element) });

/** One element of an answer: one response of xcatd, texts only, those of nested `node` elements with its own. */
export type Elem = {
  readonly data: readonly string[];
  readonly info: readonly string[];
  readonly error: readonly string[];
  readonly errorcodes: readonly string[];
};

/**
 * Parse the body of a 2xx answer, `{"data":[…]}` (docs/reference/xcat.md 1.4). Unknown keys are ignored, null leaves dropped. Throws a
 * transient BackendError 'bad-answer' for what is not xCAT's: cut short, the page of a proxy, another shape.
 */
export function parseAnswer(body: string, operation: string): Elem[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    const cut = /^\s*(\{|$)/.test(body.slice(0, MOST_QUOTED));
    const what = cut ? 'the answer is incomplete' : `the answer is not JSON: ${plainText(body)}`;
    throw new BackendError({ code: 'bad-answer', operation, message: `${operation}: ${what}` });
  }
  const envelope = Envelope.safeParse(value);
  if (envelope.success) return envelope.data.data;
  throw new BackendError({
    code: 'bad-answer',
    operation,
    message: `${operation}: the answer does not have the form of xCAT's API`,
  });
}

/**
 * True when xCAT says that the command failed: the errorcode of any element is not 0 (docs/reference/xcat.md 3.1: the first one may be 0 in
 * spite of a failure), or there is an error without any errorcode.
 */
export function isFailed(elements: readonly Elem[]): boolean {
  return elements.some(
    ({ error, errorcodes }) =>
      errorcodes.some((code) => Number(code) !== 0) || (error.length > 0 && errorcodes.length === 0),
  );
}

/** xCAT's words on a failure: all error texts, or the data where it puts them there (tabch, docs/reference/xcat.md 2.4). */
function errorText(elements: readonly Elem[]): string {
  const errors = elements.flatMap((element) => element.error);
  const texts = errors.length > 0 ? errors : elements.flatMap((element) => [...element.data, ...element.info]);
  const first = texts.slice(0, MOST_TEXTS).map((text) => text.slice(0, MOST_QUOTED));
  return plainText(first.join('; ')) || 'no reason given';
}

/**
 * Throws BackendError 'refused' when the answer, though HTTP 200, holds an error (docs/reference/xcat.md 1.3). It is transient when xCAT's
 * database failed, unless that refused a row because there is one of its key.
 */
export function refuseErrors(elements: readonly Elem[], operation: string): void {
  if (!isFailed(elements)) return;
  throw tableRefusal(operation, errorText(elements));
}

// SQLite, PostgreSQL and MySQL: xCAT passes on what its database says.
const DUPLICATE = /UNIQUE constraint failed|columns? .* (is|are) not unique|duplicate key value|Duplicate entry/i;

/**
 * The refusal of a change to a table, in xCAT's words. A row that is there already was written by somebody else since the table was read; any
 * other failure of xCAT's database is transient.
 */
export function tableRefusal(operation: string, reason: string): BackendError {
  const message = `${operation}: ${reason}`;
  if (DUPLICATE.test(reason)) return new BackendError({ code: 'conflict', operation, message });
  return new BackendError({ code: 'refused', operation, message, retryable: /\bDB error\b/i.test(reason) });
}
