import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/**
 * The converter inside workflows: a payload that cannot be read, as anybody may send one by signal, is undefined and so no input that a
 * workflow takes. An error would fail the workflow task, and each that follows.
 */
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
