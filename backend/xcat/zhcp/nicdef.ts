import { defined } from '../../../domain/defined.ts';
import type { Nicdef, NicdefAuthorization } from '../../../domain/guest/guest.ts';
import type { NicOperands } from '../../../domain/guest/kept-attributes.ts';
import { sameAuthorization } from '../../../domain/guest/nicdef-authorization.ts';
import type { PortNumber } from '../../../domain/port/port-number.ts';
import { DEVICES_PER_NIC, type Vdev } from '../../../domain/port/vdev.ts';
import type { VswitchName } from '../../../domain/text/identifiers.ts';
import { shortVlans } from '../../../domain/vswitch/vlan-set.ts';
import { BackendError } from '../../backend-error.ts';

/** A NIC as a directory entry is to have it: coupled at logon when a VSWITCH is given. Without a MACID CP gives it an address. */
export type DirectoryNic = {
  vdev: Vdev;
  macId?: string;
  vswitch?: VswitchName;
  portNumber?: PortNumber;
  authorization?: NicdefAuthorization;
} & NicOperands;

/**
 * The NIC as a value of SMAPI's `-k NICDEF=` (docs/reference/zvm.md 2.1). Throws BackendError 'refused' for a MACID that is not six hex
 * digits.
 */
export function nicdefOperand({
  vdev,
  macId,
  vswitch,
  portNumber,
  devices,
  chpid,
  authorization = {},
}: DirectoryNic): string {
  const coupling = vswitch === undefined ? '' : ` LAN=SYSTEM SWITCHNAME=${vswitch}`;
  const port = portNumber === undefined ? '' : ` PORTNUMBER=${portNumber}`;
  const mac = macId === undefined ? '' : ` MACID=${checkedMacId(macId)}`;
  const others = `${devices === undefined ? '' : ` DEVICES=${devices}`}${chpid === undefined ? '' : ` CHPID=${chpid}`}`;
  return `VDEV=${vdev} TYPE=QDIO${mac}${coupling}${port}${authorizationKeywords(authorization)}${others}`;
}

/** The operands of directory network authorization as keywords of SMAPI's NICDEF (docs/reference/zvm.md 5.4: not verified that it takes them). */
function authorizationKeywords({ vlans = [], portType, promiscuous, priority }: NicdefAuthorization): string {
  const values = defined({
    VLAN: vlans.length === 0 ? undefined : shortVlans(vlans).join(' '),
    PORTTYPE: portType,
    PROMISCUOUS: promiscuous === undefined ? undefined : promiscuous ? 'YES' : 'NO',
    PQUPLINKTX: priority,
  });
  return Object.entries(values)
    .map(([key, value]) => ` ${key}=${value}`)
    .join('');
}

/** True when the entry has the NIC as wanted, whatever else its statements say. */
export function isDefinedAs(nic: Nicdef | undefined, wanted: DirectoryNic): boolean {
  return (
    nic !== undefined &&
    nic.unclear === undefined &&
    nic.vswitch === wanted.vswitch &&
    nic.macId === wanted.macId?.toUpperCase().padStart(6, '0') &&
    nic.portNumber === wanted.portNumber &&
    (nic.devices ?? DEVICES_PER_NIC) === (wanted.devices ?? DEVICES_PER_NIC) &&
    hex(nic.chpid) === hex(wanted.chpid) &&
    sameAuthorization(nic.authorization, wanted.authorization)
  );
}

function hex(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number.parseInt(text, 16);
}

/** Six hex digits in upper case. Throws BackendError 'refused' for other text. */
export function checkedMacId(macId: string): string {
  if (/^[0-9A-Fa-f]{6}$/.test(macId)) return macId.toUpperCase();
  throw new BackendError({ code: 'refused', operation: 'define a NIC', message: 'a MACID has six hex digits' });
}
