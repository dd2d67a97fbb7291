import { portKey } from '../../../domain/guest/entry-nics.ts';
import { refusal } from '../../../domain/planning/refusal.ts';
import { stepId } from '../../../domain/planning/step-id.ts';
import type { GuestStepReport } from '../../../domain/planning/steps.ts';
import { type Step, sentence } from '../../../domain/planning/steps.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import { addressConflict, BackendError } from '../../backend-error.ts';
import type { SmapiVerdict } from '../../zvm/return-codes.ts';
import { isRunning } from '../reading/guest-devices.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { Command } from '../zhcp/channel.ts';
import { failureOf, functionOf, verdictOf } from '../zhcp/smapi-outcome.ts';
import * as smcli from '../zhcp/smcli.ts';

/**
 * Carry out steps on z/VM in order, in one call to the zHCP. Stops at the first command that fails, which `failure` says with the step and
 * SMAPI's codes; what came after it is planned anew. Steps for several members of an SSI cluster take a call to each zHCP. "Already so" answers are no failure. `complete` is false when steps are left, or DirMaint
 * has accepted one that it carries out later. Throws a BackendError when nothing was carried out.
 */
export async function configureGuest(host: XcatHost, steps: readonly Step[], signal: AbortSignal): Promise<Configured> {
  const reports: GuestStepReport[] = [];
  for (const part of partsByMember(steps)) {
    const done = await configurePart(host, part, signal).catch((error: unknown) => {
      if (reports.length === 0 || !(error instanceof BackendError)) throw error;
      return { reports: [], complete: false, failure: error };
    });
    reports.push(...done.reports);
    if (!done.complete || done.failure !== undefined) return { ...done, reports };
  }
  return { reports, complete: true };
}

type Configured = { reports: GuestStepReport[]; complete: boolean; failure?: Error };

/** Steps that one zHCP carries out one after another: that of the host, or of another member of its SSI cluster. */
function partsByMember(steps: readonly Step[]): Step[][] {
  const parts: Step[][] = [];
  for (const step of steps) {
    const last = parts.at(-1);
    if (last !== undefined && last[0]?.member === step.member && last[0]?.whileAway === step.whileAway) last.push(step);
    else parts.push([step]);
  }
  return parts;
}

async function configurePart(host: XcatHost, steps: readonly Step[], signal: AbortSignal): Promise<Configured> {
  const member = steps[0]?.member ?? host.rules.zhcpNode;
  if (await hasArrived(host, member, steps, signal)) return { reports: [], complete: false };
  const zhcpUserid = await host.zhcpOf(member);
  const chain = steps.map((step) => commandFor(step, zhcpUserid));
  const outcomes = await host.xcat.channel(member).run([chain], { signal });
  const reports: GuestStepReport[] = [];
  let complete = true;
  for (const [index, step] of steps.entries()) {
    const outcome = outcomes[index];
    // The chain stops at an "already so" too: the rest is planned anew from what is there.
    if (outcome?.ran !== true && reports.length > 0) return { reports, complete: false };
    const verdict = verdictOf(chain[index], outcome);
    if (verdict?.ok !== true) {
      const failure = failureOf(sentence(step), outcome, functionOf(chain[index]));
      return { reports, complete: false, failure: portInUse(step, verdict) ?? failure };
    }
    if (verdict.asynchronous === true) complete = false;
    reports.push({ id: stepId(step), step: sentence(step), answer: answerOf(verdict), isAlready: verdict.already });
  }
  return { reports, complete };
}

/** True when the guest of steps that are for its absence runs on the member: it is read again, and its NICs there are seen to first. */
async function hasArrived(
  { xcat }: XcatHost,
  member: string,
  [step]: readonly Step[],
  signal: AbortSignal,
): Promise<boolean> {
  if (step?.whileAway !== true || !('userid' in step)) return false;
  const [nics] = await xcat.channel(member).run([smcli.queryLiveNics(step.userid)], { signal });
  return isRunning(nics);
}

/** HCP3034E: somebody else's NIC, also one in the directory entry of a guest that is logged off, has the port: another is chosen. */
function portInUse(step: Step, verdict: SmapiVerdict | undefined): BackendError | undefined {
  if (verdict?.ok !== false || verdict.rc !== 396 || verdict.rs !== 3034) return undefined;
  if (step.kind !== 'ensureCoupled' || step.portNumber === undefined) return undefined;
  const { vswitch, portNumber } = step;
  const reason = `port ${portNumber} of ${vswitch} is in use (HCP3034E)`;
  const refusals = [refusal('vswitch', reason, 'free a port of the VSWITCH')];
  return addressConflict(sentence(step), refusals, { ports: [portKey({ vswitch, portNumber })] });
}

function answerOf({ already, asynchronous }: { already: boolean; asynchronous?: true }): string {
  if (asynchronous === true) return 'accepted, carried out later';
  return already ? 'no change' : 'done';
}

/** Throws a BackendError that names the step when it can not be said to SMAPI. */
function commandFor(step: Step, zhcpUserid: Userid): Command {
  try {
    return commandOf(step, zhcpUserid);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    throw error.with({ operation: sentence(step) });
  }
}

function commandOf(step: Step, zhcpUserid: Userid): Command {
  switch (step.kind) {
    case 'ensureUncoupled':
      return smcli.uncouple(step.userid, step.vdev);
    case 'removeLiveNic':
      return smcli.removeLiveNic(step.userid, step.vdev);
    case 'removeDirectoryNic':
      return smcli.removeNicFromDirectory(step.userid, step.vdev);
    case 'removeAuthorisation':
      return smcli.revoke(zhcpUserid, step.vswitch, step.userid);
    case 'ensureAuthorisation':
      return smcli.grant(zhcpUserid, step.vswitch, step.userid, step.vlans, step.promiscuous);
    case 'removePortNumber':
      return smcli.removePort(zhcpUserid, step.vswitch, step.portNumber);
    case 'ensurePortNumber':
      return smcli.givePort(zhcpUserid, step.vswitch, step.portNumber, step.userid, step.vlans, step.promiscuous);
    case 'ensurePortVlans':
      return smcli.changePortVlans(zhcpUserid, step.vswitch, step.portNumber, step.add, step.remove);
    case 'ensureDirectoryNic':
      return smcli.defineNicInDirectory(step.userid, step.vdev, step.macId, step.vswitch, step.portNumber, step);
    case 'ensureDirectoryOnline':
      return smcli.bringDirectoryOnline(step.userid);
    case 'ensureLiveNic':
      return smcli.defineLiveNic(step.userid, step.vdev, step.macId);
    case 'ensureCoupled':
      return smcli.couple(step.userid, step.vdev, step.vswitch, step.portNumber);
    default:
      throw new Error(`${step.kind} is not a step on z/VM`);
  }
}
