import type { Desired } from '../domain/guest/desired.ts';
import type { FollowUp } from '../domain/guest/follow-ups.ts';
import type { ShownGuest } from '../domain/host/host-view.ts';
import type { ManagementStep } from '../domain/host/management-network.ts';
import type { Operation, OperationType } from '../domain/operations/operations.ts';
import type {
  Change,
  EnsureDhcpRequest,
  EnsureManagementNetworkRequest,
  FailedGuest,
  OnlyIf,
  PortRequest,
  ReconcileFleetRequest,
  ReconcileHostRequest,
  WirePortsRequest,
} from '../domain/operations/requests.ts';
import type { RefusedPort } from '../domain/planning/refusal.ts';
import type { Step } from '../domain/planning/steps.ts';
import type { VswitchStep } from '../domain/planning/vswitch-plan.ts';
import type { Mac } from '../domain/port/mac.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import type { HostName, PortId, Userid, VswitchName } from '../domain/text/identifiers.ts';
import type { Rdev } from '../domain/vswitch/rdev.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import type { GuestRequest } from './guest-queue-messages.ts';

/** The window of a bulk operation that a guest belongs to: its guests wait for each other before a call, so that they share it. */
export type Together = { window: string; size: number };

/**
 * An operation, by its Workflow ID and the first run of its chain, which stays the same when the operation is reset or continues as new.
 */
export type OperationRef = { workflowId: string; firstRunId: string };

/**
 * The guest that an activity works on. `operation` is absent when its end stops nothing: a rollback goes on without it.
 */
export type Target = {
  host: string;
  userid: Userid;
  together?: Together;
  directory?: DirectoryReading;
  operation?: OperationRef;
  /** The request that the work is for. */
  requestId: string;
};

/** The place of a request in the order of acceptance, for the activity that plans it. */
export type PlaceInOrder = {
  /** When Temporal accepted the operation, in milliseconds of Unix time. */
  acceptedAt: number;
  /** Workflow IDs of the operations that the guest run has, or has answered. */
  known: string[];
  /** Operations that were accepted earlier and have not arrived are waited for. */
  waitsForEarlier: boolean;
  /** The guest run that asks, when it does not know what earlier runs have carried out since the operation was accepted. */
  looksBackFrom?: string;
};

/** The last word that was carried out on a port: when its operation was accepted, and its Workflow ID. */
export type Word = { acceptedAt: number; operation: string };

/** A request that a guest run has answered, with the run of the operation that had sent it. */
export type AnsweredRequest = { id: string; runId: string; operation: string };

/** What earlier runs of a guest have carried out: the words by port, and the requests that they have answered. */
export type EarlierRuns = { words: Record<string, Word>; answered: AnsweredRequest[] };

/** An operation that was accepted earlier. `isCertain`: it says itself that it comes to the guest. */
export type EarlierOperation = { workflowId: string; isCertain: boolean };

/**
 * `asRecorded`: the directory entry is taken to be what the tables say, without a look. After a re-IPL, which leaves the directory as it was,
 * DirMaint would else answer for every guest, one after another.
 */
export type DirectoryReading = 'asRecorded';

/** Steps that are still to be done, as read at a time in milliseconds of Unix time; `liveVdevs` are the NICs that the running guest has now. */
export type Progress = { steps: Step[]; liveVdevs: Vdev[]; readAt: number };

/** What a change comes to on a guest, decided from its state. */
export type PlannedChange = Progress & {
  kind: 'planned';
  desired: Desired;
  before: Desired;
  affected: PortId[];
  /** Ports that a bulk change leaves out. */
  refused: RefusedPort[];
  /** What the plan is called: other steps have another name. */
  plan: string;
};

/** A plan, or the reason why it cannot be made yet. */
export type Planning =
  | PlannedChange
  | { kind: 'waits'; earlier: EarlierOperation[] }
  /** Earlier runs of the guest have carried out requests since the operation was accepted. */
  | { kind: 'learns'; earlierRuns: EarlierRuns };

/** A plan that was carried out, as far as it came; `after` is absent where the guest could not be read again. */
export type AppliedSteps = {
  reports: GuestStepReport[];
  after?: Progress;
  /** Nothing was touched: z/VM is not as it was when the plan was made, and `after` is the plan from what it is. */
  isOutdated: boolean;
};

