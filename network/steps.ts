import { z } from 'zod';
import { NodeName, PortId, Userid, VswitchName } from './identifiers.ts';
import { Port } from './port.ts';
import { PortNumber } from './port-number.ts';
import { Vdev } from './vdev.ts';

const onVswitch = { userid: Userid, vswitch: VswitchName };
const onPort = { ...onVswitch, portNumber: PortNumber };
const vlans = z.array(z.number().int()).readonly();
const onNic = { userid: Userid, vdev: Vdev };
/** True when the step takes a coupled NIC of the running guest off the network for a moment. */
const disturbs = z.boolean();

/** One change to z/VM or to what xCAT records, as data. Removal steps say `remove`, all others ensure. */
export const Step = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ensureRecord'), port: Port, rows: z.number().int(), disturbs }),
  z.object({
    kind: z.literal('ensureMacRecord'),
    node: NodeName,
    entries: z.array(z.string()).readonly(),
    /** True when the node has a row in the `mac` table. */
    row: z.boolean(),
    disturbs,
  }),
  z.object({ kind: z.literal('ensureUncoupled'), ...onNic, vswitch: VswitchName, disturbs }),
  z.object({ kind: z.literal('removeLiveNic'), ...onNic, disturbs }),
  z.object({ kind: z.literal('removeDirectoryNic'), ...onNic, disturbs }),
  z.object({ kind: z.literal('removeAuthorisation'), ...onVswitch, disturbs }),
  z.object({ kind: z.literal('ensureAuthorisation'), ...onVswitch, vlans, disturbs }),
  z.object({ kind: z.literal('removePortNumber'), ...onPort, disturbs }),
  z.object({ kind: z.literal('ensurePortNumber'), ...onPort, vlans, disturbs }),
  z.object({ kind: z.literal('ensurePortVlans'), ...onPort, add: vlans, remove: vlans, disturbs }),
  z.object({
    kind: z.literal('ensureDirectoryNic'),
    ...onNic,
    macId: z.string(),
    vswitch: VswitchName.optional(),
    portNumber: PortNumber.optional(),
    disturbs,
  }),
  z.object({ kind: z.literal('ensureLiveNic'), ...onNic, macId: z.string(), disturbs }),
  z.object({
    kind: z.literal('ensureCoupled'),
    ...onNic,
    vswitch: VswitchName,
    portNumber: PortNumber.optional(),
    disturbs,
  }),
  z.object({ kind: z.literal('removeRecord'), node: NodeName, portId: PortId, keepRow: z.boolean(), disturbs }),
]);
export type Step = z.infer<typeof Step>;

/** Where a step is carried out: xCAT's tables before z/VM is touched, z/VM itself, or the tables after it. */
export type Stage = 'record' | 'configure' | 'forget';

/** The stage of a step. A MAC row is written where its plan puts it: before, unless a removal has come. */
export function stagesOf(steps: readonly Step[]): Record<Stage, Step[]> {
  const stages: Record<Stage, Step[]> = { record: [], configure: [], forget: [] };
  for (const step of steps) {
    if (step.kind === 'ensureRecord') stages.record.push(step);
    else if (step.kind === 'removeRecord') stages.forget.push(step);
    else if (step.kind === 'ensureMacRecord') stages[stages.forget.length > 0 ? 'forget' : 'record'].push(step);
    else stages.configure.push(step);
  }
  return stages;
}

/** The step as a sentence for operators: "grant LNX00042 on VSW1 with VLAN 1001". */
export function sentence(step: Step): string {
  switch (step.kind) {
    case 'ensureRecord':
      return `record port ${step.port.portId} of ${step.port.userid}: vdev ${step.port.vdev} on ${step.port.vswitch}`;
    case 'ensureMacRecord':
      return `record ${step.entries.length} MAC address${step.entries.length === 1 ? '' : 'es'} of ${step.node}`;
    case 'ensureUncoupled':
      return `uncouple NIC ${step.vdev} of ${step.userid} from ${step.vswitch}`;
    case 'removeLiveNic':
      return `detach NIC ${step.vdev} from running ${step.userid}`;
    case 'removeDirectoryNic':
      return `remove NIC ${step.vdev} from the directory of ${step.userid}`;
    case 'removeAuthorisation':
      return `revoke ${step.userid} on ${step.vswitch}`;
    case 'ensureAuthorisation':
      return `grant ${step.userid} on ${step.vswitch} ${withVlans(step.vlans)}`;
    case 'removePortNumber':
      return `take port ${step.portNumber} of ${step.vswitch} from ${step.userid}`;
    case 'ensurePortNumber':
      return `give port ${step.portNumber} of ${step.vswitch} to ${step.userid} ${withVlans(step.vlans)}`;
    case 'ensurePortVlans':
      return `put port ${step.portNumber} of ${step.vswitch}, of ${step.userid}, ${changedVlans(step)}`;
    case 'ensureDirectoryNic':
      return `define NIC ${step.vdev} in the directory of ${step.userid}${step.vswitch === undefined ? ', not coupled' : ` on ${step.vswitch}`}`;
    case 'ensureLiveNic':
      return `define NIC ${step.vdev} on running ${step.userid}`;
    case 'ensureCoupled':
      return `couple NIC ${step.vdev} of ${step.userid} to ${step.vswitch}`;
    case 'removeRecord':
      return `${step.keepRow ? 'unwire' : 'forget'} port ${step.portId} of ${step.node}`;
  }
}

function withVlans(vlans: readonly number[]): string {
  return vlans.length === 0 ? 'without VLAN' : `with VLAN ${vlans.join(', ')}`;
}

function changedVlans({ add, remove }: { add: readonly number[]; remove: readonly number[] }): string {
  const parts = [
    ...(add.length === 0 ? [] : [`on VLAN ${add.join(', ')}`]),
    ...(remove.length === 0 ? [] : [`off VLAN ${remove.join(', ')}`]),
  ];
  return parts.join(' and ');
}

/** Several steps as one line, shortened after `most` of them. */
export function summarise(steps: readonly Step[], most = 4): string {
  const shown = steps.slice(0, most).map(sentence).join('; ');
  return steps.length > most ? `${shown}; and ${steps.length - most} more` : shown;
}
