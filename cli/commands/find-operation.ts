import { describeOperation, listOperations, type OperationDetails } from '../../client/operations.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import type { Session } from '../session.ts';

/** The end of an id that is its operation's own, as workflowIdFor makes it. */
const OWN_END = /^.*~([0-9a-f]{8}-[0-9a-f]{4})$/;
const MOST_LOOKED_AT = 1_000;

/** The end of an operation's id by which it can be named; the whole id of one that has no such end. */
export function endOfId(id: string): string {
  return id.replace(OWN_END, '$1');
}

/** The operation of that id, or with that end of its id among the newest. Throws a CommandFailure when it does not exist. */
export async function findOperation(session: Session, words: string, run?: string): Promise<OperationDetails> {
  const client = await session.client();
  const exact = await describeOperation(client, words, run);
  if (exact !== undefined) return exact;
  const isEnd = /^[0-9a-f]{8}-[0-9a-f]{4}$/.test(words);
  const newest = isEnd
    ? await listOperations(client, { host: session.namedHost(), withoutIdle: true }, MOST_LOOKED_AT)
    : [];
  const [found] = newest.filter(({ id }) => endOfId(id) === words);
  const operation = found === undefined ? undefined : await describeOperation(client, found.id, run);
  if (operation === undefined) throw new CommandFailure(EXIT.notFound, `There is no operation ${words}.`);
  return operation;
}
