import { asyncLocalStorage, CancelledFailure, type Context } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { withHeartbeat } from '../../activities/heartbeat.ts';

/** An activity whose heartbeats Temporal answers so, one after another. */
async function activity(answers: (() => void)[], cancelled: Promise<never>) {
  const given: object[] = [];
  const client = {
    activity: {
      heartbeat: async (_token: Uint8Array, details: object) => {
        given.push(details);
        answers.shift()?.();
      },
    },
  };
  const context = {
    info: { taskToken: new Uint8Array() },
    cancellationSignal: new AbortController().signal,
    heartbeat: () => undefined,
    ...{ cancelled, client },
  };
  let began = false;
  const work = withHeartbeat.bind(undefined, async (_signal, keep) => {
    await keep({ planned: true });
    began = true;
  });
  const ended = await asyncLocalStorage.run(context as unknown as Context, work).catch((error: unknown) => error);
  return { given, began, ended };
}

const failing = (name: string) => () => {
  throw Object.assign(new Error(name), { name });
};
const never = new Promise<never>(() => undefined);

test('a plan is given to Temporal again when it was away, and nothing begins before it has it', async () => {
  const { given, began } = await activity([failing('ServiceError')], never);
  expect(given).toEqual([{ planned: true }, { planned: true }]);
  expect(began).toBe(true);
});

test('a request that was withdrawn while it was planned is not begun', async () => {
  const cancelled = Promise.reject(new CancelledFailure('CANCELLED'));
  cancelled.catch(() => undefined);
  const { began, ended } = await activity([failing('ActivityCancelledError')], cancelled);
  expect(began).toBe(false);
  expect(ended).toBeInstanceOf(CancelledFailure);
});
