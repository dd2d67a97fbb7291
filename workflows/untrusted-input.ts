import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

// Signals, queries and start inputs come from anybody: the Temporal UI, the temporal command, other languages. An error thrown over one of
// them would fail the workflow task, and each that follows. These checks use no zod: each run would load it anew, which costs more than all
// else that a run does.

/** A search attribute holds no longer text. */
const LONGEST_TEXT = 300;

/** The payload converter of workflows. An unreadable payload becomes undefined, which no workflow accepts as input. */
export const payloadConverter: PayloadConverter = {
  toPayload: (value) => defaultPayloadConverter.toPayload(value),
  fromPayload: <Value>(payload: Payload): Value => {
    try {
      return defaultPayloadConverter.fromPayload<Value>(payload);
    } catch {
      return undefined as Value;
    }
  },
};

/** True for an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for a text that is not empty and that a search attribute can hold. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_TEXT;
}

/** True for a list of such texts. */
export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

/** True for a field that is absent or valid. */
export function isAbsentOr(value: unknown, isValid: (value: unknown) => boolean): boolean {
  return value === undefined || isValid(value);
}
