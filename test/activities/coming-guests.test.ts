import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { createComingGuests } from '../../activities/coming-guests.ts';

const OWN = 'worker 1';
const RUN = { runId: 'run-1', status: { name: 'RUNNING' } };

type Tasks = { pendingWorkflowTask?: object; pendingActivities?: object[] };

/** Temporal with one guest run that has these tasks; without them there is no open run. */
function temporalWith(tasks: Tasks | undefined): Context['client'] {
  const describe = async () => {
    if (tasks === undefined) throw Object.assign(new Error('no run'), { name: 'WorkflowNotFoundError' });
    return { ...RUN, raw: tasks };
  };
  const client = {
    options: { identity: OWN },
    workflow: { getHandle: () => ({ describe }) },
    withDeadline: (_deadline: number, call: () => Promise<unknown>) => call(),
  };
  return client as unknown as Context['client'];
}

const isComing = (tasks: Tasks | undefined) => createComingGuests().isComing(temporalWith(tasks), 'guest/zvm1/LNX1');
const activityOf = (lastWorkerIdentity: string) => ({
  pendingActivities: [{ activityId: '1', lastWorkerIdentity }],
});

test('a guest whose run has a workflow task is on its way', async () => {
  expect(await isComing({ pendingWorkflowTask: {} })).toBe(true);
});

test('so is one with an activity that waits for a worker, or that this worker has taken', async () => {
  expect(await isComing(activityOf(''))).toBe(true);
  expect(await isComing(activityOf(OWN))).toBe(true);
});

test('one that waits, that has ended, or that another worker has is not', async () => {
  expect(await isComing({ pendingActivities: [] })).toBe(false);
  expect(await isComing(undefined)).toBe(false);
  expect(await isComing(activityOf('worker 2'))).toBe(false);
});

test('one whose activity has come is not, until that ends', async () => {
  const guests = createComingGuests();
  const client = temporalWith(activityOf(OWN));
  const info = { activityId: '1', workflowExecution: { workflowId: 'guest/zvm1/LNX1', runId: RUN.runId } };
  const whileHere = await asyncLocalStorage.run({ info } as unknown as Context, () =>
    guests.afterComing(() => guests.isComing(client, 'guest/zvm1/LNX1')),
  );
  expect(whileHere).toBe(false);
  expect(await guests.isComing(client, 'guest/zvm1/LNX1')).toBe(true);
});

test('a Temporal that does not answer says of nobody that it does not come', async () => {
  const client = { ...temporalWith({}), withDeadline: () => Promise.reject(new Error('DEADLINE_EXCEEDED')) };
  expect(await createComingGuests().isComing(client as unknown as Context['client'], 'guest/zvm1/LNX1')).toBe(true);
});
