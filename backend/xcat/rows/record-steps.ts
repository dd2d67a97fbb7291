import { z } from 'zod';
import type { RecordStep } from '../../../domain/planning/steps.ts';
import { Hostname, IpAddress } from '../../../domain/port/address.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { NodeName, PortId, VswitchName } from '../../../domain/text/identifiers.ts';
import { Network } from '../../../domain/vswitch/network.ts';
import { BackendError } from '../../backend-error.ts';

/** The nodes of a guest; that of rows to write comes first. */
const Nodes = z.tuple([NodeName], NodeName).readonly();
const Address = z.object({ vdev: Vdev, address: IpAddress, hostname: Hostname.exactOptional() });

/** A change to xCAT's tables, as a step carries it through Temporal's histories. */
const RecordChange = z.discriminatedUnion('operation', [
  /** `rows`: the port's in the `switch` table, all nodes together. */
  changeBy('port', {
    ...{ portId: PortId, vdev: Vdev, vswitch: VswitchName, network: Network, adminStateUp: z.boolean() },
    ...{ nodes: Nodes, rows: z.int() },
  }),
  /** `row`: the first node has one in the `mac` table; the others may have the addresses too. */
  changeBy('macs', { nodes: Nodes, entries: z.array(z.string()).readonly(), row: z.boolean() }),
  /** `row`: the node has one in the `hosts` table; `stale`: it says something that is not so any more. */
  changeBy('addresses', { node: NodeName, entries: z.array(Address).readonly(), row: z.boolean(), stale: z.boolean() }),
  changeBy('names', {}),
  changeBy('remove', { node: NodeName, portId: PortId, keepRow: z.boolean() }),
]);
export type RecordChange = z.infer<typeof RecordChange>;

function changeBy<Name extends string, Fields extends z.ZodRawShape>(operation: Name, fields: Fields) {
  return z.object({ operation: z.literal(operation), data: z.object(fields) });
}

/** Parse the change of a step. Throws BackendError 'refused' for one that another build has planned in another form. */
export function changeOf(step: RecordStep): RecordChange {
  const { data, error } = RecordChange.safeParse(step);
  if (data !== undefined) return data;
  const message = `the step is not in this version's form: ${z.prettifyError(error)}`;
  throw new BackendError({ code: 'refused', operation: step.sentence, message, advice: 'start the operation again' });
}
