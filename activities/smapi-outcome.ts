import type { Command, CommandOutcome } from '../backend/xcat/zhcp/channel.ts';
import { judge, type SmapiVerdict } from '../backend/xcat/zhcp/return-codes.ts';
import { failureOf } from './smapi-failure.ts';

/** What SMAPI says of a command, some of whose codes mean "already so"; undefined when it was not run. */
export function verdictOf(command: Command | undefined, outcome: CommandOutcome | undefined): SmapiVerdict | undefined {
  return outcome?.ran === true ? judge(functionOf(command), outcome.exitStatus, outcome.output) : undefined;
}

/** SMAPI's name of the function that a command calls: `smcli <function> …`. */
export function functionOf(command: Command | undefined): string {
  return command?.argv[1] ?? '';
}

/** What a query printed. Throws an XcatError that names what could not be read. */
export function answered(operation: string, outcome: CommandOutcome | undefined): string {
  if (outcome?.ran === true && judge(operation, outcome.exitStatus, outcome.output).ok) return outcome.output;
  throw failureOf(operation, outcome);
}
