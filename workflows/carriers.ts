import type { RequestOutcome } from './guest-queue-messages.ts';
import { migrateGuest } from './migrate-guest.ts';
import { probeGuest } from './probe-guest.ts';
import { carryOut, type NotYet, type RequestWork, type WorkContext } from './request-work.ts';

type Carrier = (work: RequestWork, context: WorkContext) => Promise<RequestOutcome | NotYet>;

/** How requests are carried out that are no change of ports. */
const OTHERS: Partial<Record<string, Carrier>> = { probe: probeGuest, migrate: migrateGuest };

/** Carry out a request in the way of its kind. */
export function carryOutByKind(work: RequestWork, context: WorkContext): Promise<RequestOutcome | NotYet> {
  const carry = OTHERS[work.request.change.kind] ?? carryOut;
  return carry(work, context);
}
