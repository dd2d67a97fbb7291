import type { Desired } from '../network/desired.ts';
import type { PortId, Userid } from '../network/identifiers.ts';
import type { Mac } from '../network/mac.ts';
import type { RefusedPort } from '../network/refusal.ts';
import type { Change } from '../network/requests.ts';
import type { Step } from '../network/steps.ts';
import type { Vdev } from '../network/vdev.ts';

/** The window of a bulk operation that a guest belongs to: its guests wait for each other before a call, so that they share it. */
export type Together = { window: string; size: number };

/** The guest that an activity works on. */
export type Target = { host: string; userid: Userid; together?: Together };

/** What is still to be done; `liveVdevs` are the NICs that the running guest has now. */
export type Progress = { steps: Step[]; liveVdevs: Vdev[] };

/** What a change comes to on a guest, decided from its state. */
export type PlannedChange = Progress & {
  desired: Desired;
  before: Desired;
  affected: PortId[];
  /** Ports that a bulk change leaves out. */
  refused: RefusedPort[];
};

/** A step that was carried out, with what xCAT or SMAPI answered. */
export type StepReport = { step: string; answer: string };

/**
 * The activities of one host, as workflows see them. Each fails with an ApplicationFailure of a type in failures.ts: permanent ones are
 * not retryable, the others are worth another try.
 */
export type HostActivities = {
  /** Read the guest and decide. Fails for good with `Refused` when the request cannot be granted. */
  planChange(input: Target & { change: Change; avoidMacs: Mac[] }): Promise<PlannedChange>;
  /** Read the guest again and plan what is still missing. */
  planTowards(input: Target & { desired: Desired }): Promise<Progress>;
  /** Write rows of xCAT's tables. Fails with `Taken` when an address turns out to be somebody else's too. */
  recordPorts(input: Target & { steps: Step[] }): Promise<StepReport[]>;
  /** Run the steps on z/VM in order, in one call; stops at the first that fails. */
  configureGuest(input: Target & { steps: Step[] }): Promise<StepReport[]>;
  /** Remove rows of xCAT's tables, after z/VM has been cleared. */
  forgetPorts(input: Target & { steps: Step[] }): Promise<StepReport[]>;
};
