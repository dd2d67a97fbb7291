import { z } from 'zod';
import type { Vdev } from './vdev.ts';

/** A fixed IP address of a port, version 4 or 6, in lower case. */
export const IpAddress = z
  .string()
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.union([z.ipv4(), z.ipv6()], 'must be an IP address'))
  .brand<'IpAddress'>();
export type IpAddress = z.infer<typeof IpAddress>;

/** Name of a port in the name service: one label, since xCAT takes no dot in a node's short name (xCAT's makehosts). */
export const Hostname = z
  .string()
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a host name without dots'))
  .brand<'Hostname'>();
export type Hostname = z.infer<typeof Hostname>;

/** The fixed address of one NIC, with its name where it has one of its own. */
export type NicAddress = { vdev: Vdev; address: IpAddress; hostname?: Hostname };

/** A node's row of the `hosts` table: ours, somebody else's with this address, or none. */
export type RecordedAddresses =
  | { row: 'none' }
  | { row: 'ours'; entries: readonly NicAddress[] }
  | { row: 'foreign'; address: string };
