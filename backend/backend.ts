import type { Desired } from '../domain/guest/desired.ts';
import type { GuestState } from '../domain/guest/guest.ts';
import type { DownPorts } from '../domain/host/checkpoint.ts';
import type { BackendKind } from '../domain/host/host.ts';
import type { ManagementNodeState, ManagementStep } from '../domain/host/management-network.ts';
import type { ProbedBehaviour } from '../domain/host/probed-behaviour.ts';
import type { PlanRecord } from '../domain/planning/planner.ts';
import type { GuestStepReport, RecordStep, Step, StepReport } from '../domain/planning/steps.ts';
import type { VswitchStep } from '../domain/planning/vswitch-plan.ts';
import type { Facts } from '../domain/probe/question.ts';
import type { QuestionId } from '../domain/probe/questions.ts';
import type { ProbeScene } from '../domain/probe/scene.ts';
import type { PortId, VswitchName } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import type { Capabilities } from './capabilities.ts';
import type { DirectoryEntries } from './directory-entries.ts';
import type { ProbeAnswers } from './probe-answers.ts';
import type { HostReading, HostRecord, HostRequest, ServerNics } from './reading.ts';

/** Version of the server that a backend speaks to, and whether this project works with it; `advice` where it does not. */
export type ServerVersion = { version: string; supported: boolean; advice?: string };

/** The two ways in which work that changes z/VM is stopped. */
export type Cancellation = {
  /** Nothing more is begun. */
  stop: AbortSignal;
  /**
   * Calls that are under way are left: only when the worker ends. z/VM carries out all that it was asked for, and the next to change the guest
   * has to see it, be it the rollback of a cancelled request or the next run of a guest whose run was terminated.
   */
  leave: AbortSignal;
};

/** The other guests that a guest is changed together with, and how its change ends. */
export type Company = {
  /** None: the calls of an operation on its own wait for none of bulk operations. */
  single: boolean;
  /** The call that changes the guest reads it back, its directory entry too unless that is taken as recorded; absent: it does not. */
  readsBack?: { directory: boolean };
  /** Waited for before each stage that calls the server. */
  arrive(stage: 'configure' | 'forget'): Promise<void>;
};

/**
 * Steps as far as they were carried out. Fewer reports than steps without a failure: z/VM is not as it was planned for, or carries a step out
 * later; the rest is planned anew.
 */
export type CarriedOut = {
  reports: GuestStepReport[];
  /** When the record was last written, by `performance.now()`; absent when it was not. */
  recordedAt?: number;
  /** Present when all steps on z/VM are carried out and the call that did so has read the guest back. */
  readBack?: ReadBack;
  /** `possibly`: ids of the steps of which nobody knows whether they were carried out, beside those that are reported. */
  failure?: { error: unknown; possibly: string[] };
};

/** z/VM as a call has found it right behind its changes: its readings know the guests that the call has changed, and no others. The same for all of these. */
export type ReadBack = Pick<ZvmBackend, 'readHost'>;

/**
 * Questions to z/VM itself on an expendable guest. Each method begins by taking away what an earlier one has left on the scene, so that all may
 * be repeated. A failure is a BackendError.
 */
export type Probing = {
  /** A mark of the guest's directory entry: equal as long as the entry is the same, to the byte, beside the NICs of the scene. */
  mark(scene: ProbeScene): Promise<string>;
  /** Do to z/VM what the question says, and answer what was seen. `known` are the answers so far. */
  ask(question: QuestionId, scene: ProbeScene, known: ProbedBehaviour, cancellation: Cancellation): Promise<Facts>;
  /** Put all back as it was; answers what is not, as sentences: none when everything is. */
  restore(scene: ProbeScene, mark: string, cancellation: Cancellation): Promise<string[]>;
};

/**
 * The steps that bring ports into a record, and ports that it cannot take over, each with the reason. All steps are of kind `record`: they leave
 * directory and running guest as they are.
 */
export type Adoption = { steps: RecordStep[]; left: { portId: PortId; reason: string }[] };
type PlanAdoption = (desired: Desired, guest: GuestState) => Adoption;

/**
 * One way to one z/VM system. Every method that calls the server throws a BackendError and nothing else, but for the reason of the signal that
 * stopped it. A backend touches nothing that no step names; `test/backend/contract.ts` holds what each has to do.
 */
export type ZvmBackend = {
  readonly kind: BackendKind;
  readonly can: Capabilities;
  /** Ask the server for its version, and for what every later call needs. */
  check(signal: AbortSignal): Promise<ServerVersion>;
  /** Ask z/VM itself something, all the way to SMAPI. */
  probe(signal: AbortSignal): Promise<void>;
  /** Read the host, and in full the guests that the request names. */
  readHost(request: HostRequest): Promise<HostReading>;
  /** Plan the steps on the record of a guest. Calls nothing. */
  readonly planRecord: PlanRecord;
  /** Plan the steps that record ports whose NICs z/VM has already, and change nothing else. Calls nothing. */
  readonly planAdoption: PlanAdoption;
  /** Read what is recorded of all guests, without z/VM. */
  readRecord(): Promise<HostRecord>;
  readVswitches(signal: AbortSignal): Promise<Vswitch[]>;
  /** Read the NICs of the server's own guest, the management node. */
  readServerNics(signal: AbortSignal): Promise<ServerNics>;
  /** VSWITCHes that the server's own NICs are on: an administrator made them. */
  administratorsVswitches(signal: AbortSignal): Promise<readonly VswitchName[]>;
  /** The directory entries that this worker has read. */
  readonly entries: DirectoryEntries;
  /** Take ports that were down at an earlier run, with their VSWITCHes; absent where the record itself has that. */
  readonly recallDown?: (ports: DownPorts) => void;
  /** The answers of probes that this worker knows; readings of the host have them among its capabilities. */
  readonly answers: ProbeAnswers;
  /** Carry out steps of one guest in order, and stop at the first that fails. */
  applySteps(steps: readonly Step[], cancellation: Cancellation, company: Company): Promise<CarriedOut>;
  /** Carry out steps on VSWITCHes in order; throws at the first that fails. */
  applyVswitchSteps(steps: readonly VswitchStep[], signal: AbortSignal): Promise<StepReport[]>;
  /** Read the server's NIC on the management network. 'unsupported' without `can.managementNetwork`, as is the next. */
  readManagementNode(signal: AbortSignal): Promise<ManagementNodeState>;
  applyManagementSteps(steps: readonly ManagementStep[], signal: AbortSignal): Promise<StepReport[]>;
  /** Questions to z/VM on an expendable guest; absent where a backend cannot ask them. */
  readonly probing?: Probing;
  /** Drop all connections; what is in flight fails. */
  close(): Promise<void>;
};
