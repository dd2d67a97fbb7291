import { ServiceError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { asActivityFailure } from '../../activities/failures.ts';

test('a Temporal server that does not answer is a transient failure, and a defect or a wrong call is none', () => {
  expect(asActivityFailure(new ServiceError('upstream connect error'))).toMatchObject({
    ...{
      type: 'StepFailed',
      nonRetryable: false,
      details: [{ code: 'unreachable', reason: 'upstream connect error' }],
    },
    message: 'ask Temporal: upstream connect error. What to do: check that Temporal answers.',
  });
  const wrong = new ServiceError('invalid query', { cause: Object.assign(new Error('3'), { code: 3 }) });
  expect(asActivityFailure(wrong)).toMatchObject({ nonRetryable: true });
  expect(asActivityFailure(new TypeError('x is undefined'))).toMatchObject({ nonRetryable: true });
});
