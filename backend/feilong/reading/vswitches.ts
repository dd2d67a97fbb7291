import type { Finding } from '../../../domain/drift/finding.ts';
import { VswitchName } from '../../../domain/text/identifiers.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { readVswitch, type VswitchText } from '../../zvm/vswitch-text.ts';
import type { FeilongClient, VswitchAnswer } from '../rest/client.ts';

/** A host's VSWITCHes, and what of them nobody can read. */
export type VswitchReading = { vswitches: Vswitch[]; findings: Finding[] };

/** All VSWITCHes: one call for their names, and one each. Throws a BackendError. */
export async function readVswitches(feilong: FeilongClient, signal?: AbortSignal): Promise<VswitchReading> {
  const findings: Finding[] = [];
  const names = await feilong.vswitchNames(signal);
  const read = await Promise.all(
    names.map(async (text) => {
      const name = VswitchName.safeParse(text).data;
      if (name !== undefined) return vswitchNamed(feilong, name, findings, signal);
      findings.push({ of: `VSWITCH ${quoteValue(text)}`, reason: 'its name is not valid on z/VM: it is not read' });
      return undefined;
    }),
  );
  return { vswitches: read.filter((vswitch) => vswitch !== undefined), findings };
}

/** One VSWITCH; undefined when it is not there. Throws a BackendError. */
export async function vswitchNamed(
  feilong: FeilongClient,
  name: VswitchName,
  findings: Finding[],
  signal?: AbortSignal,
): Promise<Vswitch | undefined> {
  const answer = await feilong.vswitch(name, signal);
  return answer === undefined ? undefined : readVswitch(name, textOf(answer), (finding) => findings.push(finding));
}

/** Feilong's answer in the keys of smcli, of which it is made. */
function textOf({ texts, real_devices, authorized_users, adapters }: VswitchAnswer): VswitchText {
  return {
    switchFields: new Map(texts),
    uplinks: Object.entries(real_devices).map(([rdev, values]) => {
      const text = (key: string): string => (typeof values[key] === 'string' ? values[key] : '');
      return new Map([
        ['real_device_address', rdev],
        ['virtual_device_address', text('vdev')],
        ['controller_name', text('controller')],
        ['port_name', text('port_name')],
        ['device_status', text('dev_status')],
        ['device_error_status', text('dev_err')],
      ]);
    }),
    // On a port-based VSWITCH, a guest with several ports has its last one here: nothing is done on such VSWITCHes by this backend.
    grants: Object.entries(authorized_users).map(([userid, { port_num, prom_mode, vlan_ids }]) => ({
      userid,
      portNumber: port_num,
      promiscuity: prom_mode,
      vlans: vlan_ids,
      vlanCount: String(vlan_ids.length),
    })),
    nics: Object.entries(adapters).map(([key, { mac }]) => {
      // A userid may hold the character between it and its NIC.
      const at = key.lastIndexOf('_');
      return new Map([
        ['adapter_owner', key.slice(0, at)],
        ['adapter_vdev', key.slice(at + 1)],
        ['adapter_macaddr', mac],
      ]);
    }),
    errors: [],
  };
}
