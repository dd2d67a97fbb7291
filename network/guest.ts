import { z } from 'zod';
import { NodeName, PortId, Userid, VswitchName } from './identifiers.ts';
import { Mac } from './mac.ts';
import { Network } from './port.ts';
import { PortNumber } from './port-number.ts';
import { Vdev } from './vdev.ts';

/** One row of xCAT's `switch` table that belongs to this host: what should be (contract xcat.md 2.1). */
export const RecordedPort = z.object({
  portId: PortId,
  vdev: Vdev.optional(),
  /** Absent in rows that Nova wrote and nobody has wired yet. */
  vswitch: VswitchName.optional(),
  network: Network,
  /** From the node's row in the `mac` table. */
  mac: Mac.optional(),
  adminStateUp: z.boolean(),
  /** More than one row for this port id (historic tools can double them); they are rewritten as one. */
  rows: z.number().int().min(1),
});
export type RecordedPort = z.infer<typeof RecordedPort>;

/** A NICDEF of the user directory: what the guest gets at its next logon. */
export const Nicdef = z.object({
  vdev: Vdev,
  /** Coupled at logon to this SYSTEM VSWITCH; absent when the statement names none. */
  vswitch: VswitchName.optional(),
  macId: z.string().optional(),
  /** PORTNUMBER: the port of a port-based VSWITCH. */
  portNumber: PortNumber.optional(),
});
export type Nicdef = z.infer<typeof Nicdef>;

/** A NIC that the running guest has now. */
export const LiveNic = z.object({
  vdev: Vdev,
  /** The VSWITCH that it is coupled to; absent when uncoupled. */
  vswitch: VswitchName.optional(),
  /** Known only while coupled (from the VSWITCH's list). */
  mac: Mac.optional(),
});
export type LiveNic = z.infer<typeof LiveNic>;

/** One address of the node's row in the `mac` table, `<mac>!<node>-<vdev>` or, as Nova writes it, the address alone. */
export const MacEntry = z.object({ text: z.string(), mac: Mac.optional(), vdev: Vdev.optional() });
export type MacEntry = z.infer<typeof MacEntry>;

/** Everything about one guest's network, read from xCAT and z/VM. */
export const GuestState = z.object({
  userid: Userid,
  node: NodeName,
  loggedOn: z.boolean(),
  recorded: z.array(RecordedPort).readonly(),
  macEntries: z.array(MacEntry).readonly(),
  /** True when the node has a row in the `mac` table, be it with Nova's placeholder. */
  macRow: z.boolean(),
  directory: z.array(Nicdef).readonly(),
  live: z.array(LiveNic).readonly(),
});
export type GuestState = z.infer<typeof GuestState>;
