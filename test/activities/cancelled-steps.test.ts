import { CancelledFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { applySteps } from '../../activities/apply-steps.ts';
import { asActivityFailure } from '../../activities/failures.ts';
import type { ZvmBackend } from '../../backend/backend.ts';

const done = { id: 'record/1', step: 'record the port', answer: 'done', isAlready: false };

/** A backend that hears of the cancel when it has carried one step out. */
const stopped = (error: unknown): Pick<ZvmBackend, 'applySteps'> => ({
  applySteps: async () => ({ reports: [done], failure: { error, possibly: ['grant/1'] } }),
});

test('steps that were carried out before a cancel are told to the workflow, which rolls them back', async () => {
  const cancel = new AbortController();
  const reason = new CancelledFailure('CANCELLED');
  cancel.abort(reason);
  const cancellation = { stop: cancel.signal, leave: new AbortController().signal };
  const alone = { single: true, arrive: async () => undefined };
  const failure = await applySteps(stopped(reason), [], cancellation, alone).catch(asActivityFailure);
  expect(failure).toBeInstanceOf(CancelledFailure);
  expect(failure).toMatchObject({ details: [{ carriedOut: ['record/1'], possibly: ['grant/1'] }] });
});
