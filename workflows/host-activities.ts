import type { Desired } from '../domain/guest/desired.ts';
import type { BackendKind } from '../domain/host/host.ts';
import type { HostCapabilities } from '../domain/host/host-capabilities.ts';
import type { ShownGuest } from '../domain/host/host-view.ts';
import type { ManagementStep } from '../domain/host/management-network.ts';
import type { ProbeRecord } from '../domain/host/probed-behaviour.ts';
import type { ReportsOnly } from '../domain/host/repair-mode.ts';
import type { GuestMigration } from '../domain/migration/guest-migration.ts';
import type { NotifyInput } from '../domain/notifications/notification.ts';
import type { Batch } from '../domain/operations/batch.ts';
import type {
  GuestOperationType,
  HostOperationType,
  Operation,
  ReadingOf,
  ReadingType,
  RequestOf,
} from '../domain/operations/operations.ts';
import type { Change, PortRequest, Preconditions, RepairFailure } from '../domain/operations/requests.ts';
import type { FormerPort } from '../domain/planning/former-ports.ts';
import type { LeftNicdef } from '../domain/planning/left-nicdefs.ts';
import type { WrongVlans } from '../domain/planning/live-plan.ts';
import type { RefusedPort } from '../domain/planning/refusal.ts';
import type { GuestStepReport, Step, StepReport } from '../domain/planning/steps.ts';
import type { VswitchStep } from '../domain/planning/vswitch-plan.ts';
import type { PolicyQuestion, Wait } from '../domain/policy/verdict.ts';
import type { Mac } from '../domain/port/mac.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import type { QuestionOutcome } from '../domain/probe/course.ts';
import type { QuestionId } from '../domain/probe/questions.ts';
import type { ProbePlan } from '../domain/probe/report.ts';
import type { HostName, PortId, Userid, VswitchName } from '../domain/text/identifiers.ts';
import type { Rdev } from '../domain/vswitch/rdev.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import type { Answer, AnsweredOperation, AnswerToOperation } from './guest-queue-messages.ts';
import type { DirectoryReading, GuestRequest, OperationRef } from './guest-request.ts';
import type { Borrower } from './loan.ts';

/** The guest that an activity works on. `operation` is absent where its end stops nothing: a rollback goes on without it. */
export type Target = {
  host: string;
  userid: Userid;
  batch?: Batch;
  directory?: DirectoryReading;
  operation?: OperationRef;
  /** The request that the work is for. */
  requestId: string;
};

/** A plan that the policy has wait: its id, and why. */
export type WaitingPlan = { plan: string; wait: Wait };

/** A change of a guest, with all that its plan depends on besides the guest's state. */
export type ChangeToPlan = Target & {
  change: Change;
  avoidMacs: Mac[];
  avoidPorts: string[];
  asks?: PolicyQuestion;
  onlyIf?: Preconditions;
  order?: PlaceInOrder;
};

/** The place of a request in the order of acceptance, for the activity that plans it. */
export type PlaceInOrder = {
  /** The time at which Temporal accepted the operation, in milliseconds of Unix time. */
  acceptedAt: number;
  /** Workflow IDs of the operations that the guest run has queued or answered. */
  known: string[];
  /** True when the run waits for operations that were accepted earlier and have not arrived. */
  waitsForEarlier: boolean;
  /** The guest run, when it does not know which requests earlier runs have carried out since the operation was accepted. */
  looksBackFrom?: string;
};

/** The last word carried out on a port: its operation's time of acceptance and Workflow ID. */
export type Word = { acceptedAt: number; operation: string };

/** A request that a guest run has answered, with the run of the operation that sent it. `comesAgain`: the operation will send another one. */
export type AnsweredRequest = { id: string; runId: string; operation: string; comesAgain?: true };

/** The work of earlier runs of a guest: the words carried out, by port, and the answered requests. */
export type EarlierRuns = { words: Record<string, Word>; answered: AnsweredRequest[] };

/** An operation that was accepted earlier. `isCertain`: it has confirmed itself that it will send a request to the guest. */
export type EarlierOperation = { workflowId: string; isCertain: boolean };

/** The remaining steps of a guest that was read at `readAt`, in milliseconds of Unix time; `liveVdevs` are the NICs of the running guest that need no logon. */
export type Progress = { steps: Step[]; liveVdevs: Vdev[]; readAt: number; wrongVlans?: WrongVlans[] };

