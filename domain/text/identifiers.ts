import { z } from 'zod';

// Temporal's workflow sandbox must behave the same on every replay, so zod may not probe for `eval`.
z.config({ jitless: true });

/** z/VM userid: 1–8 characters, kept in upper case as CP and DirMaint store it (contract xcat.md 5.1). */
export const Userid = z
  .string()
  .transform((text) => text.trim().toUpperCase())
  .pipe(
    z.string().regex(/^[A-Z0-9@#$_+:-]{1,8}$/, 'must be a z/VM userid: 1 to 8 characters of A–Z, 0–9, @ # $ _ + : -'),
  )
  .brand<'Userid'>();
export type Userid = z.infer<typeof Userid>;

/** xCAT node name, as in the `zvm` table; independent of the userid (contract xcat.md 5.1). */
export const NodeName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/, 'must be an xCAT node name')
  .brand<'NodeName'>();
export type NodeName = z.infer<typeof NodeName>;

/** Name of one z/VM system: its Neutron host name, part of task queues and workflow IDs. */
export const HostName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/, 'must be a host name')
  .brand<'HostName'>();
export type HostName = z.infer<typeof HostName>;

/** VSWITCH name: one token of 1–8 characters, upper case in CP; may start with a digit (contract xcat.md 5.3). */
export const VswitchName = z
  .string()
  .transform((text) => text.trim().toUpperCase())
  .pipe(z.string().regex(/^[A-Z0-9@#$_-]{1,8}$/, 'must be a VSWITCH name: 1 to 8 characters of A–Z, 0–9, @ # $ _ -'))
  .brand<'VswitchName'>();
export type VswitchName = z.infer<typeof VswitchName>;

/** Neutron port id, the key of a port everywhere. */
export const PortId = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.uuid('must be a port UUID'))
  .brand<'PortId'>();
export type PortId = z.infer<typeof PortId>;

/** VLAN id (segmentation id) 1–4094, both ends included: the historic agent lost 4094 (contract xcat.md 6, defect 18). */
export const SegmentationId = z
  .int('must be a whole number')
  .min(1, 'must be 1 to 4094')
  .max(4094, 'must be 1 to 4094')
  .brand<'SegmentationId'>();
export type SegmentationId = z.infer<typeof SegmentationId>;
