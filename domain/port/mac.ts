import { z } from 'zod';
import { fnv1a } from '../text/fnv1a.ts';
import type { Vdev } from './vdev.ts';

/** MAC address in lower case with colons, unicast and not all zero: `02:00:00:12:34:56`. Dashes and bare hex are taken too. */
export const Mac = z
  .string()
  .regex(
    /^[ \t\r\n]*(?!00([:-]?00){5})[0-9a-fA-F][02468aceACE]([:-]?[0-9a-fA-F]{2}){5}[ \t\r\n]*$/,
    'must be a unicast MAC address other than zero, as in 02:00:00:12:34:56',
  )
  .transform((text) => inPairs(text.trim().toLowerCase().replaceAll(/[:-]/g, '')))
  .brand<'Mac'>()
  .meta({
    description: 'MAC address with colons, dashes or no separators; default: a free one',
    example: '02:00:00:12:34:56',
  });
export type Mac = z.infer<typeof Mac>;

/** First three bytes, `02:00:00`: what z/VM calls the USER prefix of its VMLAN (docs/reference/zvm.md 1.4). */
export const MacPrefix = z
  .string()
  .transform((text) => text.trim().toLowerCase().replaceAll(/[:-]/g, ''))
  .pipe(z.string().regex(/^[0-9a-f]{6}$/, 'must be three bytes, as in 02:00:00'))
  .transform(inPairs)
  .brand<'MacPrefix'>();
export type MacPrefix = z.infer<typeof MacPrefix>;

function inPairs(hex: string): string {
  return hex.match(/../g)?.join(':') ?? hex;
}

const SUFFIXES = 0x1000000;

/** The first three bytes of a MAC. */
export function macPrefix(mac: Mac): MacPrefix {
  return MacPrefix.parse(mac.slice(0, 8));
}

/** The last three bytes as the directory keeps them: `MACID 123456`, upper case (docs/reference/zvm.md 1.4). */
export function macId(mac: Mac): string {
  return mac.slice(9).replaceAll(':', '').toUpperCase();
}

/** The MAC that z/VM makes of a USER prefix and a MACID. Throws a ZodError when either has not three bytes. */
export function macFromId(prefix: MacPrefix, id: string): Mac {
  return Mac.parse(`${prefix}${id.padStart(6, '0')}`);
}

/**
 * A free MAC under the prefix for a port without one. The start of the search comes from the port id, so that two ports created at
 * the same time on two guests look in different places. Undefined when the prefix is used up.
 */
export function allocateMac(prefix: MacPrefix, portId: string, isTaken: (mac: Mac) => boolean): Mac | undefined {
  const start = fnv1a(portId) % SUFFIXES;
  for (let offset = 0; offset < SUFFIXES; offset += 1) {
    const suffix = (start + offset) % SUFFIXES;
    if (suffix === 0) continue;
    const mac = macFromId(prefix, suffix.toString(16));
    if (!isTaken(mac)) return mac;
  }
  return undefined;
}

/** A MAC address in use and the guest that has it, by userid or by a name of its record. */
export type MacInUse = {
  mac: Mac;
  owner: string;
  vdev?: Vdev;
  /** From a directory entry as it was read last, which for the guest itself may have been before a change. */
  inEntry?: true;
};
