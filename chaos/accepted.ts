import { z } from 'zod';
import { type Answer, type Ask, type Told, toldByAsk, type Word } from './model.ts';

/** Workflow types that change ports: what the load starts. */
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

/** How a workflow ended: with a result, or a failure of a type, or otherwise. */
export type Ending =
  | { kind: 'completed'; at: number; result: unknown }
  | { kind: 'failed'; at: number; type: string; message: string; report: unknown }
  | { kind: 'cancelled' | 'terminated' | 'timedOut'; at: number }
  | { kind: 'open' };

/** A workflow that Temporal has accepted, as its own history tells it. */
export type Started = { workflowId: string; type: OperationType; acceptedAt: number; input: unknown; ending: Ending };

/** An operation with all that the checker knows of it: its word on each of its ports, its answer, and how its ports are by its result. */
export type Operation = {
  workflowId: string;
  type: OperationType;
  acceptedAt: number;
  /** Absent while it is open. */
  endedAt?: number;
  dryRun: boolean;
  outcome: Outcome;
  /** Why it failed or was refused. */
  message?: string;
  words: (Word & { portId: string })[];
};

const Vlan = z.object({ type: z.literal('vlan'), segmentationId: z.number() });
const Port = z.object({
  portId: z.string(),
  network: z.object({ type: z.string(), segmentationId: z.number().optional() }).optional(),
  adminStateUp: z.boolean().optional(),
});
/** The fields of all inputs that matter here (docs/workflows.md). */
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

/** Read an operation from what Temporal has of it. Throws a ZodError where that is not of the documented form. */
export function operationOf({ workflowId, type, acceptedAt, input, ending }: Started): Operation {
  const parsed = Input.parse(input);
  const words = asksOf(type, parsed).map(({ portId, ask }) => ({
    workflowId,
    type,
    acceptedAt,
    portId,
    ask,
    answer: answerOf(type, portId, ending),
    told: toldOf(type, portId, ask, ending),
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

function asksOf(type: OperationType, input: Input): { portId: string; ask: Ask }[] {
  const { portId = '', portIds, ports, live, network, adminStateUp } = input;
  switch (type) {
    case 'createPort':
      return [{ portId, ask: { kind: 'create', vlan: vlanOf(network), up: adminStateUp ?? true } }];
    case 'attachNic':
      return ports.map((port) => ({ portId: port.portId, ask: attached(port) }));
    case 'wirePorts':
      return ports.map((port) => ({ portId: port.portId, ask: live ? attached(port) : created(port) }));
    case 'changeVlan':
      return [{ portId, ask: { kind: 'vlan', vlan: vlanOf(network) } }];
    case 'setAdminState':
      return [{ portId, ask: { kind: 'admin', up: adminStateUp ?? true } }];
    case 'detachNic':
      return portIds.map((each) => ({ portId: each, ask: { kind: 'live', live: false } }));
    case 'deletePort':
      return [{ portId, ask: { kind: 'delete' } }];
  }
}

function created({ network, adminStateUp }: z.infer<typeof Port>): Extract<Ask, { kind: 'create' }> {
  return { kind: 'create', vlan: vlanOf(network), up: adminStateUp ?? true };
}

function attached(port: z.infer<typeof Port>): Ask {
  return port.network === undefined ? { kind: 'live', live: true } : { ...created(port), live: true };
}

/** 0 stands for a flat network: probes alone have one. */
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
  // Of many ports those that were done before the cancel stay.
  return ending.kind === 'cancelled' && type !== 'wirePorts' ? 'nothing' : 'unsure';
}

function toldOf(type: OperationType, portId: string, ask: Ask, ending: Ending): Told {
  if (ending.kind !== 'completed' || type === 'wirePorts' || ask.kind === 'delete') return toldByAsk(ask);
  const port = GuestResult.parse(ending.result).ports.find((each) => each.portId === portId);
  if (port === undefined) return toldByAsk(ask);
  return { vlan: vlanOf(port.network), up: port.adminStateUp, live: port.live === 'now' };
}

function outcomeOf(type: OperationType, ending: Ending): Outcome {
  if (ending.kind === 'failed') return ending.type === 'Refused' ? 'refused' : 'failed';
  if (ending.kind !== 'completed') return ending.kind;
  const changed =
    type === 'wirePorts' ? WiringResult.parse(ending.result).wired > 0 : GuestResult.parse(ending.result).changed;
  return changed ? 'changed' : 'unchanged';
}
