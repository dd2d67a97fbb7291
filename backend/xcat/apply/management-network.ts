import { defined } from '../../../domain/defined.ts';
import {
  MANAGEMENT_VDEV,
  type ManagementNodeState,
  type ManagementStep,
  managementSentence,
} from '../../../domain/host/management-network.ts';
import { refusal } from '../../../domain/planning/refusal.ts';
import type { StepReport } from '../../../domain/planning/steps.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import { BackendError, notDefined } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';
import { isGuestOf } from '../reading/management-node-nics.ts';
import { dumpTable } from '../tables/tables.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { Command, CommandOutcome } from '../zhcp/channel.ts';
import { failureOf, functionOf, verdictOf } from '../zhcp/smapi-outcome.ts';
import * as smcli from '../zhcp/smcli.ts';

const INTERFACE = 'enccw0.0.0800';
const DEVICES = [MANAGEMENT_VDEV, '0801', '0802'];

/** Read the management node's NIC on the management network, its address, and where the node runs. Throws a BackendError. */
export async function readManagementNode(host: XcatHost, signal: AbortSignal): Promise<ManagementNodeState> {
  const node = await host.xcat.managementNode({ signal });
  const [place, [nic, address]] = await Promise.all([
    placeOf(host, node, signal),
    host.xcat.channel(node).run([[QUERY_NIC], [{ argv: ['ifconfig', INTERFACE] }]], { signal }),
  ]);
  return { ...place, ...nicOf(nic), ...addressOf(address) };
}

/** Carry out steps for the management network, in order. Throws a BackendError that names the first that fails. */
export async function applyManagementSteps(
  host: XcatHost,
  steps: readonly ManagementStep[],
  signal: AbortSignal,
): Promise<StepReport[]> {
  const zhcp = await host.zhcp.get();
  for (const step of steps) {
    if (step.kind !== 'grantManagementNode') continue;
    const grant = smcli.grant(zhcp, step.vswitch, step.userid, []);
    const [outcome] = await host.xcat.channel(host.rules.zhcpNode).run([grant], { signal });
    if (verdictOf(grant, outcome)?.ok !== true) throw failureOf(managementSentence(step), outcome, functionOf(grant));
  }
  const onNode = steps.filter((step) => step.kind !== 'grantManagementNode');
  const node = await host.xcat.managementNode({ signal });
  const outcomes = await host.xcat.channel(node).run([onNode.map(commandOf)], { signal });
  for (const [index, step] of onNode.entries()) refuseFailed(step, outcomes[index]);
  return steps.map((step) => ({ step: managementSentence(step), answer: 'done' }));
}

const QUERY_NIC: Command = { argv: ['vmcp', 'q', 'v', 'nic', MANAGEMENT_VDEV] };

async function placeOf(
  host: XcatHost,
  node: string,
  signal: AbortSignal,
): Promise<Pick<ManagementNodeState, 'userid' | 'elsewhere'>> {
  const rows = await dumpTable(host.xcat.transport, 'zvm', { signal });
  const own = rows.find((row) => row.node === node);
  const userid = Userid.safeParse(own?.userid).data;
  if (own === undefined || userid === undefined) {
    const advice = "define the management node as a guest in xCAT's zvm table";
    throw notDefined('find the management node', [
      refusal('host', `management node ${node} has no userid in xCAT's zvm table`, advice),
    ]);
  }
  return { userid, ...(isGuestOf(host, own, rows) ? {} : { elsewhere: own.hcp ?? 'another host' }) };
}

function nicOf(outcome: CommandOutcome | undefined): Pick<ManagementNodeState, 'nic'> {
  if (outcome?.ran !== true) throw failed(`read NIC ${MANAGEMENT_VDEV} of the management node`, '', true);
  // HCPNDQ040E, with CP's return code on standard error (docs/reference/xcat.md 3.1)
  if (/does not exist/i.test(outcome.output)) return {};
  if (outcome.exitStatus !== 0)
    throw failed(`read NIC ${MANAGEMENT_VDEV} of the management node`, outcome.output, true);
  const vswitch = /VSWITCH: SYSTEM (\S+)/i.exec(outcome.output)?.[1]?.toUpperCase();
  return { nic: defined({ vswitch }) };
}

function addressOf(outcome: CommandOutcome | undefined): Pick<ManagementNodeState, 'address'> {
  const address = outcome?.ran === true ? /\binet (?:addr:)?(\d+(?:\.\d+){3})/.exec(outcome.output)?.[1] : undefined;
  return defined({ address });
}

function commandOf(step: ManagementStep): Command {
  switch (step.kind) {
    case 'defineManagementNic':
      return { argv: ['vmcp', 'define', 'nic', MANAGEMENT_VDEV, 'type', 'qdio'] };
    case 'coupleManagementNic':
      return { argv: ['vmcp', 'couple', MANAGEMENT_VDEV, 'system', step.vswitch] };
    case 'setManagementAddress': {
      const { address, mask } = step;
      const options = ['-a', address, '-d', ...DEVICES, '-e', INTERFACE, '-m', mask, '-g', address];
      return { argv: ['/usr/bin/perl', '/usr/sbin/sspqeth2.pl', ...options] };
    }
    default:
      throw new Error(`${step.kind} is not a step on the management node`);
  }
}

function refuseFailed(step: ManagementStep, outcome: CommandOutcome | undefined): void {
  if (outcome?.ran === true && outcome.exitStatus === 0) return;
  const output = outcome?.ran === true ? outcome.output : '';
  // Another host's worker may have defined or coupled the NIC at the same moment: the next reading shows it.
  throw failed(managementSentence(step), output, outcome?.ran !== true || /already/i.test(output));
}

function failed(operation: string, output: string, retryable: boolean): BackendError {
  const message = `${operation}: ${plainText(output) || 'no answer'}`;
  return new BackendError({ code: 'refused', operation, message, retryable });
}