/** The plan of a change on a guest, decided from the guest's state. */
export type PlannedChange = Progress & {
  kind: 'planned';
  desired: Desired;
  before: Desired;
  affected: PortId[];
  /** The affected ports as the plan found them; absent of a repair, and in histories of older builds. */
  found?: FormerPort[];
  /** Of an undo: what has changed since. */
  changedSince?: string[];
  /** NICDEFs that stay although their ports go; absent where there are none. */
  leaves?: LeftNicdef[];
  /** Ports that a bulk change refuses. */
  refused: RefusedPort[];
  /** The plan's id: other steps, or the same from another state, have another id. */
  plan: string;
  /** The policy has it wait. */
  wait?: Wait;
};

/** A plan, or the reason why planning has to wait. */
export type Planning =
  | PlannedChange
  | { kind: 'waits'; earlier: EarlierOperation[] }
  /** Earlier runs of the guest have carried out requests since the operation was accepted. */
  | { kind: 'learns'; earlierRuns: EarlierRuns };

/** A plan that was carried out; `unheard` when the worker has stopped and cannot say how far. Without steps nothing was. */
export type ChangedGuest = PlannedChange & { applied?: AppliedSteps | 'unheard' };

/** The result of applying a plan; `after` is absent where the guest could not be read again. */
export type AppliedSteps = {
  reports: GuestStepReport[];
  after?: Progress;
  /** True when nothing was touched: the guest has changed since the plan was made, and `after` is the new plan. */
  isOutdated: boolean;
};

/** A dry run plans also while its host is held. */
export type Planned = { dryRun?: boolean };

/** A requested change of a VSWITCH. */
export type VswitchChange = { host: HostName; vswitch: VswitchName } & Planned &
  ({ kind: 'ensure'; hadRdevs?: Rdev[] } | { kind: 'delete'; force: boolean });

/** The steps of a change of the host itself, with the id of the plan; `wait`: the policy has it wait. */
export type HostPlan<HostStep> = { steps: HostStep[]; plan: string; wait?: Wait };

/** The steps for the management network; `elsewhere` is the zHCP of the host that is responsible for it. */
export type ManagementPlan = HostPlan<ManagementStep> & { elsewhere?: string };

/** The ports that a DHCP node needs. */
export type DhcpPlan = { userid: Userid; ports: PortRequest[] };

/** The migration of a guest, with the plan's id; `wait`: the policy has it wait, and it is only planned. */
export type PlannedMigration = GuestMigration & { plan?: string; wait?: Wait };

/** The work of a migration. */
export type MigrationPlan = { from: BackendKind; userids: Userid[] };

/** The part of a reconciliation's result that the next run needs. */
export type LastRun = {
  checkpoint: string;
  failures: RepairFailure[];
  /** Ports whose status the last run could not report to Neutron. */
  unreported?: PortId[];
  /** The last run has found the host new here, and no operator has confirmed it since. */
  isUnconfirmed?: boolean;
};

/** A request to reconcile a host, as it came, but for what it says of the last run. */
export type SurveyInput = {
  request: unknown;
  last?: LastRun;
  /** The run continues another, whose checkpoint no result holds. */
  isContinued: boolean;
  /** Milliseconds of Unix time. */
  now: number;
};

/** A guest that has drifted or may have drifted. */
export type Candidate = {
  userid: Userid;
  change: Extract<Change, { kind: 'reconcile' }>;
  lines: string[];
  directory?: DirectoryReading;
};

/** The findings of reading the whole host. */
export type Survey = {
  request: Accepted<'reconcileHost'>;
  /** Present when nothing is to be repaired. */
  reportsOnly?: ReportsOnly;
  /** The host is new here, and no operator has confirmed it. */
  isUnconfirmed?: boolean;
  /** Guests with ports. */
  examined: number;
  candidates: Candidate[];
  /** There are more candidates than one run repairs. */
  more: boolean;
  skipped: number;
  failed: RepairFailure[];
  /** Failures of which the result has no more than their number; absent in histories of older builds. */
  failedLeft?: number;
  waiting: number;
  foreign: number;
  foreignLines: string[];
  /** Things of the host that cannot be parsed and are left as they are, a line each. */
  findings?: string[];
  /** VSWITCHes that differ from the configuration. */
  vswitches: { vswitch: VswitchName; lines: string[]; hadRdevs?: Rdev[] }[];
  /** True when the management network is configured and missing. */
  managementNetwork: boolean;
  /** True when the DHCP node lacks ports that the configuration gives it. */
  dhcp: boolean;
  reIpled: boolean;
  /** Absent in histories of older builds. */
  capabilities?: HostCapabilities;
  checkpoint: string;
  /** Port statuses to report to Neutron once the guests are repaired. */
  statuses: PortStatus[];
};

