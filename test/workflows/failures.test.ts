import { ActivityFailure, ApplicationFailure, RetryState } from '@temporalio/common';
import { expect, test } from 'vitest';
import { hasLostAnswer } from '../../workflows/failures.ts';

test('the outcome of steps that a stopping worker could no longer wait for is unknown', () => {
  const ended = (type: string) =>
    new ActivityFailure(
      'Activity task failed',
      'applySteps',
      '1',
      RetryState.MAXIMUM_ATTEMPTS_REACHED,
      'worker',
      ApplicationFailure.retryable('it ended', type),
    );
  expect(hasLostAnswer(ended('WorkerShutdown'))).toBe(true);
  expect(hasLostAnswer(ended('StepFailed'))).toBe(false);
});
