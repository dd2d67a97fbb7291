import { type Refusal, refusal } from '../planning/refusal.ts';
import type { Userid, VswitchName } from '../text/identifiers.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';
import type { HostRules } from './host.ts';

/** The management node's NIC on the management network (docs/reference/zvm.md 1.2). */
export const MANAGEMENT_VDEV = '0800';

/** The management node's NIC on the management network, and the system it runs on. */
export type ManagementNodeState = {
  userid: Userid;
  /** The zHCP node of the z/VM system that it is a guest of, when that is another one than this host's. */
  elsewhere?: string;
  /** NIC 0800 of the running node; `vswitch` once it is coupled. */
  nic?: { vswitch?: string };
  /** The address of its interface. */
  address?: string;
};

/** One change to the management node's network. Temporary, as CP's are: gone when it restarts (docs/reference/zvm.md 4.2). */
export type ManagementStep = (
  | { kind: 'grantManagementNode'; vswitch: VswitchName; userid: Userid }
  | { kind: 'defineManagementNic' }
  | { kind: 'coupleManagementNic'; vswitch: VswitchName }
  | { kind: 'setManagementAddress'; address: string; mask: string }
) & { disturbs: boolean };

/** The steps of the management network, or its refusals. */
export type ManagementDecision = { steps: ManagementStep[]; refusals: Refusal[] };

/**
 * The steps to NIC 0800 of the management node: on the VSWITCH of the host's first flat network, with the configured address. None when the
 * node is a guest of another host. An address or VSWITCH that somebody else gave the NIC is refused: there is one management network.
 */
export function planManagementNetwork(
  state: ManagementNodeState,
  vswitches: readonly Vswitch[],
  rules: Pick<HostRules, 'host' | 'vswitches' | 'managementNetwork'>,
): ManagementDecision {
  const { managementNetwork: wanted } = rules;
  const flat = rules.vswitches.find((candidate) => candidate.flat)?.vswitch;
  if (wanted === undefined || flat === undefined) return { steps: [], refusals: [notConfigured(rules)] };
  if (state.elsewhere !== undefined) return { steps: [], refusals: [] };
  const vswitch = vswitches.find((candidate) => candidate.name === flat);
  const refusals = refuseState(state, vswitch, flat, wanted.address, rules.host);
  if (refusals.length > 0) return { steps: [], refusals };
  const { nic, userid } = state;
  const coupled = nic?.vswitch !== undefined;
  const authorised = vswitch?.authorisations.some((entry) => entry.userid === userid) === true;
  const steps: ManagementStep[] = [];
  if (!coupled && !authorised) steps.push({ kind: 'grantManagementNode', vswitch: flat, userid, disturbs: false });
  if (nic === undefined) steps.push({ kind: 'defineManagementNic', disturbs: false });
  if (!coupled) steps.push({ kind: 'coupleManagementNic', vswitch: flat, disturbs: false });
  if (!coupled || state.address !== wanted.address)
    steps.push({ kind: 'setManagementAddress', ...wanted, disturbs: false });
  return { steps, refusals };
}

function notConfigured({ host, managementNetwork }: Pick<HostRules, 'host' | 'managementNetwork'>): Refusal {
  if (managementNetwork === undefined)
    return refusal('host', `host ${host} has no management network`, 'set xcat_mgt_ip and xcat_mgt_mask');
  return refusal('host', `host ${host} has no flat network for the management network`, 'name one in flat_networks');
}

function refuseState(
  { nic, address }: ManagementNodeState,
  vswitch: Vswitch | undefined,
  flat: VswitchName,
  wanted: string,
  host: string,
): Refusal[] {
  const advice = 'use the present management network, or uncouple NIC 0800 from it first';
  if (vswitch === undefined)
    return [refusal('host', `VSWITCH ${flat} is not defined on ${host}`, 'create it with ensureVswitch')];
  if (vswitch.portSelection === 'PORTBASED')
    return [refusal('host', `VSWITCH ${flat} is port-based`, 'put a user-based flat network first in flat_networks')];
  if (nic?.vswitch === undefined) return [];
  if (nic.vswitch !== flat)
    return [refusal('host', `NIC 0800 of the management node is on ${nic.vswitch}, not on ${flat}`, advice)];
  if (address !== undefined && address !== wanted)
    return [refusal('host', `the management node has the management address ${address}, not ${wanted}`, advice)];
  return [];
}

/** The step as a sentence for operators. */
export function managementSentence(step: ManagementStep): string {
  switch (step.kind) {
    case 'grantManagementNode':
      return `grant ${step.userid} on ${step.vswitch}`;
    case 'defineManagementNic':
      return 'define NIC 0800 on the management node';
    case 'coupleManagementNic':
      return `couple NIC 0800 of the management node to ${step.vswitch}`;
    case 'setManagementAddress':
      return `give the management node the address ${step.address} mask ${step.mask}`;
  }
}
