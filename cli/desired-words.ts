import { type FieldChange, type HostChanges, isAsDesired } from '../domain/host/desired-changes.ts';
import { colour, type Output } from './output.ts';

/** Print the differences of hosts from what their files say. */
export function showChanges(output: Output, hosts: readonly HostChanges[]): void {
  for (const changes of hosts) {
    output.print(`${changes.host}:${isAsDesired(changes) ? colour('green', ' as the file says') : ''}`);
    for (const vswitch of changes.vswitches) output.print(`  ${colour('green', '+')} VSWITCH ${vswitch}`);
    for (const { userid, set, remove } of changes.guests) {
      for (const { port, isNew, fields } of set)
        output.print(
          `  ${isNew ? colour('green', '+') : colour('yellow', '~')} ${userid} port ${port.portId}: ${fields.map(fieldText).join(', ')}`,
        );
      for (const portId of remove) output.print(`  ${colour('red', '-')} ${userid} port ${portId}`);
    }
    showUnchanged(output, changes);
  }
}

/** Print what stands in the way, and the ports that no file names. */
export function showUnchanged(output: Output, { refusals, unnamed }: HostChanges): void {
  for (const { userid, field, reason, advice } of refusals)
    output.print(`  ${colour('red', '✘')} ${userid} ${field}: ${reason}\n    → ${advice}`);
  for (const { userid, portId, reason } of unnamed)
    if (reason !== undefined) output.print(`  ${colour('dim', '?')} ${userid} port ${portId} is left: ${reason}`);
  const plain = unnamed.filter(({ reason }) => reason === undefined).length;
  if (plain > 0) output.print(colour('dim', `  ${plain} ports are not in the file and stay; --prune deletes them`));
}

function fieldText({ field, from, to }: FieldChange): string {
  return from === undefined ? `${field} ${to}` : `${field} ${from} → ${to}`;
}
