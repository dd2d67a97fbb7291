import { z } from 'zod';
import type { RecordStep } from '../../../domain/planning/steps.ts';
import { Hostname, IpAddress } from '../../../domain/port/address.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { NodeName, PortId, VswitchName } from '../../../domain/text/identifiers.ts';
import { Network } from '../../../domain/vswitch/network.ts';
import { BackendError } from '../../backend-error.ts';

/** A change to xCAT's tables, as a step carries it through Temporal's histories. */
const RecordChange = z.discriminatedUnion('operation', [
  z.object({
    operation: z.literal('port'),
    data: z.object({
      node: NodeName,
      portId: PortId,
      vdev: Vdev,
      vswitch: VswitchName,
      network: Network,
      adminStateUp: z.boolean(),
      /** Rows of the port in the `switch` table, those under other nodes included: these go. */
      rows: z.int(),
      otherNodes: z.array(NodeName).readonly(),
    }),
  }),
  z.object({
    operation: z.literal('macs'),
    data: z.object({
      node: NodeName,
      entries: z.array(z.string()).readonly(),
      /** The node has a row in the `mac` table. */
      row: z.boolean(),
      /** They stand for the same guest, and may have the addresses too. */
      otherNodes: z.array(NodeName).readonly(),
    }),
  }),
  z.object({
    operation: z.literal('addresses'),
    data: z.object({
      node: NodeName,
      entries: z.array(z.object({ vdev: Vdev, address: IpAddress, hostname: Hostname.exactOptional() })).readonly(),
      /** The node has a row in the `hosts` table. */
      row: z.boolean(),
      /** The row says something that is not so any more. */
      stale: z.boolean(),
    }),
  }),
  z.object({ operation: z.literal('names'), data: z.object({}) }),
  z.object({
    operation: z.literal('remove'),
    data: z.object({ node: NodeName, portId: PortId, keepRow: z.boolean() }),
  }),
]);
export type RecordChange = z.infer<typeof RecordChange>;

/** Parse the change of a step. Throws BackendError 'refused' for one that another build has planned in another form. */
export function changeOf(step: RecordStep): RecordChange {
  const { data, error } = RecordChange.safeParse(step);
  if (data !== undefined) return data;
  const message = `the step is not in this version's form: ${z.prettifyError(error)}`;
  throw new BackendError({ code: 'refused', operation: step.sentence, message, advice: 'start the operation again' });
}
