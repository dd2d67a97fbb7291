// Signals, queries and start inputs come from anybody: the Temporal UI, the temporal command, other languages. An error thrown over one of
// them would fail the workflow task, and each that follows. zod is loaded anew by each run, which costs more than all else that a run does.

/** Longer texts fit into no search attribute. */
const LONGEST_TEXT = 300;

/** True for an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for a text that is not empty, and that a search attribute can hold. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_TEXT;
}

/** True for a list of such texts. */
export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

/** True for a field that is absent, or as it should be. */
export function hasOnly(value: unknown, isRight: (value: unknown) => boolean): boolean {
  return value === undefined || isRight(value);
}
