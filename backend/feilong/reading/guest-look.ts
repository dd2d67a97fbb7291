import { defined } from '../../../domain/defined.ts';
import type { Report } from '../../../domain/drift/finding.ts';
import type { LiveNic, Nicdef } from '../../../domain/guest/guest.ts';
import { type DeviceRange, Vdev } from '../../../domain/port/vdev.ts';
import { type Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import { parseDirectoryDevices } from '../../zvm/device-parser.ts';
import { parseDirectory } from '../../zvm/directory-parser.ts';
import type { Adapter, FeilongClient, NicRow } from '../rest/client.ts';

/** A guest as Feilong shows it: its rows, its directory entry, its live NICs. */
export type GuestLook = {
  userid: Userid;
  rows: readonly NicRow[];
  /** Undefined when the directory has no entry. */
  directory: readonly Nicdef[] | undefined;
  devices: readonly DeviceRange[];
  /** Undefined when it is not logged on. */
  live: readonly LiveNic[] | undefined;
};

/** Read one guest in three calls, of which two go to z/VM. Throws a BackendError. */
export async function lookAt(feilong: FeilongClient, userid: Userid, signal?: AbortSignal): Promise<GuestLook> {
  const [rows, onZvm] = await Promise.all([rowsOf(feilong, userid, signal), lookAtZvm(feilong, userid, signal)]);
  return { ...onZvm, rows };
}

/** The part of it that is Feilong's: one call, of which z/VM knows nothing. Throws a BackendError. */
export async function rowsOf(feilong: FeilongClient, userid: Userid, signal?: AbortSignal): Promise<NicRow[]> {
  const rows = await feilong.nicsOf(userid, signal);
  // Feilong looks for a part of the userid.
  return rows.filter((row) => row.userid.toUpperCase() === userid);
}

/** The part of it that is z/VM's. */
export async function lookAtZvm(
  feilong: FeilongClient,
  userid: Userid,
  signal?: AbortSignal,
  report: Report = () => undefined,
): Promise<Omit<GuestLook, 'rows'>> {
  const [entry, adapters] = await Promise.all([
    feilong.directoryEntry(userid, signal),
    feilong.adapters(userid, signal),
  ]);
  return {
    userid,
    directory: entry === undefined ? undefined : parseDirectory(entry, report),
    devices: entry === undefined ? [] : parseDirectoryDevices(entry).devices,
    live: adapters?.flatMap((adapter) => liveNic(adapter, report)),
  };
}

/** The row of a NIC. */
export function rowOf({ rows }: Pick<GuestLook, 'rows'>, vdev: Vdev): NicRow | undefined {
  return rows.find((row) => vdevOf(row) === vdev);
}

/** The NIC that a row is about; undefined when nobody can read it. */
export function vdevOf(row: NicRow): Vdev | undefined {
  return Vdev.safeParse(row.interface).data;
}

/** Coupled if and only if it has a VSWITCH of SYSTEM: one that is not coupled has no LAN, or the word NONE. */
function liveNic({ adapter_address, lan_owner, lan_name }: Adapter, report: Report): LiveNic[] {
  const vdev = Vdev.safeParse(adapter_address).data;
  if (vdev === undefined) {
    report({ of: `NIC ${quoteValue(adapter_address)}`, reason: 'its address is not a device number' });
    return [];
  }
  if (lan_owner?.toUpperCase() !== 'SYSTEM' || lan_name === undefined || lan_name === '') return [{ vdev }];
  const vswitch = VswitchName.safeParse(lan_name).data;
  if (vswitch !== undefined) return [{ vdev, vswitch }];
  const unclear = `it is coupled to ${quoteValue(lan_name)}, which is not the name of a VSWITCH`;
  report({ of: `NIC ${vdev}`, reason: unclear });
  return [{ vdev, ...defined({ unclear }) }];
}
