import { defined } from '../defined.ts';
import type { DesiredPort } from '../guest/desired.ts';
import { type GuestState, type Nicdef, type NicdefAuthorization, standsInEntry } from '../guest/guest.ts';
import { namesAccess } from '../guest/nicdef-authorization.ts';
import { directoryAuthorizes, type HostCapabilities } from '../host/host-capabilities.ts';
import { sameNetwork, vlansOf } from '../port/port.ts';
import type { Vdev } from '../port/vdev.ts';
import type { Network } from '../vswitch/network.ts';
import { sameVlans, vlanSetWords } from '../vswitch/vlan-set.ts';
import { type Authorisation, authorisedVlans, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import type { PlanningContext } from './planning-context.ts';

type Context = Pick<PlanningContext, 'guest' | 'vswitches' | 'capabilities' | 'movesToDirectory'>;

/**
 * The port with its authority: `authorization` when its directory entry is to authorise it, none when a grant or a port number is. Only where
 * z/VM has directory network authorization (docs/reference/zvm.md 5.2). What manages a port that is there stays, unless it is moved. `others`
 * are the guest's other ports.
 */
export function withAuthority(port: DesiredPort, others: readonly DesiredPort[], context: Context): DesiredPort {
  const { authorization: _before, portNumber, ...rest } = port;
  const authorization = authorizationOf(port, others, context);
  if (authorization === undefined) return { ...rest, ...defined({ portNumber }) };
  const nicdef = ownNicdef(context.guest, port.vdev);
  const isAsWritten = nicdef?.vswitch === port.vswitch && namesAccess(nicdef.authorization);
  // A port number that somebody wrote beside the VLAN stays.
  return { ...rest, authorization, ...defined({ portNumber: isAsWritten ? nicdef.portNumber : undefined }) };
}

/** The statement of a NIC in the guest's entry; one of a profile is every user's, one of a SUBCONFIG a member's. */
export function ownNicdef({ directory }: Pick<GuestState, 'directory'>, vdev: Vdev): Nicdef | undefined {
  return directory.find((nic) => nic.vdev === vdev && standsInEntry(nic));
}

/**
 * True of a port that a grant or a port number authorises, while its NICDEF names other VLANs, which z/VM may take: those of an operation that is
 * rolled back.
 */
export function namesOtherVlans(
  { vdev, vswitch, network, authorization }: DesiredPort,
  guest: GuestState,
  capabilities: HostCapabilities | undefined,
): boolean {
  const nicdef = ownNicdef(guest, vdev);
  const { vlans } = nicdef?.authorization ?? {};
  if (authorization !== undefined || vlans === undefined || nicdef?.vswitch !== vswitch) return false;
  return directoryAuthorizes(capabilities) && !sameVlans(vlans, vlansOf(network));
}

function authorizationOf(
  port: DesiredPort,
  others: readonly DesiredPort[],
  context: Context,
): NicdefAuthorization | undefined {
  const { guest, capabilities } = context;
  const vswitch = context.vswitches.find(({ name }) => name === port.vswitch);
  if (vswitch === undefined || capabilities === undefined || !directoryAuthorizes(capabilities)) return undefined;
  const wanted = authorizationFor(vswitch, port.network, capabilities);
  if (wanted === undefined) return undefined;
  const nicdef = ownNicdef(guest, port.vdev);
  const isNamed = nicdef?.vswitch !== undefined && namesAccess(nicdef.authorization);
  const isNew = nicdef?.vswitch !== vswitch.name && !mustBeGranted(vswitch, port, others, context);
  const isGranted = vswitch.vlanAware
    ? isWired(port, guest) && hasOwnGrant(vswitch, port, guest)
    : isAuthorised(vswitch, guest) || others.some((other) => needsGrant(other, port));
  const isByDirectory =
    context.movesToDirectory === true ||
    (vswitch.vlanAware ? isNamed || (isNew && !isGranted) : !isGranted && (isNew || nicdef?.vswitch === vswitch.name));
  return isByDirectory ? wanted : undefined;
}

/**
 * The operands that authorise a NIC for a network on a VSWITCH by its NICDEF; undefined where none can. An unaware VSWITCH takes neither VLAN
 * nor port type (docs/reference/zvm.md 5.6): a statement without both has to be known to authorise. The default VLAN is named, as a NICDEF that
 * names nothing may authorise nothing.
 */
export function authorizationFor(
  { vlanAware, defaultVlan }: Pick<Vswitch, 'vlanAware' | 'defaultVlan'>,
  network: Network,
  { behaviour }: Pick<HostCapabilities, 'behaviour'>,
): NicdefAuthorization | undefined {
  if (!vlanAware) return behaviour?.nicdefAlone === 'authorises' ? {} : undefined;
  const vlans = network.type === 'flat' ? [defaultVlan ?? []].flat() : [...vlansOf(network)];
  if (vlans.length === 0 || vlanSetWords(vlans) === undefined) return undefined;
  return { vlans, portType: vlans.length > 1 ? 'TRUNK' : 'ACCESS' };
}

function isWired({ portId }: DesiredPort, { recorded }: GuestState): boolean {
  return recorded.some((port) => port.portId === portId && port.vdev !== undefined);
}

/** A port without a NICDEF that says so is as the guest's grant, or the port number in its NICDEF, has it, if that is what the port needs. */
function hasOwnGrant(vswitch: Vswitch, { network, vdev }: DesiredPort, guest: GuestState): boolean {
  const want = neededVlans(vswitch, vlansOf(network));
  const number = vswitch.portSelection === 'PORTBASED' ? ownNicdef(guest, vdev)?.portNumber : undefined;
  return authorisationsOf(vswitch, guest.userid).some(
    (entry) =>
      entry.unclear === undefined && entry.portNumber === number && sameVlans(authorisedVlans(vswitch, entry), want),
  );
}

/** True of another port that needs a grant on the VSWITCH; on an unaware one that is every NIC's of the guest. */
export function needsGrant(other: DesiredPort, { portId, vswitch }: DesiredPort): boolean {
  return other.portId !== portId && other.vswitch === vswitch && other.authorization === undefined;
}

function isAuthorised(vswitch: Vswitch, { userid }: GuestState): boolean {
  return authorisationsOf(vswitch, userid).length > 0;
}

function authorisationsOf({ authorisations }: Vswitch, userid: string): Authorisation[] {
  return authorisations.filter((entry) => entry.userid === userid);
}

/** A running guest whose COUPLE does not read the directory gets a new port at once by a grant alone, as long as no other VLAN stands against it. */
function mustBeGranted(
  vswitch: Vswitch,
  port: DesiredPort,
  others: readonly DesiredPort[],
  { guest, capabilities }: Context,
): boolean {
  if (capabilities?.behaviour?.coupleReadsDirectory !== false) return false;
  if (!guest.loggedOn || port.live !== 'present') return false;
  const isOther = others.some(
    (other) =>
      other.portId !== port.portId && other.vswitch === port.vswitch && !sameNetwork(other.network, port.network),
  );
  return !isOther && authorisationsOf(vswitch, guest.userid).length === 0;
}
