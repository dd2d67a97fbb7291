import { authorizingOperands, type Nicdef, type PortType } from '../directory/nicdef.ts';
import type { Code } from './codes.ts';
import type { Nic, Right } from './guest.ts';
import type { Behaviour } from './release.ts';
import { type Authorisation, effectiveVlans, type Vswitch } from './vswitch.ts';

/** The connection that a NIC may have. */
export type Access = { right: Right; vlans: number[]; portType: PortType; promiscuous: boolean; port: number | null };

export type Asking = {
  userid: string;
  vswitch: Vswitch;
  /** the port number of the command */
  port: number | null;
  /** the NICDEF that counts for the NIC, if it names this VSWITCH */
  nicdef: Nicdef | undefined;
  /** the NICs that are coupled to the VSWITCH */
  others: readonly Nic[];
  behaviour: Behaviour;
};

const NOT_AUTHORISED: Code = [212, 8];

/** The right by which a NIC is coupled, or the code of the refusal. */
export function accessOf(asking: Asking): Access | Code {
  const { vswitch, nicdef, behaviour } = asking;
  const heard = behaviour.dna === 'enabled' ? nicdef : undefined;
  const port = asking.port ?? heard?.portNumber ?? null;
  if (port !== null && isOthers(asking, port)) return NOT_AUTHORISED;
  const granted = grantedAccess(asking, port);
  if (heard === undefined) return granted ?? NOT_AUTHORISED;
  const authorises = authorizingOperands(heard).length > 0 || behaviour.nicdefAlone === 'authorises';
  if (!authorises) return granted ?? NOT_AUTHORISED;
  return byDirectory(vswitch, heard, granted, port, behaviour);
}

/** A port number that another userid holds, or that another NIC is coupled to. */
function isOthers({ vswitch, userid, others, behaviour }: Asking, port: number): boolean {
  const holder = vswitch.ports.get(port)?.userid;
  if (holder !== undefined && holder !== userid) return true;
  return (vswitch.portBased || behaviour.commonModel) && others.some((nic) => nic.port === port);
}

type Granted = Access & { namesVlan: boolean };

function grantedAccess(asking: Asking, wanted: number | null): Granted | undefined {
  const { vswitch, userid, behaviour } = asking;
  const grant = vswitch.authorisations.get(userid);
  const byGrant = grant === undefined ? undefined : accessBy(vswitch, grant, 'grant', wanted);
  const held = wanted === null ? freePortOf(asking) : vswitch.ports.get(wanted)?.userid === userid ? wanted : undefined;
  const port = held === undefined ? undefined : vswitch.ports.get(held);
  const byPort = held === undefined || port === undefined ? undefined : accessBy(vswitch, port, 'port', held);
  if (!behaviour.commonModel) return vswitch.portBased ? byPort : byGrant;
  const named = wanted === null ? undefined : byPort;
  return named ?? (vswitch.portBased ? (byPort ?? byGrant) : (byGrant ?? byPort));
}

function freePortOf({ vswitch, userid, others }: Asking): number | undefined {
  const taken = others.map((nic) => nic.port);
  return [...vswitch.ports].find(([number, port]) => port.userid === userid && !taken.includes(number))?.[0];
}

function accessBy(vswitch: Vswitch, authorisation: Authorisation, right: Right, port: number | null): Granted {
  const { portType, promiscuous, vlans: named } = authorisation;
  const vlans = effectiveVlans(vswitch, authorisation);
  return { right, vlans, portType, promiscuous, port, namesVlan: named.length > 0 };
}

/** NICDEF's own operands, and for the rest those of the grant or of the VSWITCH (docs/reference/zvm.md 5.1). */
function byDirectory(
  vswitch: Vswitch,
  nicdef: Nicdef,
  granted: Granted | undefined,
  port: number | null,
  { vlanWinner }: Behaviour,
): Access | Code {
  // a VSWITCH that is not aware knows neither; its answer at COUPLE is not known (docs/reference/zvm.md 3.2)
  if (!vswitch.aware && (nicdef.vlans !== undefined || nicdef.portType !== undefined)) return [396, 2846];
  const named = vlanWinner === 'grant' && granted?.namesVlan === true ? undefined : nicdef.vlans;
  const inherited = granted?.vlans ?? effectiveVlans(vswitch, { vlans: [] });
  const vlans = named === undefined ? inherited : [...named];
  const portType = nicdef.portType ?? granted?.portType ?? vswitch.portType;
  if (portType === 'ACCESS' && vlans.length > 1) return [396, 2838];
  const promiscuous = nicdef.promiscuous ?? granted?.promiscuous ?? false;
  return { right: 'directory', vlans, portType, promiscuous, port: port ?? granted?.port ?? null };
}
