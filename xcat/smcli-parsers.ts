import type { LiveNic } from '../network/guest.ts';
import { VswitchName } from '../network/identifiers.ts';
import { MacPrefix } from '../network/mac.ts';
import { Vdev } from '../network/vdev.ts';
import { badOutput, take } from './parsing.ts';

export { parseActiveDevices, parseDirectoryDevices, parseWideNics } from './device-parser.ts';
export { parseDirectory } from './directory-parser.ts';
export { parseVswitches } from './vswitch-parser.ts';

/**
 * NICs of a running guest, from Virtual_Network_Adapter_Query (contract xcat.md 4.5). Coupled if and only if a LAN name is printed: the
 * status text is unreliable. None for SMAPI's refusal, which the caller has judged. Throws XcatError 'bad-answer' for other text.
 */
export function parseLiveNics(output: string): LiveNic[] {
  const operation = 'read live NICs';
  const nics: LiveNic[] = [];
  for (const line of output.split('\n')) {
    const [, label, value = ''] = /^\s*(Address|LAN name):[ \t]*(\S*)/i.exec(line) ?? [];
    if (label === undefined) continue;
    if (label.toLowerCase() === 'address') {
      nics.push({ vdev: take(Vdev, value, operation) });
      continue;
    }
    const nic = nics.at(-1);
    if (nic === undefined) throw badOutput(operation, 'a LAN name without an adapter');
    if (!/^(|none|\(none\)|\*)$/i.test(value)) nic.vswitch = take(VswitchName, value, operation);
  }
  if (nics.length === 0 && output.trim() !== '' && !/Return Code: /.test(output)) {
    throw badOutput(operation, 'no adapter in the output');
  }
  return nics;
}

/**
 * The USER prefix of MAC addresses, from `q vmlan`: `MACADDR Prefix: 020000 USER Prefix: 0200ee` (contract xcat.md 5.5). Throws XcatError
 * 'bad-answer' without one.
 */
export function parseVmlan(output: string): MacPrefix {
  const prefix = /\bUSER\s{1,20}Prefix:[ \t]{0,20}([0-9A-F-]{6,8})\b/i.exec(output)?.[1] ?? '';
  return take(MacPrefix, prefix, 'read the MAC prefix');
}

/**
 * When z/VM was started, as System_Info_Query prints it, `2014-06-11 01:38:37 EDT`: to compare, it changes only by an IPL (contract
 * xcat.md 4.5). Throws XcatError 'bad-answer' without one.
 */
export function parseIplTime(output: string): string {
  const time = /CP IPL time:[ \t]*(\S[^\n]*)/i.exec(output)?.[1]?.trim();
  if (time === undefined) throw badOutput('read the IPL time', 'no IPL time in the output');
  return time;
}
