import type { ManagementStep } from '../domain/host/management-network.ts';
import { type Refusal, refusal } from '../domain/planning/refusal.ts';
import type { Step } from '../domain/planning/steps.ts';
import type { VswitchStep } from '../domain/planning/vswitch-plan.ts';

/** The steps that a backend can carry out, by what they ask of it. */
export type Capabilities = {
  /** Port-based VSWITCHes: make them, give port numbers. */
  portBased: boolean;
  /** More than one VLAN for a userid. */
  vlanSets: boolean;
  /** Fixed addresses and names of NICs. */
  addresses: boolean;
  /** Put deferred changes of the directory online. */
  deferredDirectory: boolean;
  /** Change the uplinks of an existing VSWITCH. */
  changeUplinks: boolean;
  /** The server's own NIC on the management network. */
  managementNetwork: boolean;
  /** Give a NIC of a running guest its MAC. */
  liveMac: boolean;
  /** Operands of a NIC and of an authorisation beyond VSWITCH, VLAN and MAC: DEVICES, CHPID, promiscuity, priority. */
  nicOperands: boolean;
};

type Need = { capability: keyof Capabilities; field: string; what: string; advice?: string };
type AnyStep = Step | VswitchStep | ManagementStep;

/** Refusals of a plan with steps that a backend cannot carry out, one for each capability that it lacks. */
export function refuseIncapable(
  { kind, can }: { kind: string; can: Capabilities },
  steps: readonly AnyStep[],
): Refusal[] {
  const lacking = steps.flatMap(needsOf).filter(({ capability }) => !can[capability]);
  return [...new Map(lacking.map((need) => [need.capability, need])).values()].map(
    ({ field, what, advice = OTHERWISE }) => refusal(field, `the backend ${kind} does not support ${what}`, advice),
  );
}

function needsOf(step: AnyStep): Need[] {
  switch (step.kind) {
    case 'removePortNumber':
    case 'ensurePortNumber':
    case 'ensurePortVlans':
      return [PORT_BASED];
    case 'createVswitch':
      return step.settings.portSelection === 'PORTBASED' ? [PORT_BASED] : [];
    case 'ensureAuthorisation':
      return [...(step.vlans.length > 1 ? [VLAN_SETS] : []), ...(step.promiscuous === true ? [OPERANDS] : [])];
    case 'ensureDirectoryNic':
      return [...needsOfNic(step)];
    case 'ensureLiveNic':
      return step.macId === undefined ? [] : [LIVE_MAC];
    case 'record':
      return step.needs === undefined ? [] : [ADDRESSES];
    case 'ensureDirectoryOnline':
      return [{ capability: 'deferredDirectory', field: 'host', what: 'putting a directory online' }];
    case 'setUplinks':
      return [{ capability: 'changeUplinks', field: 'vswitch', what: 'changes of uplinks' }];
    case 'grantManagementNode':
    case 'defineManagementNic':
    case 'coupleManagementNic':
    case 'setManagementAddress':
      return [{ capability: 'managementNetwork', field: 'host', what: 'a management network' }];
    default:
      return [];
  }
}

function needsOfNic(step: Extract<Step, { kind: 'ensureDirectoryNic' }>): Need[] {
  const { portNumber, devices, chpid, authorization = {} } = step;
  const { vlans = [], portType, promiscuous, priority } = authorization;
  return [
    ...(portNumber === undefined ? [] : [PORT_BASED]),
    ...(vlans.length > 1 || portType === 'TRUNK' ? [VLAN_SETS] : []),
    ...([devices, chpid, promiscuous, priority].some((operand) => operand !== undefined) ? [OPERANDS] : []),
  ];
}

const OTHERWISE = 'change the request, or use another backend';
const PORT_BASED: Need = { capability: 'portBased', field: 'vswitch', what: 'port-based VSWITCHes' };
const ADDRESSES: Need = { capability: 'addresses', field: 'address', what: 'addresses of NICs' };
const VLAN_SETS: Need = { capability: 'vlanSets', field: 'network', what: 'sets of VLANs' };
const OPERANDS: Need = {
  capability: 'nicOperands',
  field: 'host',
  what: 'DEVICES, CHPID, promiscuity or priority of a NIC that has to be made anew',
};
const LIVE_MAC: Need = {
  capability: 'liveMac',
  field: 'mac',
  what: 'a NIC with a MAC on a running guest',
  advice: 'have the guest log on again, which gives it the NIC of its directory entry; or leave the MAC to CP',
};
