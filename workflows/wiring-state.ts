import type { RequestOf } from '../domain/operations/operations.ts';
import type { RestoredPort } from '../domain/operations/requests.ts';
import type { Mac } from '../domain/port/mac.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import { malformed } from './failures.ts';
import { type CarriedRounds, isCarriedRounds } from './guest-rounds.ts';
import { isRecord, isText } from './untrusted-input.ts';

/** The outcome of one port. */
export type WiredPort = {
  userid: Userid;
  portId: PortId;
  /** After a dry run, the outcome that it would have. */
  outcome: 'wired' | 'unchanged' | 'refused' | 'failed';
  vdev?: Vdev;
  mac?: Mac | undefined;
  /** The reason why it was refused or failed. */
  reason?: string;
  /** The port as an undo needs it, of a wired one; `before` is absent of a port that was not recorded. */
  before?: RestoredPort['before'];
  left?: string;
};

/** A guest and its ports of a bulk operation. */
export type GuestPorts = { userid: Userid; ports: RequestOf<'wirePorts'>['ports'] };

/** A bulk operation as its next run takes it over. */
export type CarriedWiring = CarriedRounds<GuestPorts> & { done: WiredPort[] };

/** The state that a run begins with. Throws for one that no run has carried. */
export function carriedWiring(carried: unknown): CarriedWiring | undefined {
  if (carried === undefined) return undefined;
  const isDone = (port: unknown) =>
    isRecord(port) && isText(port.portId) && isText(port.userid) && isText(port.outcome);
  if (!isRecord(carried) || !isCarriedRounds(carried) || !Array.isArray(carried.done) || !carried.done.every(isDone))
    throw malformed('done');
  return { ...(carried as CarriedWiring) };
}
