import { defined } from '../../../domain/defined.ts';
import type { ObservedChain, ObservedCommand } from '../../observation.ts';
import { judge } from '../../zvm/return-codes.ts';
import type { Command, CommandOutcome } from './script.ts';

/** A chain as observers see it: names of functions, never their operands, which may hold a password. */
export function observedChainOf(chain: readonly Command[], host: string, node: string): ObservedChain {
  const lane = chain.some(changesDirectory) ? 'directory' : chain.some(isSmapi) ? 'smapi' : 'cp';
  return { host, node, lane, commands: chain.map(namedOf) };
}

/** A command with its outcome as observers see it. */
export function observedCommandOf(command: Command | undefined, outcome: CommandOutcome): ObservedCommand {
  const named = namedOf(command);
  if (!outcome.ran) return named;
  const { exitStatus, output } = outcome;
  if (command === undefined || !isSmapi(command) || exitStatus === 0) return { ...named, exitStatus };
  const verdict = judge(named.name, exitStatus, output);
  return { ...named, exitStatus, ...defined(verdict.ok ? {} : { rc: verdict.rc, rs: verdict.rs }) };
}

/** True for SMAPI's functions that DirMaint carries out, as far as they read nothing alone. */
export function changesDirectory({ argv }: Command): boolean {
  return argv.some((word) => /_DM\b/.test(word) && !/^\w+_Query_DM$/.test(word));
}

/** True for SMAPI's functions that change something. */
export function changesZvm(command: Command): boolean {
  return isSmapi(command) && !namedOf(command).reads;
}

function isSmapi({ argv }: Command): boolean {
  return argv[0]?.endsWith('/smcli') === true;
}

function namedOf(command: Command | undefined): Pick<ObservedCommand, 'name' | 'reads'> {
  const name = nameOf(command);
  return { name, reads: /(^|_)Query|^vmcp q/.test(name) };
}

/** SMAPI's function; of another program its name and, of CP's commands, their first two words. */
function nameOf(command: Command | undefined): string {
  const [program = '', first = '', second = ''] = command?.argv ?? [];
  if (program.endsWith('/smcli')) return first;
  return program === 'vmcp' ? ['vmcp', first, second].join(' ').trim() : program;
}
