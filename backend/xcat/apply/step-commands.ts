import { type Step, sentence } from '../../../domain/planning/steps.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import { BackendError } from '../../backend-error.ts';
import type { Command } from '../zhcp/channel.ts';
import * as smcli from '../zhcp/smcli.ts';

/** The SMAPI function of one step on z/VM. Throws a BackendError that names the step when it can not be said to SMAPI. */
export function commandFor(step: Step, zhcpUserid: Userid): Command {
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
      return smcli.defineNicsInDirectory(step.userid, [step]);
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
