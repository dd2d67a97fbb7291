import { z } from 'zod';
import { type Answer, type PortChange, type ReportedState, reportedByChange, type Word } from './model.ts';

/** The workflow types of the load: those that change ports. */
export const OPERATION_TYPES = [
  'createPort',
  'attachNic',
  'changeVlan',
  'setAdminState',
  'detachNic',
  'deletePort',
  'wirePorts',
] as const;
export type OperationType = (typeof OPERATION_TYPES)[number];

export type Outcome = 'changed' | 'unchanged' | 'refused' | 'failed' | 'cancelled' | 'terminated' | 'timedOut' | 'open';

/** The ending of a workflow. */
export type Ending =
  | { kind: 'completed'; at: number; result: unknown }
  | { kind: 'failed'; at: number; type: string; message: string; report: unknown }
  | { kind: 'cancelled' | 'terminated' | 'timedOut'; at: number }
  | { kind: 'open' };

/** A workflow that Temporal has accepted, from its history. */
export type Started = { workflowId: string; type: OperationType; acceptedAt: number; input: unknown; ending: Ending };

/** An operation for the checker: its word on each port with the answer and the reported state. */
export type Operation = {
  workflowId: string;
  type: OperationType;
  acceptedAt: number;
  /** Absent while the operation is open. */
  endedAt?: number;
  dryRun: boolean;
  outcome: Outcome;
  /** The message of its failure or refusal. */
  message?: string;
  words: (Word & { portId: string })[];
};

const Vlan = z.object({ type: z.literal('vlan'), segmentationId: z.number() });
const Port = z.object({
  portId: z.string(),
  network: z.object({ type: z.string(), segmentationId: z.number().optional() }).optional(),
  adminStateUp: z.boolean().optional(),
});
/** The relevant fields of all inputs (docs/workflows.md). */
const Input = z.object({
  dryRun: z.boolean().default(false),
  portId: z.string().optional(),
  portIds: z.array(z.string()).default([]),
  network: Port.shape.network,
  adminStateUp: z.boolean().optional(),
  ports: z.array(Port).default([]),
  live: z.boolean().default(false),
});
type Input = z.infer<typeof Input>;

const GuestResult = z.object({
  changed: z.boolean(),
  ports: z.array(
    z.object({
      portId: z.string(),
      network: z.unknown(),
      adminStateUp: z.boolean(),
      live: z.enum(['now', 'atNextLogon']),
    }),
  ),
});
const WiringResult = z.object({
  wired: z.number(),
  ports: z.array(z.object({ portId: z.string(), outcome: z.enum(['wired', 'unchanged', 'refused', 'failed']) })),
});
const Report = z.object({ undone: z.boolean().optional() });

/** Parse an operation from its history. Throws a ZodError where input or result is not of the documented form. */
export function operationOf({ workflowId, type, acceptedAt, input, ending }: Started): Operation {
  const parsed = Input.parse(input);
  const words = changesOf(type, parsed).map(({ portId, change }) => ({
    workflowId,
    type,
    acceptedAt,
    portId,
    change,
    answer: answerOf(type, portId, ending),
    reported: reportedOf(type, portId, change, ending),
  }));
  return {
    workflowId,
    type,
    acceptedAt,
    ...(ending.kind === 'open' ? {} : { endedAt: ending.at }),
    dryRun: parsed.dryRun,
    outcome: outcomeOf(type, ending),
    ...(ending.kind === 'failed' ? { message: ending.message } : {}),
    words: parsed.dryRun ? [] : words,
  };
}

function changesOf(type: OperationType, input: Input): { portId: string; change: PortChange }[] {
  const { portId = '', portIds, ports, live, network, adminStateUp } = input;
  switch (type) {
    case 'createPort':
      return [{ portId, change: { kind: 'create', vlan: vlanOf(network), up: adminStateUp ?? true } }];
    case 'attachNic':
      return ports.map((port) => ({ portId: port.portId, change: attached(port) }));
    case 'wirePorts':
      return ports.map((port) => ({ portId: port.portId, change: live ? attached(port) : created(port) }));
    case 'changeVlan':
      return [{ portId, change: { kind: 'vlan', vlan: vlanOf(network) } }];
    case 'setAdminState':
      return [{ portId, change: { kind: 'admin', up: adminStateUp ?? true } }];
    case 'detachNic':
      return portIds.map((each) => ({ portId: each, change: { kind: 'live', live: false } }));
    case 'deletePort':
      return [{ portId, change: { kind: 'delete' } }];
  }
}

function created({ network, adminStateUp }: z.infer<typeof Port>): Extract<PortChange, { kind: 'create' }> {
  return { kind: 'create', vlan: vlanOf(network), up: adminStateUp ?? true };
}

function attached(port: z.infer<typeof Port>): PortChange {
  return port.network === undefined ? { kind: 'live', live: true } : { ...created(port), live: true };
}

/** The VLAN of a network; 0 for a flat one, which only probes have. */
function vlanOf(network: unknown): number {
  return Vlan.safeParse(network).data?.segmentationId ?? 0;
}

function answerOf(type: OperationType, portId: string, ending: Ending): Answer {
  if (ending.kind === 'completed') {
    if (type !== 'wirePorts') return 'carriedOut';
    const outcome = WiringResult.parse(ending.result).ports.find((port) => port.portId === portId)?.outcome;
    if (outcome === 'refused') return 'refused';
    return outcome === 'wired' || outcome === 'unchanged' ? 'carriedOut' : 'unsure';
  }
  if (ending.kind === 'failed') {
    if (ending.type === 'Refused') return 'refused';
    return Report.safeParse(ending.report).data?.undone === true ? 'nothing' : 'unsure';
  }
  // A cancelled wirePorts keeps the ports that were finished before.
  return ending.kind === 'cancelled' && type !== 'wirePorts' ? 'nothing' : 'unsure';
}

function reportedOf(type: OperationType, portId: string, change: PortChange, ending: Ending): ReportedState {
  if (ending.kind !== 'completed' || type === 'wirePorts' || change.kind === 'delete') return reportedByChange(change);
  const port = GuestResult.parse(ending.result).ports.find((each) => each.portId === portId);
  if (port === undefined) return reportedByChange(change);
  return { vlan: vlanOf(port.network), up: port.adminStateUp, live: port.live === 'now' };
}

function outcomeOf(type: OperationType, ending: Ending): Outcome {
  if (ending.kind === 'failed') return ending.type === 'Refused' ? 'refused' : 'failed';
  if (ending.kind !== 'completed') return ending.kind;
  const changed =
    type === 'wirePorts' ? WiringResult.parse(ending.result).wired > 0 : GuestResult.parse(ending.result).changed;
  return changed ? 'changed' : 'unchanged';
}