/** What is asked of a VSWITCH. */
export type VswitchChange = { host: HostName; vswitch: VswitchName } & (
  | { kind: 'ensure'; hadRdevs?: Rdev[] }
  | { kind: 'delete'; force: boolean }
);

/** What the management network needs; `elsewhere` is the zHCP of the host that has to see to it. */
export type ManagementPlan = { steps: ManagementStep[]; elsewhere?: string };

/** What a DHCP node needs. */
export type DhcpPlan = { userid: Userid; ports: PortRequest[] };

export type { FailedGuest } from '../domain/operations/requests.ts';

export type SurveyInput = {
  host: string;
  intervalSeconds: number;
  sweepSeconds: number;
  /** Milliseconds of Unix time. */
  now: number;
  failed: FailedGuest[];
  memory?: string;
  /** Ports whose status could not be told to Neutron the last time. */
  unreported: PortId[];
};

/** A guest that has drifted, or may have. */
export type Candidate = {
  userid: Userid;
  change: Extract<Change, { kind: 'reconcile' }>;
  lines: string[];
  directory?: DirectoryReading;
};

/** What a reading of the whole host found. */
export type Survey = {
  /** Guests with ports. */
  examined: number;
  candidates: Candidate[];
  /** There are more candidates than one run repairs. */
  more: boolean;
  skipped: number;
  failed: FailedGuest[];
  waiting: number;
  foreign: number;
  foreignLines: string[];
  /** What nobody can read of the host, and is left as it is, a line each. */
  findings?: string[];
  /** VSWITCHes of the configuration that are not as it says. */
  vswitches: { vswitch: VswitchName; lines: string[]; hadRdevs?: Rdev[] }[];
  /** The management network is configured, and not there. */
  managementNetwork: boolean;
  /** The DHCP node has not the ports that the configuration gives it. */
  dhcp: boolean;
  reIpled: boolean;
  memory: string;
  /** Ports of whose status Neutron may have to be told once the guests are repaired. */
  statuses: PortStatus[];
};

/** What Neutron is to be told of a port. */
export type PortStatus = {
  portId: PortId;
  /** The host that Neutron has the port on: the DHCP node has a name of its own. */
  neutronHost: string;
  /** The guest that has to be in order before; absent for ports that nobody has to wire. */
  userid?: Userid;
  /** ACTIVE is right once the guest is in order. */
  up: boolean;
  /** What Neutron has it as. */
  status: string;
  /** Its QoS policy, of which z/VM enforces nothing. */
  qosPolicy?: string;
};

/** What is to be done about ports that something was heard of. */
export type NeutronReading = {
  guests: { userid: Userid; ports: PortRequest[]; removed: PortId[] }[];
  /** Statuses of ports of which nothing else is to be done. */
  statuses: PortStatus[];
  /** Statuses that follow when the guests are done. */
  after: PortStatus[];
  /** Ports that can not be had here, and why. */
  unusable: { portId: PortId; reason: string }[];
  /** Ports of guests that xCAT does not name yet. */
  waiting: PortId[];
  /** The DHCP node serves networks that it has no NICs for. */
  dhcp: boolean;
  /** Ports that got a QoS policy, of which z/VM enforces nothing, while they were ACTIVE. */
  unlimited?: UnlimitedPort[];
};

/** A port and its QoS policy, of which z/VM enforces nothing. */
export type UnlimitedPort = { portId: PortId; qosPolicy: string };

/** A host as it is now; `view` is a HostView, compressed: a large one is more than a workflow's result may hold. */
export type ShownHost = { host: string; guests: number; ports: number; drifted: number; view: string };

/** A VSWITCH operation, checked and in exact types. */
export type VswitchOperation = {
  change: VswitchChange;
  summary: string;
  giveUpAfterMinutes: number;
  dryRun: boolean;
};

/** A step that was carried out, as a sentence, with what xCAT or SMAPI answered. */
export type StepReport = { step: string; answer: string };

/** The same of a guest's step, with its id. `isAlready`: z/VM answered that it was so before. */
export type GuestStepReport = StepReport & { id: string; isAlready: boolean };

