import { defined } from '../defined.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import { type PortSearchTerms, searchTermsOfPorts } from '../guest/search-terms.ts';
import type { RestoredPort } from '../operations/requests.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId } from '../text/identifiers.ts';
import { type FormerPort, restorablePorts } from './former-ports.ts';
import type { LeftNicdef } from './left-nicdefs.ts';
import type { RefusedPort } from './refusal.ts';

/** The part of a plan that its result is made of. */
export type PlanOfPorts = {
  desired: Desired;
  before: Desired;
  affected: readonly PortId[];
  refused: RefusedPort[];
  found?: readonly FormerPort[];
  leaves?: LeftNicdef[];
};

/** The result of a plan: the ports that it is about, as they are now. */
export type PlanResult = {
  /** False when everything was so already, and after a dry run. */
  changed: boolean;
  /** The present ports of the change; empty after their deletion. */
  ports: DesiredPort[];
  /** Ports that a bulk change leaves out, and why. */
  refused: RefusedPort[];
  /** NICs that the running guest has now. */
  liveVdevs: Vdev[];
  /** Steps that were carried out, as sentences, in order; after a dry run, those that would be. */
  steps: string[];
  /** Search attributes of the operation, before the change and after it. */
  found: PortSearchTerms;
  /** The ports as an undo needs them; absent when nothing was changed. */
  undo?: RestoredPort[];
  /** NICDEFs that stay although their ports go. */
  leaves?: LeftNicdef[];
};

/** The VSWITCHes and VLANs that the ports are on before and after: the request alone may not say them. */
export function foundWith(planned: PlanOfPorts): PortSearchTerms {
  return searchTermsOfPorts([
    ...affectedOf(planned, planned.desired.ports),
    ...affectedOf(planned, planned.before.ports),
  ]);
}

/** The result of a plan, with the steps as sentences. `changed` is false after a dry run. */
export function resultOf(
  planned: PlanOfPorts,
  liveVdevs: readonly Vdev[],
  changed: boolean,
  steps: readonly string[],
): PlanResult {
  const ports = affectedOf(planned, planned.desired.ports);
  const { refused, leaves } = planned;
  const live = [...liveVdevs];
  return {
    ...{ changed, ports, refused, liveVdevs: live, steps: [...steps], found: foundWith(planned) },
    ...defined({ leaves }),
  };
}

/** The result of a plan of which nothing is left to do. A caller's word can be undone where it has changed something. */
export function carriedOutResult(
  planned: PlanOfPorts,
  liveVdevs: readonly Vdev[],
  done: readonly string[],
  isUndoable: boolean,
): PlanResult {
  const result = resultOf(planned, liveVdevs, done.length > 0, done);
  const undo = isUndoable && result.changed ? restorablePorts(planned.found ?? [], result.ports, result.liveVdevs) : [];
  return { ...result, ...(undo.length === 0 ? {} : { undo }) };
}

function affectedOf({ affected }: PlanOfPorts, ports: readonly DesiredPort[]): DesiredPort[] {
  const ids = new Set<string>(affected);
  return ports.filter((port) => ids.has(port.portId));
}
