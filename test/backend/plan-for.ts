import type { ZvmBackend } from '../../backend/backend.ts';
import { Change } from '../../domain/operations/requests.ts';
import { decide } from '../../domain/planning/decision.ts';
import { plan } from '../../domain/planning/planner.ts';
import type { Step } from '../../domain/planning/steps.ts';
import type { Userid } from '../../domain/text/identifiers.ts';

/** The steps of a change on a guest as it is now, read by a backend. */
export async function planFor(backend: ZvmBackend, userid: Userid, change: object): Promise<Step[]> {
  const reading = (await backend.readHost({ userids: [userid] })).read(userid);
  const decision = decide(Change.parse(change), { ...reading, avoidMacs: new Set() });
  if (!decision.accepted) throw new Error(JSON.stringify(decision.refusals));
  return plan(decision.desired, reading.guest, reading.vswitches, backend.planRecord);
}
