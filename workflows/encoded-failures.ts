import { DefaultFailureConverter } from '@temporalio/common';

/** The failure converter where histories are encrypted: messages and stack traces become payloads, which the codec encrypts. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
