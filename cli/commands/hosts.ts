import type { Command } from 'commander';
import { z } from 'zod';
import { describeHost, type KnownHost } from '../../client/known-hosts.ts';
import { behaviourTexts } from '../../domain/host/host-behaviour.ts';
import { capabilityText, capabilityTexts } from '../../domain/host/host-capabilities.ts';
import { action } from '../action.ts';
import { EXIT } from '../exit-codes.ts';
import { colour, type Output, timeText } from '../output.ts';
import { heldText, holdCommands } from './hold.ts';

/** `zvmnet hosts` */
export function hostsCommand(program: Command): void {
  const hosts = program
    .command('hosts')
    .summary('list z/VM systems: releases, workers, reconciliation')
    .description(
      'List the z/VM systems known to Temporal, with the levels of z/VM, the workers and the reconciliation of each.',
    )
    .action(
      action(z.object({}), async (session) => {
        const client = await session.client();
        const hosts = await Promise.all((await session.hosts()).map((host) => describeHost(client, host)));
        session.output.result({ hosts }, () => showHosts(session.output, hosts));
        return EXIT.ok;
      }),
    );
  holdCommands(hosts, program);
}

function showHosts(output: Output, hosts: readonly KnownHost[]): void {
  output.table(
    ['HOST', 'Z/VM', 'DNA', 'WORKERS', 'RECONCILIATION', 'LAST SUCCESS', 'NEXT'],
    hosts.map(rowOf),
    'Temporal knows no host yet: a worker registers its host.',
    { less: ['NEXT', 'DNA', 'WORKERS'] },
  );
  for (const { host, reconciliation, capabilities, hold } of hosts) {
    const { failure, reportsOnly } = reconciliation ?? {};
    if (hold !== null) output.print(colour('yellow', `${host}: ${heldText(hold)}`));
    else if (reportsOnly !== undefined && reportsOnly.why !== 'held')
      output.print(colour('yellow', `${host}: drift is reported and not repaired: ${reportsOnly.says}`));
    if (failure !== undefined)
      output.print(colour('red', `${host}: reconciliation failed at ${timeText(failure.at)}: ${failure.reason}`));
    if (capabilities === null) continue;
    output.print(`${host}: ${wordsOf(capabilityTexts(capabilities))}`);
    const behaviour = behaviourTexts(capabilities);
    if (behaviour.length > 0) output.print(`${host}: ${wordsOf(behaviour)}`);
  }
}

function wordsOf(rows: readonly [name: string, text: string][]): string {
  return rows.map(([name, text]) => `${name} ${text}`).join(', ');
}

function rowOf({ host, workers, reconciliation, capabilities, hold }: KnownHost): string[] {
  return [
    host,
    capabilities === null ? '–' : capabilityText(capabilities.release),
    capabilities === null ? '–' : capabilityText(capabilities.directoryNetworkAuthorization),
    workers === 0 ? colour('red', '0') : String(workers),
    hold === null ? howReconciled(reconciliation) : colour('yellow', 'held'),
    reconciliation?.lastSuccess === undefined ? '–' : timeText(reconciliation.lastSuccess),
    reconciliation?.next === undefined || reconciliation.paused ? '–' : timeText(reconciliation.next),
  ];
}

function howReconciled(reconciliation: KnownHost['reconciliation']): string {
  if (reconciliation === null) return colour('yellow', 'none');
  const { paused, note, everySeconds, failure, reportsOnly } = reconciliation;
  if (paused) return colour('yellow', `paused${note === '' ? '' : `: ${note}`}`);
  const often = `every ${everySeconds ?? '?'} s${reportsOnly === undefined ? '' : ', reports only'}`;
  return failure === undefined ? often : colour('red', `${often}, failed`);
}
