import type { Userid } from '../../../domain/text/identifiers.ts';
import type { Command } from './script.ts';

/** A SMAPI function called by the zHCP's smcli, with its target and further arguments. */
export function smcli(functionName: string, target: Userid, ...rest: readonly string[]): Command {
  return { argv: ['/opt/zhcp/bin/smcli', functionName, '-T', target, ...rest] };
}

/** Operands of SMAPI's newer functions: `-k key=value` each. */
export function operands(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => ['-k', `${key}=${value}`]);
}
