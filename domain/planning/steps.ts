import type { NicdefAuthorization } from '../guest/guest.ts';
import type { NicOperands } from '../guest/kept-attributes.ts';
import { authorizationText } from '../guest/nicdef-authorization.ts';
import type { MemberName } from '../host/ssi-cluster.ts';
import type { PortNumber, VswitchPort } from '../port/port-number.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { shortVlans } from '../vswitch/vlan-set.ts';

type OnVswitch = { userid: Userid; vswitch: VswitchName };
type OnPort = VswitchPort & { userid: Userid };
type OnNic = { userid: Userid; vdev: Vdev };
type Vlans = readonly number[];
/** It was so before, and is so again. */
type Promiscuity = { promiscuous?: true };

/** One change to the backend's record. The backend that plans it parses `operation` and `data` when it carries the step out. */
type RecordChange = {
  kind: 'record';
  /** Before z/VM is touched, or after it. */
  stage: Exclude<Stage, 'configure'>;
  operation: string;
  data: unknown;
  sentence: string;
  /** The port that it is about, where it is about one alone. */
  portId?: PortId;
  needs?: 'addresses';
  /** No reading shows that it is missing. */
  isUnseen?: true;
};

/** One change to z/VM or to the record, as data. Removal steps on z/VM say `remove`, all others ensure. */
export type Step = (
  | RecordChange
  | ({ kind: 'ensureUncoupled'; vswitch: VswitchName } & OnNic)
  | ({ kind: 'removeLiveNic' } & OnNic)
  | ({ kind: 'removeDirectoryNic' } & OnNic)
  | ({ kind: 'removeAuthorisation' } & Promiscuity & OnVswitch)
  /** `before`: the VLANs of one that is made anew. */
  | ({ kind: 'ensureAuthorisation'; vlans: Vlans; before?: Vlans } & Promiscuity & OnVswitch)
  | ({ kind: 'removePortNumber' } & OnPort)
  | ({ kind: 'ensurePortNumber'; vlans: Vlans; before?: Vlans } & Promiscuity & OnPort)
  | ({ kind: 'ensurePortVlans'; add: Vlans; remove: Vlans } & OnPort)
  /** `lost`: operands of the statement before that it will not have any more. */
  | ({
      kind: 'ensureDirectoryNic';
      macId?: string;
      vswitch?: VswitchName;
      portNumber?: PortNumber;
      authorization?: NicdefAuthorization;
      lost?: string;
    } & NicOperands &
      OnNic)
  | ({ kind: 'ensureLiveNic'; macId?: string } & OnNic)
  | ({ kind: 'ensureCoupled'; vswitch: VswitchName; portNumber?: PortNumber } & OnNic)
  | { kind: 'ensureDirectoryOnline'; userid: Userid }
) & {
  /** True when the step takes a coupled NIC of the running guest off the network for a moment. */
  disturbs: boolean;
  /** The member of the SSI cluster that carries it out, where that is another than the host itself. */
  member?: MemberName;
  /** Only as long as the guest does not run on that member: a NIC that it has there would keep what it was coupled with. */
  whileAway?: true;
};

/** The effect of steps that are planned: on a guest, or on a host. */
export function effectOf(steps: readonly Pick<Step, 'disturbs'>[]): 'none' | 'changes' | 'interrupts' {
  if (steps.length === 0) return 'none';
  return steps.some(({ disturbs }) => disturbs) ? 'interrupts' : 'changes';
}

/** A step that was carried out, as a sentence, with the answer of the backend or of SMAPI. */
export type StepReport = { step: string; answer: string };

/** The same of a guest's step, with its id. `isAlready`: z/VM answered that it was so before. */
export type GuestStepReport = StepReport & { id: string; isAlready: boolean };

/** A step on the record. */
export type RecordStep = Extract<Step, { kind: 'record' }>;

/** Where a step is carried out: the record before z/VM is touched, z/VM itself, or the record after it. */
export type Stage = 'record' | 'configure' | 'forget';

/** The steps of each stage. */
export function stagesOf(steps: readonly Step[]): { record: RecordStep[]; configure: Step[]; forget: RecordStep[] } {
  const on = (stage: Stage) => steps.flatMap((step) => (step.kind === 'record' && step.stage === stage ? [step] : []));
  return { record: on('record'), configure: steps.filter(({ kind }) => kind !== 'record'), forget: on('forget') };
}

/** The step as a sentence for operators, with all that it makes another than before: "grant LNX00042 on VSW1 with VLAN 1001". */
export function sentence(step: Step): string {
  return `${brief(step)}${step.member === undefined ? '' : ` on member ${step.member}`}${sideEffects(step)}`;
}