/** The status of a port to report to Neutron. */
export type PortStatus = {
  portId: PortId;
  /** The port's host in Neutron: the DHCP node has a name of its own. */
  neutronHost: string;
  /** The guest that has to be in order first; absent for ports that need no wiring. */
  userid?: Userid;
  /** True when the port is to be ACTIVE once the guest is in order. */
  up: boolean;
  /** The port's status in Neutron now. */
  status: string;
  /** The port's QoS policy, which z/VM does not enforce. */
  qosPolicy?: string;
};

/** The work that follows from news of ports. */
export type NeutronReading = {
  guests: { userid: Userid; ports: PortRequest[]; removed: PortId[] }[];
  /** Statuses to report at once: nothing else is to be done for these ports. */
  statuses: PortStatus[];
  /** Statuses to report when the guests are wired. */
  after: PortStatus[];
  /** Ports that this host cannot have, each with the reason. */
  unusable: { portId: PortId; reason: string }[];
  /** Ports of guests that xCAT does not name yet. */
  waiting: PortId[];
  /** True when the DHCP node lacks NICs for networks that it serves. */
  dhcp: boolean;
  /** Ports that got a QoS policy, of which z/VM enforces nothing, while they were ACTIVE. */
  unlimited?: UnlimitedPort[];
};

/** A port and its QoS policy, of which z/VM enforces nothing. */
export type UnlimitedPort = { portId: PortId; qosPolicy: string };

/** A host as it is now; `view` is a HostView, compressed: a large one is more than a workflow's result may hold. */
export type ShownHost = { host: string; guests: number; ports: number; drifted: number; view: string };

/** A request in exact types. `isGoverned`: of a bulk operation, that the host has a policy. */
export type Accepted<Type extends HostOperationType> = RequestOf<Type> & { isGoverned?: true };

/** Parse a request to a host. They fail permanently with `Refused`, which names each field at fault. */
export type RequestActivities = {
  acceptOperation<Type extends GuestOperationType>(input: { type: Type; input: unknown }): Promise<Operation>;
  acceptRequest<Type extends HostOperationType>(input: { type: Type; input: unknown }): Promise<Accepted<Type>>;
  acceptReading<Type extends ReadingType>(input: { type: Type; input: unknown }): Promise<ReadingOf<Type>>;
};

/**
 * The activities of one host, as workflows see them. Each fails with an ApplicationFailure of a type in failures.ts. Permanent failures are
 * not retryable, transient ones are. Those that write, and those that plan what is to be written, fail with `Held` while an operator holds the host.
 */
