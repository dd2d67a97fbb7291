import { z } from 'zod';
import type { Vdev } from './vdev.ts';

/** A fixed IP address of a port, version 4 or 6, in lower case. */
export const IpAddress = z
  .union([z.ipv4().meta({ format: 'ipv4' }), z.ipv6().meta({ format: 'ipv6' })], 'must be an IP address')
  .transform((text) => text.toLowerCase())
  .brand<'IpAddress'>()
  .meta({ description: 'Fixed address, for the name service', example: '192.0.2.10' });
export type IpAddress = z.infer<typeof IpAddress>;

/** Name of a port in the name service: one label, since xCAT takes no dot in a node's short name (xCAT's makehosts). */
export const Hostname = z
  .string()
  .regex(
    /^[ \t\r\n]*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?[ \t\r\n]*$/,
    'must be a host name of at most 63 characters, without dots',
  )
  .transform((text) => text.trim().toLowerCase())
  .brand<'Hostname'>()
  .meta({ description: 'Host name of the address; default: that of the node', example: 'lnx10001-data' });
export type Hostname = z.infer<typeof Hostname>;

/** The fixed address of one NIC, with its name where it has one of its own. */
export type NicAddress = { vdev: Vdev; address: IpAddress; hostname?: Hostname };