/** Attributes of an authorisation that is made anew which nobody could read before. */
function sideEffects(step: Step): string {
  if ((step.kind !== 'ensureAuthorisation' && step.kind !== 'ensurePortNumber') || step.before === undefined) return '';
  const type = step.vlans.length > 1 ? 'trunk' : "of the VSWITCH's port type";
  return `; ${type} and not permanent from now on: z/VM does not show its former values`;
}

function brief(step: Step): string {
  switch (step.kind) {
    case 'record':
      return step.sentence;
    case 'ensureUncoupled':
      return `uncouple NIC ${step.vdev} of ${step.userid} from ${step.vswitch}`;
    case 'removeLiveNic':
      return `detach NIC ${step.vdev} from running ${step.userid}`;
    case 'removeDirectoryNic':
      return `remove NIC ${step.vdev} from the directory of ${step.userid}`;
    case 'removeAuthorisation':
      return `revoke ${step.userid} on ${step.vswitch}${step.promiscuous === true ? ', where it is promiscuous' : ''}`;
    case 'ensureAuthorisation':
      return `grant ${step.userid} on ${step.vswitch} ${withVlans(step.vlans)}${madeAnew(step)}`;
    case 'removePortNumber':
      return `take port ${step.portNumber} of ${step.vswitch} from ${step.userid}`;
    case 'ensurePortNumber':
      return `give port ${step.portNumber} of ${step.vswitch} to ${step.userid} ${withVlans(step.vlans)}${madeAnew(step)}`;
    case 'ensurePortVlans':
      return `put port ${step.portNumber} of ${step.vswitch}, of ${step.userid}, ${changedVlans(step)}`;
    case 'ensureDirectoryNic':
      return `define NIC ${step.vdev} in the directory of ${step.userid}${step.vswitch === undefined ? ', not coupled' : ` on ${step.vswitch}`}${operandsText(step)}`;
    case 'ensureLiveNic':
      return `define NIC ${step.vdev} on running ${step.userid}`;
    case 'ensureCoupled':
      return `couple NIC ${step.vdev} of ${step.userid} to ${step.vswitch}`;
    case 'ensureDirectoryOnline':
      return `put the directory of ${step.userid} online`;
  }
}

type Anew = Promiscuity & { before?: Vlans };

function madeAnew({ before, promiscuous }: Anew): string {
  const kept = promiscuous === true ? ', promiscuous as before' : '';
  if (before === undefined) return kept;
  return ` in place of ${before.length === 0 ? 'no VLAN' : `VLAN ${shortVlans(before).join(', ')}`}${kept}`;
}

type Written = NicOperands & { authorization?: NicdefAuthorization; lost?: string; atNextLogon?: true };

function operandsText({ devices, chpid, authorization, lost, atNextLogon }: Written): string {
  const kept = [
    ...(devices === undefined ? [] : [`DEVICES ${devices}`]),
    ...(chpid === undefined ? [] : [`CHPID ${chpid}`]),
  ];
  const authorized = authorization === undefined ? '' : `, ${authorizationText(authorization)}`;
  const later = atNextLogon === true ? ', at the next logon' : '';
  return `${authorized}${kept.length === 0 ? '' : `, ${kept.join(' ')} as before`}${lost === undefined ? '' : `, ${lost} removed`}${later}`;
}

function withVlans(vlans: readonly number[]): string {
  return vlans.length === 0 ? 'without VLAN' : `with VLAN ${shortVlans(vlans).join(', ')}`;
}

function changedVlans({ add, remove }: { add: readonly number[]; remove: readonly number[] }): string {
  const parts = [
    ...(add.length === 0 ? [] : [`on VLAN ${shortVlans(add).join(', ')}`]),
    ...(remove.length === 0 ? [] : [`off VLAN ${shortVlans(remove).join(', ')}`]),
  ];
  return parts.join(' and ');
}

/** Several steps as one line, shortened after `most` of them. */
function summarise(steps: readonly Step[], most = 4): string {
  const shown = steps.slice(0, most).map(brief).join('; ');
  return steps.length > most ? `${shown}; and ${steps.length - most} more` : shown;
}

const LONGEST_HEADLINE = 190;

/** Steps as one line of a list, of which not all may be seen: z/VM's first, then what is recorded. */
export function headline(steps: readonly Step[], most = 4): string {
  const { record, configure, forget } = stagesOf(steps);
  const line = summarise([...configure, ...record, ...forget], most);
  return line.length > LONGEST_HEADLINE ? `${line.slice(0, LONGEST_HEADLINE - 1)}…` : line;
}
