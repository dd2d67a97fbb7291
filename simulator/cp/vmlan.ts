import type { ZvmSystem } from '../zvm/system.ts';
import { answer, type CpCommand } from './reply.ts';

/**
 * QUERY VMLAN; the line with both prefixes has exactly two leading blanks (docs/reference/zvm.md 1.4; docs/reference/zvm.md 5.3 for 7.1).
 */
export function queryVmlan(system: ZvmSystem, command: CpCommand): number {
  return answer(command, system.release === '6.3' && system.behaviour.dna === 'absent' ? old(system) : later(system));
}

function old(system: ZvmSystem): string[] {
  return [
    'VMLAN maintenance level:',
    '  Latest Service: Base',
    'VMLAN MAC address assignment:',
    `  System ID: ${system.name}`,
    ...prefixes(system),
    ...general(system),
  ];
}

function later(system: ZvmSystem): string[] {
  const { dna } = system.behaviour;
  const withApars = dna !== 'absent';
  const before71 = system.release === '6.3' || system.release === '6.4';
  return [
    'VMLAN maintenance level:',
    `  Latest Service: ${before71 && withApars ? 'VM65925' : 'Base'}`,
    'VMLAN MAC address assignment:',
    '  System MAC Protection: OFF',
    ...prefixes(system),
    ...general(system),
    'Trace Pages: 8',
    ...(withApars ? [`VMLAN Directory Network Authorization: ${dna.toUpperCase()}`] : []),
    ...(before71 ? [] : ['IVL Domain: None']),
  ];
}

function prefixes({ macPrefix, userPrefix }: ZvmSystem): string[] {
  return [
    `  MACADDR Prefix: ${macPrefix} USER Prefix: ${userPrefix}`,
    '  MACIDRANGE SYSTEM: 000001-FFFFFF',
    '             USER:   000000-000000',
  ];
}

function general({ vswitches }: ZvmSystem): string[] {
  return [
    'VMLAN default accounting status:',
    '  SYSTEM Accounting: OFF       USER Accounting: OFF',
    'VMLAN general activity:',
    `  PERSISTENT Limit: INFINITE   Current: ${vswitches.size}`,
    '  TRANSIENT  Limit: INFINITE   Current: 0',
  ];
}
