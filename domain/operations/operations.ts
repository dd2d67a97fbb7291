import type { z } from 'zod';
import { type Refusal, refusalsOf } from '../planning/refusal.ts';
import { describeNetwork } from '../port/port.ts';
import type { HostName, PortId, Userid } from '../text/identifiers.ts';
import {
  AttachNicInput,
  type Change,
  ChangeVlanInput,
  CreatePortInput,
  DeletePortInput,
  DetachNicInput,
  type KnownPort,
  PortRequest,
  type Preconditions,
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
  onlyIf?: Preconditions;
};

type Accepted = { accepted: true; operation: Operation } | { accepted: false; refusals: Refusal[] };
type Named = Pick<Operation, 'change' | 'portIds' | 'summary'>;

type Limited = Omit<Operation, keyof Named | 'onlyIf'> & { onlyIf?: Preconditions | undefined };

function accepting<Schema extends z.ZodType<Limited>>(
  schema: Schema,
  name: (request: z.output<Schema>) => Named,
): (input: unknown) => Accepted {
  return (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) return { accepted: false, refusals: refusalsOf(parsed.error) };
    const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, onlyIf } = parsed.data;
    const limits = { giveUpAfterMinutes, keepOnFailure, dryRun, ...(onlyIf === undefined ? {} : { onlyIf }) };
    return { accepted: true, operation: { host, userid, ...limits, ...name(parsed.data) } };
  };
}

/** The port among the fields of a request. */
function portOf(request: PortRequest): PortRequest {
  const fields = Object.keys(PortRequest.shape);
  return Object.fromEntries(Object.entries(request).filter(([field]) => fields.includes(field))) as PortRequest;
}

function wanted({ vswitch, network }: Pick<PortRequest, 'vswitch' | 'network'>): string {
  return `${vswitch}, ${describeNetwork(network)}`;
}

function named(portIds: readonly PortId[]): string {
  const [first = ''] = portIds;
  return portIds.length === 1 ? `port ${first}` : `${portIds.length} ports (${first}, …)`;
}

/** Said of a port that is asked for whole; of several, each has its own. */
function onVswitch(ports: readonly (PortRequest | KnownPort)[]): string {
  const [port] = ports;
  return ports.length === 1 && port !== undefined && 'vswitch' in port ? ` on ${wanted(port)}` : '';
}

const OPERATIONS = {
  createPort: accepting(CreatePortInput, ({ userid, portId, ...request }) => ({
    change: {
      kind: 'createPort',
      port: portOf({ portId, ...request }),
    },
    portIds: [portId],
    summary: `create port ${portId} of ${userid} on ${wanted(request)}`,
  })),
  attachNic: accepting(AttachNicInput, ({ userid, ports }) => ({
    change: { kind: 'attachNic', ports },
    portIds: ports.map((port) => port.portId),
    summary: `attach ${named(ports.map((port) => port.portId))} to running ${userid}${onVswitch(ports)}`,
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
    summary: `detach ${named(portIds)} from running ${userid}`,
  })),
  deletePort: accepting(DeletePortInput, ({ userid, portId }) => ({
    change: { kind: 'deletePort', portId },
    portIds: [portId],
    summary: `delete port ${portId} of ${userid}`,
  })),
};

/** Workflow types that change one guest. */
export type OperationType = keyof typeof OPERATIONS;

/** True when a workflow of that type changes one guest. */
export function isOperationType(type: string): type is OperationType {
  return Object.hasOwn(OPERATIONS, type);
}

/** Check what somebody asks of a guest, in whatever form it came: exact types, or a refusal for each field at fault. */
export function acceptOperation(type: OperationType, input: unknown): Accepted {
  return OPERATIONS[type](input);
}