export type HostActivities = RequestActivities & {
  /** Put requests into the queues of their guests, and start missing guest runs. Safe to repeat: requests have ids. */
  enqueueRequests(input: { host: string; requests: { userid: Userid; request: GuestRequest }[] }): Promise<void>;
  /**
   * Carry out the requests of a window: guests without other work are lent by their runs and changed together, and answered. All others answer by
   * signal, as after `enqueueRequests`: guests with other work, and those that a first plan does not bring to their end. Safe to repeat. Never
   * fails over a guest, nor when it is cancelled.
   */
  changeWindow(input: {
    host: string;
    requests: { userid: Userid; request: GuestRequest }[];
  }): Promise<readonly Answer[]>;
  /** True while the borrower has not ended. */
  isLent(borrower: Borrower): Promise<boolean>;
  /** The plan of a request that the borrower has begun; undefined when nobody knows it. */
  recallPlan(input: { borrower: Borrower; requestId: string }): Promise<PlannedChange | undefined>;
  /** Send a guest run's answer to the bulk operation that asked. Safe to repeat. */
  answerOperation(input: AnswerToOperation): Promise<AnsweredOperation>;
  /**
   * Read the guest and plan, unless an operation accepted earlier is still on its way. Fails permanently with `Refused` when the request cannot
   * be granted or `onlyIf` does not hold, and with `OperationEnded` when its operation has ended.
   */
  planChange(input: ChangeToPlan): Promise<Planning>;
  /**
   * The same, and carry the plan out by `applySteps`: one activity for a guest of a bulk operation. A failure or a timeout after the plan carries it as
   * `planned`, so that what the guest had before is known whatever happens.
   */
  changeGuest(input: ChangeToPlan & { followUps: Step[] }): Promise<Exclude<Planning, PlannedChange> | ChangedGuest>;
  /** Read the guest again and plan the remaining steps, with the follow-ups that earlier steps need. */
  planTowards(input: Target & { desired: Desired; followUps?: Step[] }): Promise<Progress>;
  /**
   * Carry out a plan, stage by stage: what is added to the record, z/VM in one call, what goes from the record. Then read the guest again and plan the
   * remaining steps. An old plan is made anew first. Stops at the first step that fails; the failure's first detail holds as `carriedOut` the
   * ids of the steps before it. Fails with `AddressConflict` when an address belongs to another port too.
   */
  applySteps(
    input: Target & { steps: Step[]; desired: Desired; readAt: number; followUps: Step[] },
  ): Promise<AppliedSteps>;
  /** Choose the scene of a probe. Fails permanently with `Refused` for a guest or a VSWITCH that is not expendable. Changes nothing. */
  planProbe(
    input: Target & Planned & { change: Extract<Change, { kind: 'probe' }>; asks?: PolicyQuestion },
  ): Promise<ProbePlan & { waiting?: WaitingPlan }>;
  /** Ask z/VM one question on the scene, which is cleared before. */
  askProbe(
    input: Target & { plan: ProbePlan; question: QuestionId; outcomes: QuestionOutcome[] },
  ): Promise<QuestionOutcome>;
  /** Put all back as it was before the probe; answers what is not, as sentences. */
  restoreProbe(input: Target & { plan: ProbePlan }): Promise<string[]>;
  /** Remember answers as the behaviour of the host. */
  keepAnswers(input: { host: string; record: ProbeRecord }): Promise<void>;
  /**
   * The guests whose record a migration brings over, and the backend that has it now. Fails permanently with `Refused` when `to` is not the shadow
   * backend of the host.
   */
  planMigration(input: { host: string; to: BackendKind; userids?: Userid[] }): Promise<MigrationPlan>;
  /**
   * Bring the ports of a guest into the record of the shadow backend, and prove by both readings that nothing differs. Safe to repeat. z/VM
   * stays as it is; with `dryRun`, and while the policy has it wait, the record, too. Fails permanently with `Refused` when `onlyIf` does not hold, or
   * the policy forbids it.
   */
  migrateGuest(
    input: Target & { dryRun: boolean; asks?: PolicyQuestion; onlyIf?: Preconditions },
  ): Promise<PlannedMigration>;
  /** Parse the request, then read the whole host and compare it with its record. Fails permanently with `Refused`, as those do. */
  surveyHost(input: SurveyInput): Promise<Survey>;
  /** Look ports up in Neutron, by id and by network, and compare them with the host. Changes nothing. */
  readNeutron(input: { host: string; portIds: PortId[]; networkIds: string[] }): Promise<NeutronReading>;
  /** Report to Neutron which ports carry traffic; answers the ports that it could not change. */
  reportPorts(input: {
    host: string;
    neutronHost: string;
    up: PortId[];
    down: PortId[];
  }): Promise<{ failed: PortId[] }>;
  /** Send an event to a webhook of the host, once. Fails permanently when there is no such webhook, or it is gone. */
  deliverNotification(input: NotifyInput): Promise<void>;
  /** The DHCP node of the host, and the NICs that it needs. */
  planDhcp(input: { host: string } & Planned): Promise<DhcpPlan>;
  /** Plan the management node's NIC on the management network. Fails permanently with `Refused`. */
  planManagementNetwork(input: Planned & { host: string; asks?: PolicyQuestion }): Promise<ManagementPlan>;
  applyManagementNetwork(input: { host: string; steps: ManagementStep[] }): Promise<StepReport[]>;
  /** The whole host, record and z/VM side by side. */
  showHost(input: { host: string }): Promise<ShownHost>;
  /** One guest, with its directory entry. Fails permanently with `Refused` when the guest is unknown. */
  showGuest(input: { host: string; userid: Userid }): Promise<ShownGuest>;
  /** All VSWITCHes of the host. */
  readVswitches(input: { host: string }): Promise<Vswitch[]>;
  /** Plan the steps of a VSWITCH change; none when it is right. Fails permanently with `Refused` when the change is not allowed. */
  planVswitch(input: VswitchChange & { asks?: PolicyQuestion }): Promise<HostPlan<VswitchStep>>;
  /** Create, change or delete VSWITCHes on z/VM. */
  applyVswitch(input: { host: string; steps: VswitchStep[] }): Promise<StepReport[]>;
};
