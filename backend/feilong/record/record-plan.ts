import { z } from 'zod';
import type { Desired } from '../../../domain/guest/desired.ts';
import type { GuestState } from '../../../domain/guest/guest.ts';
import type { RecordStep } from '../../../domain/planning/steps.ts';
import { sameNetwork } from '../../../domain/port/port.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { PortId, Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { BackendError } from '../../backend-error.ts';

/** A port whose NIC is coupled. */
const AdoptedPort = z.object({ portId: PortId, vdev: Vdev });
export type AdoptedPort = z.infer<typeof AdoptedPort>;

/** A change to Feilong's tables, as a step carries it through Temporal's histories. A row itself comes and goes with its NIC. */
const RecordChange = z.discriminatedUnion('operation', [
  /** The guest is registered, and the NIC of that number will be the port's. */
  z.object({
    operation: z.literal('port'),
    data: z.object({ userid: Userid, portId: PortId, vdev: Vdev, vswitch: VswitchName, adminStateUp: z.boolean() }),
  }),
  /** The guest is registered, anew where it is already, and its NICs of these numbers become these ports'. z/VM stays as it is. */
  z.object({
    operation: z.literal('adopt'),
    data: z.object({ userid: Userid, ports: z.array(AdoptedPort) }),
  }),
  /** The row goes, or stays as Nova wrote it: with its NIC, on no VSWITCH. */
  z.object({
    operation: z.literal('remove'),
    data: z.object({ userid: Userid, portId: PortId, unwired: z.boolean() }),
  }),
  /** Of a NIC's address, Feilong keeps nothing: a plan with this is refused. */
  z.object({ operation: z.literal('address'), data: z.object({ portId: PortId }) }),
]);
export type RecordChange = z.infer<typeof RecordChange>;

/** Plan the steps on Feilong's tables: a port that is not recorded as it should be, and ports whose rows go. */
export function planRecord(desired: Desired, guest: GuestState): RecordStep[] {
  return [...planPorts(desired, guest), ...planRemovals(desired, guest)];
}

function planPorts({ ports }: Desired, { userid, recorded }: GuestState): RecordStep[] {
  return ports.flatMap((port) => {
    const { portId, vdev, vswitch, adminStateUp, address } = port;
    const row = recorded.find((candidate) => candidate.portId === portId);
    const isRight =
      row?.vdev === vdev &&
      row.vswitch === vswitch &&
      sameNetwork(row.network, port.network) &&
      row.adminStateUp === adminStateUp;
    const data = { userid, portId, vdev, vswitch, adminStateUp };
    const sentence = `record port ${portId} of ${userid}: vdev ${vdev} on ${vswitch}`;
    return [
      ...(isRight ? [] : [{ ...recordChange('record', { operation: 'port', data }, sentence), portId }]),
      ...(address === undefined ? [] : [addressStep(portId)]),
    ];
  });
}

function addressStep(portId: PortId): RecordStep {
  const change = recordChange(
    'record',
    { operation: 'address', data: { portId } },
    `record the address of port ${portId}`,
  );
  return { ...change, portId, needs: 'addresses' };
}

/** The steps that take the rows of ports away. */
export function planRemovals({ removed }: Desired, { userid, recorded }: GuestState): RecordStep[] {
  return removed.flatMap(({ portId, unwired }) => {
    const row = recorded.find((candidate) => candidate.portId === portId);
    if (row === undefined || (unwired && row.vswitch === undefined)) return [];
    const sentence = `${unwired ? 'unwire' : 'remove the record of'} port ${portId} of ${userid}`;
    return [
      { ...recordChange('forget', { operation: 'remove', data: { userid, portId, unwired } }, sentence), portId },
    ];
  });
}

/** A step on the record. */
export function recordChange(stage: RecordStep['stage'], change: RecordChange, sentence: string): RecordStep {
  return { kind: 'record', stage, ...change, sentence, disturbs: false };
}

/** Parse the change of a step. Throws BackendError 'refused' for one that another build has planned in another form. */
export function changeOf(planned: RecordStep): RecordChange {
  const { data, error } = RecordChange.safeParse(planned);
  if (data !== undefined) return data;
  const message = `the step is not in this version's form: ${z.prettifyError(error)}`;
  throw new BackendError({
    code: 'refused',
    operation: planned.sentence,
    message,
    advice: 'start the operation again',
  });
}
