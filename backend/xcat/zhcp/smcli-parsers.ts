import type { Report } from '../../../domain/drift/finding.ts';
import type { LiveNic } from '../../../domain/guest/guest.ts';
import { MacPrefix } from '../../../domain/port/mac.ts';
import { PortNumber } from '../../../domain/port/port-number.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { VswitchName } from '../../../domain/text/identifiers.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import { badOutput, take } from '../../zvm/parsing.ts';
import { printedValue } from '../../zvm/printed-value.ts';

export { parseActiveDevices, parseDirectoryDevices, parseWideNics } from '../../zvm/device-parser.ts';
export { isWholeDirectory, parseDirectory } from '../../zvm/directory-parser.ts';
export { isWholeVswitchAnswer, leavesVswitchesOut, parseVswitches } from './vswitch-parser.ts';

const LIVE_NICS = 'read live NICs';
const FIELD = /^\s*(Address|LAN name):[ \t]*([^\r]*)/i;

/**
 * NICs of a running guest, from Virtual_Network_Adapter_Query (docs/reference/smcli.md 4.3). Coupled if and only if a LAN name is printed:
 * the status text is unreliable. None for SMAPI's refusal, which the caller has judged. A value that is not understood is reported, and its
 * NIC left `unclear`. Throws BackendError 'bad-answer' for other text.
 */
export function parseLiveNics(output: string, report: Report = () => undefined): LiveNic[] {
  const nics: LiveNic[] = [];
  let current: LiveNic | 'not understood' | undefined;
  for (const [label, text] of fieldsOf(output)) {
    if (label === 'address') {
      const vdev = Vdev.safeParse(text).data;
      if (vdev === undefined) report({ of: `NIC ${quoteValue(text)}`, reason: 'its address is not a device number' });
      current = vdev === undefined ? 'not understood' : { vdev };
      if (current !== 'not understood') nics.push(current);
      continue;
    }
    if (current === undefined) throw badOutput(LIVE_NICS, 'a LAN name without an adapter');
    const lan = printedValue(text);
    if (current === 'not understood' || lan === undefined || lan === '*') continue;
    const vswitch = VswitchName.safeParse(lan).data;
    if (vswitch !== undefined) current.vswitch = vswitch;
    else {
      current.unclear = `it is coupled to ${quoteValue(lan)}, which is not the name of a VSWITCH`;
      report({ of: `NIC ${current.vdev}`, reason: current.unclear });
    }
  }
  if (current === undefined && output.trim() !== '' && !/Return Code: /.test(output)) {
    throw badOutput(LIVE_NICS, 'no adapter in the output');
  }
  return nics;
}

/** True when the output ends where an answer ends: each adapter with its LAN. */
export function isWholeNicAnswer(output: string): boolean {
  const labels = fieldsOf(output).map(([label]) => label);
  return labels.length > 0 && labels.every((label, index) => label === (index % 2 === 0 ? 'address' : 'lan name'));
}

function fieldsOf(output: string): [label: string, text: string][] {
  return output.split('\n').flatMap((line): [string, string][] => {
    const [, label, text = ''] = FIELD.exec(line) ?? [];
    return label === undefined ? [] : [[label.toLowerCase(), text.trim()]];
  });
}

/**
 * The VLANs that z/VM counts for each NIC, from Virtual_Network_VLAN_Query_Stats (docs/reference/smcli.md 4.6): those that it is on. A NIC
 * without any is left out: z/VM then does not say. Throws BackendError 'bad-answer' for an answer that is not whole.
 */
export function parseNicVlans(output: string, report: Report = () => undefined): ReadonlyMap<Vdev, readonly number[]> {
  const nics = new Map<Vdev, number[]>();
  let current: number[] | undefined;
  let blocks = 0;
  for (const [, key, value = ''] of output.matchAll(/^ *(type|nic_addr|pseg_vlanid) = ([^\r\n]*)/gm)) {
    if (key === 'type') {
      blocks += 1;
      current = undefined;
    } else if (key === 'nic_addr') {
      const vdev = Vdev.safeParse(value).data;
      current = [];
      if (vdev === undefined) report({ of: `NIC ${quoteValue(value)}`, reason: 'its address is not a device number' });
      else nics.set(vdev, current);
    } else if (isVlan(value)) current?.push(Number(value));
  }
  if (blocks !== Number(/portNicArrayCount = (\d{1,5})/.exec(output)?.[1] ?? Number.NaN))
    throw badOutput('read the VLANs of live NICs', 'the answer is not whole');
  return new Map([...nics].filter(([, vlans]) => vlans.length > 0));
}

/** The numbers that z/VM has of NICs, from the same answer: the ports of their VSWITCHes, it is concluded (docs/reference/smcli.md 4.6). */
export function parseNicNumbers(output: string): ReadonlyMap<Vdev, PortNumber> {
  const pairs = output.matchAll(/^ *nic_addr = (\S+)\s*\n *nic_num = (\d{1,10})\s*$/gm);
  return new Map(
    [...pairs].flatMap(([, address, number]): [Vdev, PortNumber][] => {
      const vdev = Vdev.safeParse(address).data;
      const port = PortNumber.safeParse(Number(number)).data;
      return vdev === undefined || port === undefined ? [] : [[vdev, port]];
    }),
  );
}

function isVlan(text: string): boolean {
  return /^\d{1,4}\s*$/.test(text) && Number(text) >= 1 && Number(text) <= 4094;
}

/**
 * The USER prefix of MAC addresses, from `q vmlan`: `MACADDR Prefix: 020000 USER Prefix: 0200ee` (docs/reference/zvm.md 1.4). Throws
 * BackendError 'bad-answer' without one.
 */
export function parseVmlan(output: string): MacPrefix {
  const prefix = /\bUSER\s{1,20}Prefix:[ \t]{0,20}([0-9A-F-]{6,8})\b/i.exec(output)?.[1] ?? '';
  return take(MacPrefix, prefix, 'read the MAC prefix');
}

/**
 * When z/VM was started, as System_Info_Query prints it, `2014-06-11 01:38:37 EDT`: to compare, it changes only by an IPL
 * (docs/reference/smcli.md 4.4). Throws BackendError 'bad-answer' without one.
 */
export function parseIplTime(output: string): string {
  const time = printedValue(/CP IPL time:[ \t]*(\S[^\n]*)/i.exec(output)?.[1]);
  if (time === undefined) throw badOutput('read the IPL time', 'no IPL time in the output');
  return time;
}
