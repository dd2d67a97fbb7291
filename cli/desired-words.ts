import type { CarriedOut, DesiredPlan } from '../client/desired-plan.ts';
import { type FieldChange, type HostChanges, isAsDesired } from '../domain/host/desired-changes.ts';
import { showOutcome } from './outcome.ts';
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

/** Print a plan: each operation with its steps, or why it is refused; then what stays as it is. */
export function showPlan(output: Output, plan: DesiredPlan, hosts: readonly HostChanges[]): void {
  for (const { summary, differences, remove, steps, after, refusals, failure, effect } of plan.changes) {
    output.print(`${summary}${effect === 'interrupts' ? colour('yellow', ': interrupts a live NIC') : ''}`);
    for (const { portId, fields } of differences) output.print(`  port ${portId}: ${fields.map(fieldText).join(', ')}`);
    for (const portId of remove) output.print(`  ${colour('red', '-')} port ${portId}`);
    for (const step of steps) output.print(`  ○ ${step}`);
    if (after !== undefined) output.print(`  ○ after VSWITCH ${after} is made: its steps are not known before`);
    for (const { field, reason, advice } of refusals)
      output.print(`  ${colour('red', '✘')} ${field}: ${reason}\n    → ${advice}`);
    if (failure !== undefined) output.print(`  ${colour('red', '✘')} ${failure}`);
  }
  for (const each of hosts) showUnchanged(output, each);
}

/** Print how the operations of a plan ended. */
export function showCarriedOut(output: Output, done: readonly CarriedOut[]): void {
  for (const { change, operation } of done) {
    output.print(`${change.summary}`);
    if (operation === undefined) output.print(colour('yellow', '  not started: an operation before it has failed'));
    else showOutcome(output, operation);
  }
}
