import type { Desired } from '../network/desired.ts';
import type { PortId, Userid } from '../network/identifiers.ts';
import type { Change } from '../network/requests.ts';
import type { Step } from '../network/steps.ts';
import type { Vdev } from '../network/vdev.ts';

/** What a change comes to on a guest, decided from its state; `liveVdevs` are the NICs that the running guest has now. */
export type PlannedChange = { desired: Desired; before: Desired; affected: PortId[]; steps: Step[]; liveVdevs: Vdev[] };

/** A step that was carried out, with what xCAT or SMAPI answered. */
export type StepReport = { step: string; answer: string };

/**
 * The activities of one host, as workflows see them. Each fails with an ApplicationFailure of a type in failures.ts: permanent ones are
 * not retryable, the others are worth another try.
 */
export type HostActivities = {
  /** Read the guest and decide. Fails for good with `Refused` when the request cannot be granted. */
  planChange(input: { host: string; userid: Userid; change: Change }): Promise<PlannedChange>;
  /** Read the guest again and plan what is still missing. */
  planTowards(input: { host: string; userid: Userid; desired: Desired }): Promise<{ steps: Step[]; liveVdevs: Vdev[] }>;
  /** Write rows of xCAT's tables. */
  recordPorts(input: { host: string; userid: Userid; steps: Step[] }): Promise<StepReport[]>;
  /** Run the steps on z/VM in order, in one call; stops at the first that fails. */
  configureGuest(input: { host: string; userid: Userid; steps: Step[] }): Promise<StepReport[]>;
  /** Remove rows of xCAT's tables, after z/VM has been cleared. */
  forgetPorts(input: { host: string; userid: Userid; steps: Step[] }): Promise<StepReport[]>;
};
