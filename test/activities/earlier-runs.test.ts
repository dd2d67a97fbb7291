import type { Context } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { createTemporalOperations } from '../../activities/temporal-operations.ts';

type Client = Context['client'];
type Listed = { workflowId: string; runId: string; startTime: Date; closeTime?: Date };

const SINCE = Date.parse('2026-01-01T00:00:00Z');
const own = (name: string): Listed => ({ workflowId: name, runId: `${name}/now`, startTime: new Date(SINCE + 1_000) });
const EARLIER: Listed = {
  ...{ workflowId: 'guest/a', runId: 'before' },
  ...{ startTime: new Date(SINCE - 9), closeTime: new Date(SINCE + 9) },
};

/** A client whose list answers with the runs of the guests that a query names, as far as they are listed at that look. */
function clientWith(looks: readonly (readonly Listed[])[]) {
  const queries: string[] = [];
  const client = {
    workflow: {
      async *list({ query }: { query: string }) {
        queries.push(query);
        yield* (looks[Math.min(queries.length, looks.length) - 1] ?? []).filter(({ workflowId }) =>
          query.includes(`"${workflowId}"`),
        );
      },
      getHandle: () => ({
        describe: async () => ({ status: { name: 'COMPLETED' } }),
        result: async () => ({ words: { p1: { acceptedAt: SINCE + 5, operation: 'later' } }, answered: [] }),
      }),
    },
  };
  return { client: client as unknown as Client, queries };
}

test('guests that ask at the same moment share one list, of their own runs alone', async () => {
  const names = ['guest/a', 'guest/b', 'guest/c'];
  const { client, queries } = clientWith([names.map(own)]);
  const { carriedOut } = createTemporalOperations('zvm1');
  const asked = names.map((name) => carriedOut(client, { workflowId: name, runId: `${name}/now` }, SINCE, false));
  expect(await Promise.all(asked)).toEqual([undefined, undefined, undefined]);
  expect(queries).toEqual([
    `WorkflowId IN ("guest/a", "guest/b", "guest/c") AND (ExecutionStatus = "Running" OR CloseTime >= "2026-01-01T00:00:00.000Z")`,
  ]);
});

test('the work of an earlier run is known that has ended since the operation was accepted', async () => {
  const { client } = clientWith([[own('guest/a'), EARLIER, own('guest/b')]]);
  const { carriedOut } = createTemporalOperations('zvm1');
  const [ofA, ofB] = await Promise.all(
    ['guest/a', 'guest/b'].map((name) => carriedOut(client, { workflowId: name, runId: `${name}/now` }, SINCE, false)),
  );
  expect(ofA?.words).toEqual({ p1: { acceptedAt: SINCE + 5, operation: 'later' } });
  expect(ofB).toBeUndefined();
});

test('a list that does not have the own run yet is not believed', async () => {
  const { client, queries } = clientWith([[], [], [own('guest/a'), EARLIER]]);
  const { carriedOut } = createTemporalOperations('zvm1');
  const known = await carriedOut(client, { workflowId: 'guest/a', runId: 'guest/a/now' }, SINCE, false);
  expect(known?.words).toHaveProperty('p1');
  expect(queries).toHaveLength(3);
});
