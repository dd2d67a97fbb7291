import type { z } from 'zod';
import type { HostName, PortId, Userid } from './identifiers.ts';
import { describeNetwork } from './port.ts';
import { type Refusal, refusalsOf } from './refusal.ts';
import {
  AttachNicInput,
  type Change,
  ChangeVlanInput,
  CreatePortInput,
  DeletePortInput,
  DetachNicInput,
  PortRequest,
  SetAdminStateInput,
} from './requests.ts';

/** An operation on one guest, checked and in exact types. */
export type Operation = {
  host: HostName;
  userid: Userid;
  change: Change;
  /** Ports that the request names. */
  portIds: PortId[];
  /** What it is for, for operators. */
  summary: string;
  giveUpAfterMinutes: number;
  keepOnFailure: boolean;
  dryRun: boolean;
};

type Accepted = { accepted: true; operation: Operation } | { accepted: false; refusals: Refusal[] };
type Named = Pick<Operation, 'change' | 'portIds' | 'summary'>;

function accepting<Schema extends z.ZodType<Omit<Operation, keyof Named>>>(
  schema: Schema,
  name: (request: z.output<Schema>) => Named,
): (input: unknown) => Accepted {
  return (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) return { accepted: false, refusals: refusalsOf(parsed.error) };
    const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun } = parsed.data;
    const limits = { giveUpAfterMinutes, keepOnFailure, dryRun };
    return { accepted: true, operation: { host, userid, ...limits, ...name(parsed.data) } };
  };
}

/** The port among the fields of a request. */
function portOf(request: PortRequest): PortRequest {
  const fields = Object.keys(PortRequest.shape);
  return Object.fromEntries(Object.entries(request).filter(([field]) => fields.includes(field))) as PortRequest;
}

const OPERATIONS = {
  createPort: accepting(CreatePortInput, ({ userid, portId, ...request }) => ({
    change: {
      kind: 'createPort',
      port: portOf({ portId, ...request }),
    },
    portIds: [portId],
    summary: `create port ${portId} of ${userid} on ${request.vswitch}`,
  })),
  attachNic: accepting(AttachNicInput, ({ userid, ports }) => ({
    change: { kind: 'attachNic', ports },
    portIds: ports.map((port) => port.portId),
    summary: `attach ${ports.length} NIC(s) to ${userid}`,
  })),
  changeVlan: accepting(ChangeVlanInput, ({ userid, portId, network, vswitch }) => ({
    change: { kind: 'changeVlan', portId, network, ...(vswitch === undefined ? {} : { vswitch }) },
    portIds: [portId],
    summary: `put port ${portId} of ${userid} on ${describeNetwork(network)}${vswitch === undefined ? '' : ` of ${vswitch}`}`,
  })),
  setAdminState: accepting(SetAdminStateInput, ({ userid, portId, adminStateUp }) => ({
    change: { kind: 'setAdminState', portId, adminStateUp },
    portIds: [portId],
    summary: `set port ${portId} of ${userid} ${adminStateUp ? 'up' : 'down'}`,
  })),
  detachNic: accepting(DetachNicInput, ({ userid, portIds }) => ({
    change: { kind: 'detachNic', portIds },
    portIds,
    summary: `detach ${portIds.length} NIC(s) from ${userid}`,
  })),
  deletePort: accepting(DeletePortInput, ({ userid, portId }) => ({
    change: { kind: 'deletePort', portId },
    portIds: [portId],
    summary: `delete port ${portId} of ${userid}`,
  })),
};

/** Workflow types that change one guest. */
export type OperationType = keyof typeof OPERATIONS;

/** Check what somebody asks of a guest, in whatever form it came: exact types, or a refusal for each field at fault. */
export function acceptOperation(type: OperationType, input: unknown): Accepted {
  return OPERATIONS[type](input);
}