/** Check a request to a host; fail for good with `Refused`, which names each field at fault. */
export type RequestActivities = {
  acceptOperation(input: { type: OperationType; input: unknown }): Promise<Operation>;
  acceptWirePorts(input: { input: unknown }): Promise<WirePortsRequest>;
  acceptVswitchChange(input: { kind: VswitchChange['kind']; input: unknown }): Promise<VswitchOperation>;
  acceptEnsureDhcp(input: { input: unknown }): Promise<EnsureDhcpRequest>;
  acceptManagementNetwork(input: { input: unknown }): Promise<EnsureManagementNetworkRequest>;
  acceptReconcileHost(input: { input: unknown }): Promise<ReconcileHostRequest>;
  acceptReconcileFleet(input: { input: unknown }): Promise<ReconcileFleetRequest>;
  acceptShowHost(input: { input: unknown }): Promise<{ host: HostName }>;
  acceptShowGuest(input: { input: unknown }): Promise<{ host: HostName; userid: Userid }>;
  acceptListVswitches(input: { input: unknown }): Promise<{ host: HostName }>;
};

/**
 * The activities of one host, as workflows see them. Each fails with an ApplicationFailure of a type in failures.ts: permanent ones are
 * not retryable, the others are worth another try.
 */
export type HostActivities = RequestActivities & {
  /** Put requests into the queues of their guests, whose runs it starts where there are none. Safe to repeat: requests have ids. */
  enqueueRequests(input: { host: string; requests: { userid: Userid; request: GuestRequest }[] }): Promise<void>;
  /**
   * Read the guest and decide, once nothing that was accepted earlier is on its way. Fails permanently with `Refused` when the request cannot
   * be granted, or `onlyIf` does not hold; with `OperationEnded` when its operation has ended.
   */
  planChange(
    input: Target & { change: Change; avoidMacs: Mac[]; avoidPorts: string[]; onlyIf?: OnlyIf; order?: PlaceInOrder },
  ): Promise<Planning>;
  /** Read the guest again and plan what is still missing, with what earlier steps are owed. */
  planTowards(input: Target & { desired: Desired; owed?: FollowUp[] }): Promise<Progress>;
  /**
   * Carry out a plan, stage by stage: rows of xCAT's tables, z/VM in one call, rows that go; then read the guest again and plan what is left.
   * A plan that is not fresh is made anew first. Stops at the first step that fails; the failure's first detail has as `carriedOut` the ids
   * of the steps before it. Fails with `Taken` when an address turns out to be somebody else's too.
   */
  applySteps(
    input: Target & { steps: Step[]; desired: Desired; readAt: number; owed: FollowUp[] },
  ): Promise<AppliedSteps>;
  /** Read the whole host and find what is not as it is recorded. */
  surveyHost(input: SurveyInput): Promise<Survey>;
  /** Look ports up in Neutron, by id and by network, and see what they need here. Changes nothing. */
  readNeutron(input: { host: string; portIds: PortId[]; networkIds: string[] }): Promise<NeutronReading>;
  /** Tell Neutron which ports carry traffic; answers those that it could not change. */
  reportPorts(input: {
    host: string;
    neutronHost: string;
    up: PortId[];
    down: PortId[];
  }): Promise<{ failed: PortId[] }>;
  /** The DHCP node of the host, and the NICs that it needs. */
  planDhcp(input: { host: string }): Promise<DhcpPlan>;
  /** What the management node's NIC on the management network needs. Fails for good with `Refused`. */
  planManagementNetwork(input: { host: string }): Promise<ManagementPlan>;
  applyManagementNetwork(input: { host: string; steps: ManagementStep[] }): Promise<StepReport[]>;
  /** The whole host, record and z/VM side by side. */
  showHost(input: { host: string }): Promise<ShownHost>;
  /** One guest, with its directory entry. Fails for good with `Refused` when it is not known. */
  showGuest(input: { host: string; userid: Userid }): Promise<ShownGuest>;
  /** All VSWITCHes of the host. */
  readVswitches(input: { host: string }): Promise<Vswitch[]>;
  /** What is to be done to a VSWITCH; nothing when it is right. Fails for good with `Refused` when it must not be. */
  planVswitch(input: VswitchChange): Promise<VswitchStep[]>;
  /** Create, change or delete VSWITCHes on z/VM. */
  applyVswitch(input: { host: string; steps: VswitchStep[] }): Promise<StepReport[]>;
};
