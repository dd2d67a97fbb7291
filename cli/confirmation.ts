import { createInterface } from 'node:readline/promises';
import type { OperationRequest } from '../client/start-operation.ts';
import { type Effect, RESULTS } from '../domain/operations/results.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { showOutcome } from './outcome.ts';
import { exitCodeOf, perform } from './run-operation.ts';
import type { Session } from './session.ts';

/** Ask on the terminal. Throws a CommandFailure when the answer is not `yes`. */
export async function agreed(session: Session, question: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} (yes/no) `, { signal: session.signal }).catch(() => 'no');
  terminal.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new CommandFailure(EXIT.cancelled, 'Nothing was changed.');
}

/** How far a command has been agreed to: by `--yes`, or by the plan that it names. */
export type Agreed = { yes?: boolean | undefined; plan?: string | undefined; dryRun: boolean };

/** True of requests that take something away, or may interrupt a NIC. */
function isDestructive({ type, input }: OperationRequest): boolean {
  if (type === 'setAdminState') return !input.adminStateUp;
  return ['deletePort', 'detachNic', 'changeVlan', 'deleteVswitch', 'restorePorts'].includes(type);
}

/**
 * The requests as they are to be carried out. On a terminal the plans of those that take away or may interrupt are shown, and asked for; each
 * guest's first request is then bound to its plan. Without a terminal, and with `--json`, nobody is asked. Throws a CommandFailure when the answer
 * is no, or something is refused.
 */
export async function confirmed(
  session: Session,
  requests: readonly OperationRequest[],
  { yes = false, plan, dryRun }: Agreed,
): Promise<OperationRequest[]> {
  if (yes || dryRun || plan !== undefined || !session.asks || !requests.some(isDestructive)) return [...requests];
  const planned: { request: OperationRequest; plan: string | undefined; effect: Effect }[] = [];
  for (const request of requests) planned.push({ request, ...(await shownPlan(session, request)) });
  const isAsked = planned.some(
    ({ request, effect }) => effect === 'interrupts' || (effect === 'changes' && request.type !== 'changeVlan'),
  );
  if (isAsked) await agreed(session, 'Carry this out?');
  const bound = new Set<string>();
  return planned.map(({ request, plan: own }) => {
    const guest = 'userid' in request.input ? request.input.userid : '';
    const isFirst = !bound.has(guest);
    bound.add(guest);
    return own === undefined || !isFirst ? request : withInput(request, { onlyIf: { plan: own } });
  });
}

/** Plan a request and print its steps. Throws a CommandFailure when it is refused. */
async function shownPlan(
  session: Session,
  request: OperationRequest,
): Promise<{ plan: string | undefined; effect: Effect }> {
  const ended = await perform(session, withInput(request, { dryRun: true }), true);
  showOutcome(session.output, ended);
  const code = exitCodeOf(ended);
  if (code !== EXIT.ok) throw new CommandFailure(code, 'Nothing was changed.');
  const { plan, effect = 'changes' } = RESULTS.ports.safeParse(ended.result).data ?? {};
  return { plan, effect };
}

function withInput(request: OperationRequest, more: object): OperationRequest {
  // TypeScript does not relate the spread input to its member of the union.
  return { ...request, input: { ...request.input, ...more } } as OperationRequest;
}
