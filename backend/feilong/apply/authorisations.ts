import type { Step } from '../../../domain/planning/steps.ts';
import type { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { sameVlans } from '../../../domain/vswitch/vlan-set.ts';
import { authorisedVlans, neededVlans, type Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { BackendError } from '../../backend-error.ts';
import type { FeilongHost } from '../feilong-host.ts';
import { vswitchNamed } from '../reading/vswitches.ts';
import { type Done, unsupported } from './guest-steps.ts';

type Grant = Extract<Step, { kind: 'ensureAuthorisation' }>;
type Revoke = Extract<Step, { kind: 'removeAuthorisation' }>;

/**
 * Authorise a guest on a VSWITCH, with the VLAN in the same call. Whoever is authorised already with that VLAN is left alone: doing it again
 * takes its live NICs off the VSWITCH. Throws a BackendError.
 */
export async function authorise(host: FeilongHost, step: Grant, signal: AbortSignal): Promise<Done> {
  const { userid, vswitch: name, vlans } = step;
  const [vlan, ...others] = vlans;
  if (others.length > 0 || step.promiscuous === true) throw unsupported('sets of VLANs and promiscuous guests');
  if (isAuthorised(await read(host, name, signal), userid, vlans)) return 'no change';
  const change = vlan === undefined ? { grant_userid: userid } : { user_vlan_id: { userid, vlanid: vlan } };
  await host.feilong.changeVswitch(name, change, signal);
  if (isAuthorised(await read(host, name, signal), userid, vlans)) return 'done';
  throw without(`${userid} is not authorised on ${name} as it should be`, true);
}

/** Take the authorisation away. Feilong answers success whatever z/VM says. Throws a BackendError. */
export async function revoke(host: FeilongHost, step: Revoke, signal: AbortSignal): Promise<Done> {
  const { userid, vswitch: name } = step;
  if (entryOf(await read(host, name, signal), userid) === undefined) return 'no change';
  await host.feilong.changeVswitch(name, { revoke_userid: userid }, signal);
  if (entryOf(await read(host, name, signal), userid) === undefined) return 'done';
  throw without(`${userid} is still authorised on ${name}`, false);
}

async function read({ feilong }: FeilongHost, name: VswitchName, signal: AbortSignal): Promise<Vswitch | undefined> {
  return vswitchNamed(feilong, name, [], signal);
}

function entryOf(vswitch: Vswitch | undefined, userid: Userid) {
  return vswitch?.authorisations.find((entry) => entry.userid === userid);
}

function isAuthorised(vswitch: Vswitch | undefined, userid: Userid, vlans: readonly number[]): boolean {
  const entry = entryOf(vswitch, userid);
  if (vswitch === undefined || entry === undefined || entry.unclear !== undefined) return false;
  return sameVlans(authorisedVlans(vswitch, entry), neededVlans(vswitch, vlans));
}

function without(what: string, retryable: boolean): BackendError {
  const message = `Feilong has answered success, but ${what}`;
  const advice = 'look for the refusal of z/VM in the log of the Feilong server (sdkserver.log)';
  return new BackendError({ code: 'bad-answer', operation: 'authorise', message, advice, retryable });
}
