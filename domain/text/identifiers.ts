import { z } from 'zod';

const TYPES: Readonly<Record<string, string>> = {
  ...{ string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false' },
  ...{ array: 'a list', object: 'an object', record: 'an object' },
};

z.config({
  // Temporal's workflow sandbox must behave the same on every replay, so zod may not probe for `eval`.
  jitless: true,
  // Plain English, the same at every edge, where a schema has no message of its own.
  customError: (issue) => {
    if (issue.code === 'unrecognized_keys') return `has unknown fields: ${issue.keys.join(', ')}`;
    if (issue.code !== 'invalid_type') return undefined;
    return issue.input === undefined ? 'is missing' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
  },
});

/** z/VM userid: 1–8 characters, kept in upper case as CP and DirMaint store it (docs/reference/zvm.md 1.1). */
export const Userid = z
  .string()
  .regex(
    /^[ \t\r\n]*[A-Za-z0-9@#$_+:-]{1,8}[ \t\r\n]*$/,
    'must be a z/VM userid: 1 to 8 characters of A–Z, 0–9, @ # $ _ + : -',
  )
  .transform((text) => text.trim().toUpperCase())
  .brand<'Userid'>()
  .meta({ description: "A guest's userid", example: 'LNX10001' });
export type Userid = z.infer<typeof Userid>;

/** Name of a guest in the backend's inventory, a node of xCAT; independent of the userid (docs/reference/zvm.md 1.1). */
export const NodeName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/, 'must be an xCAT node name')
  .brand<'NodeName'>();
export type NodeName = z.infer<typeof NodeName>;

/** Name of one z/VM system: its Neutron host name, part of task queues and workflow IDs. */
export const HostName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/, 'must be a host name')
  .brand<'HostName'>()
  .meta({ description: 'A z/VM system, by its name in Neutron', example: 'zvm1' });
export type HostName = z.infer<typeof HostName>;

/** VSWITCH name: one token of 1–8 characters, upper case in CP; may start with a digit (docs/reference/zvm.md 1.3). */
export const VswitchName = z
  .string()
  .regex(
    /^[ \t\r\n]*[A-Za-z0-9@#$_-]{1,8}[ \t\r\n]*$/,
    'must be a VSWITCH name: 1 to 8 characters of A–Z, 0–9, @ # $ _ -',
  )
  .transform((text) => text.trim().toUpperCase())
  .brand<'VswitchName'>()
  .meta({ description: 'A VSWITCH', example: 'VSW1' });
export type VswitchName = z.infer<typeof VswitchName>;

/** Neutron port id, the key of a port everywhere. */
export const PortId = z
  .string()
  .regex(
    /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$/,
    'must be a port UUID',
  )
  .transform((text) => text.toLowerCase())
  .brand<'PortId'>()
  .meta({ description: 'A port, by its UUID', example: '00000000-0000-4000-8000-000000000001' });
export type PortId = z.infer<typeof PortId>;

/** VLAN id (segmentation id) 1–4094, both ends included: the historic agent lost 4094 (docs/reference/xcat.md 6.2). */
export const SegmentationId = z
  .int('must be a whole number')
  .min(1, 'must be 1 to 4094')
  .max(4094, 'must be 1 to 4094')
  .brand<'SegmentationId'>();
export type SegmentationId = z.infer<typeof SegmentationId>;
