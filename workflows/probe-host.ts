import type { InputOf } from '../domain/operations/operations.ts';
import type { ProbeReport } from '../domain/probe/report.ts';
import { approvals } from './approval.ts';
import { guestQueues } from './guest-queues.ts';
import { acceptRequest, requestFrom } from './operation.ts';

/** The result of a probe; the report is absent after a dry run. */
export type ProbeHostResult = { host: string; dryRun: boolean; steps: string[]; report?: ProbeReport };

/**
 * Ask z/VM what no document answers, on an expendable guest that has no NIC, and put everything back. The guest's own run asks: no other
 * operation writes to the guest meanwhile.
 */
export async function probeHost(input: InputOf<'probeHost'>): Promise<ProbeHostResult> {
  const queues = guestQueues();
  const approving = approvals();
  const { questions, vswitch, mayLogOff, ...request } = await acceptRequest('probeHost', input);
  const { host, userid, dryRun } = request;
  const change = { kind: 'probe' as const, questions, mayLogOff, ...(vswitch && { vswitch }) };
  const found = { portIds: [], vswitches: vswitch === undefined ? [] : [vswitch], vlans: [] };
  const summary = `ask z/VM of ${host} ${questions.length} question(s) on ${userid}`;
  const operation = { ...request, change, found, summary, keepOnFailure: false };
  const { steps, probe } = await requestFrom(queues, approving, operation);
  return { host, dryRun, steps, ...(probe && { report: probe }) };
}
