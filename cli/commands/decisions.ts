import type { Command } from 'commander';
import { z } from 'zod';
import { type Decision, DecisionRefused, decideOn, type WaitingPlan } from '../../client/approval.ts';
import { describeOperation } from '../../client/operations.ts';
import { PlanId } from '../../domain/operations/requests.ts';
import { action } from '../action.ts';
import { agreed } from '../confirmation.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { colour, timeText } from '../output.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';

const Options = z.object({ plan: PlanId.optional() });

/** `zvmnet ops approve`, `zvmnet ops reject` */
export function decisionCommands(ops: Command): void {
  const commands = {
    approve: 'Approve the plan that an operation waits with. Nobody approves their own operation.',
    reject: 'Reject the plan that an operation waits with: the operation ends, nothing is touched.',
  } as const;
  for (const kind of ['approve', 'reject'] as const)
    ops
      .command(`${kind} <operation>`)
      .description(commands[kind])
      .option('--plan <id>', 'decide on this plan only; by default the plan is shown, with a question')
      .addHelpText(
        'after',
        examples([
          'zvmnet ops list --outcome awaiting-approval',
          `zvmnet ops ${kind} ID --plan 0123456789abcdef0123456789abcdef --reason CHG0012345`,
        ]),
      )
      .action(action(Options, (session, [id = ''], { plan }) => decide(session, kind, id, plan)));
}

async function decide(
  session: Session,
  kind: 'approve' | 'reject',
  id: string,
  named: string | undefined,
): Promise<ExitCode> {
  const client = await session.client();
  const { output, origin } = session;
  const operation = await describeOperation(client, id, undefined, { ask: false });
  if (operation === undefined) throw new CommandFailure(EXIT.notFound, `There is no operation ${id}.`);
  const plan = named ?? (await planToDecide(session, kind, operation.summary ?? id, operation.awaits));
  await session.warnWithoutWorker(operation.host, 'the decision');
  const decided = client.withAbortSignal(session.signal, () => decideOn(client, operation, kind, plan, origin));
  const decision = await decided.catch((error: unknown) => {
    if (session.signal.aborted)
      throw new CommandFailure(EXIT.interrupted, `Look whether it was decided: zvmnet ops show '${id}'`);
    throw error instanceof DecisionRefused ? new CommandFailure(EXIT.refused, `${id}: ${error.message}`) : error;
  });
  output.result({ operation: id, decision }, () => {
    output.print(`${colour('green', '✔')} ${decisionText(decision)}`);
    output.print(`See: zvmnet ops show '${id}'`);
  });
  return EXIT.ok;
}

/** The plan that waits, once the user has seen it and agrees. Throws a CommandFailure where nobody can be asked. */
async function planToDecide(
  session: Session,
  kind: 'approve' | 'reject',
  summary: string,
  awaits: WaitingPlan | undefined,
): Promise<string> {
  if (awaits === undefined)
    throw new CommandFailure(EXIT.refused, 'The operation does not wait for an approval. Nothing was decided.');
  if (!process.stdin.isTTY || session.output.json)
    throw new CommandFailure(
      EXIT.usage,
      `Plan ${awaits.plan} waits: look at it, and give --plan. Nothing was decided.`,
    );
  session.output.print(summary);
  showWaitingPlan(session.output, awaits);
  await agreed(session, `${kind === 'approve' ? 'Approve' : 'Reject'} this plan?`);
  return awaits.plan;
}

/** Print a plan that waits, and why it does. */
export function showWaitingPlan(output: Output, { kind, plan, effect, steps, moreSteps, rules, until }: WaitingPlan) {
  for (const step of steps) output.print(`  ○ ${step}`);
  if (moreSteps > 0) output.print(`  ○ and ${moreSteps} more`);
  const ends = kind === 'approval' ? `waits for an approval until ${timeText(until)}` : `goes on at ${timeText(until)}`;
  const live = effect === 'interrupts' ? ', interrupts live NICs' : '';
  output.print(`Plan ${plan}${live}: ${ends}, by ${rules.map((rule) => `"${rule}"`).join(', ')}`);
}

/** A decision as a line: `approved by bob (http), 2026-11-29 09:00: CHG0012345`. */
export function decisionText({ kind, by, via, at, reason }: Decision): string {
  return `${kind} by ${by} (${via}), ${timeText(at)}${reason === undefined ? '' : `: ${reason}`}`;
}
