import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { isGuestOperationType, isOperationType, OPERATIONS, type RequestOf } from '../domain/operations/operations.ts';
import { DEFAULT_OPTIONS, RestoredPort } from '../domain/operations/requests.ts';
import { RESULTS } from '../domain/operations/results.ts';
import { HostName, Userid } from '../domain/text/identifiers.ts';
import { listOperations, type OperationDetails, type OperationView } from './operations.ts';
import type { OperationRequest } from './start-operation.ts';

/** The options of an undo. */
export type UndoOptions = Pick<RequestOf<'restorePorts'>, 'dryRun' | 'force' | 'onlyIf'> &
  Partial<Pick<RequestOf<'restorePorts'>, 'giveUpAfterMinutes' | 'keepOnFailure'>>;

/** The request that takes an operation back, or the reason why none can. */
export type Undo = { request: OperationRequest } | { impossible: string };

type Result = OperationDetails['result'];

const CANNOT: Readonly<Record<string, string>> = {
  modernizeGuest: 'a guest that its directory entry authorises is not given grants and port numbers again',
  ensureDhcp: 'the configuration of the host asks for it, and reconciliation would do it again',
  ensureManagementNetwork: 'the configuration of the host asks for it, and reconciliation would do it again',
  migrateHost: 'z/VM is as it was, and the way back of a record is another migration: zvmnet migrate --to',
  probeHost: 'a probe puts everything back by itself',
  reconcileHost: 'reconciliation makes z/VM as it is recorded: change the record by an operation',
  reconcileFleet: 'reconciliation makes z/VM as it is recorded: change the record by an operation',
  followNeutron: 'Neutron has asked for it: change the port in Neutron',
};

const NOTHING_KEPT = 'it was carried out by an earlier version of this program, which kept no state to go back to';

/** Plan the way back from an operation by what its result has kept of the state before. Pure; z/VM is not asked. */
export function undoOf(operation: OperationDetails, options: UndoOptions): Undo {
  const reason = whyNot(operation);
  if (reason !== undefined) return { impossible: reason };
  const { type, id, result } = operation;
  const host = HostName.parse(operation.host);
  if (type === 'ensureVswitch' || type === 'deleteVswitch') return undoOfVswitch(operation, host, options);
  const ports = portsIn(operation, result);
  if (ports.length === 0) return { impossible: NOTHING_KEPT };
  const { keepOnFailure, giveUpAfterMinutes } = { ...DEFAULT_OPTIONS, ...options };
  const { dryRun, force, onlyIf } = options;
  const how = { dryRun, force, keepOnFailure, giveUpAfterMinutes, ...defined({ onlyIf }) };
  return { request: { type: 'restorePorts', input: { host, undoes: id, ports, ...how } } };
}

/** Why an operation has no way back, as far as its kind and its ending say. */
function whyNot({ type, state, outcome, result, failure }: OperationDetails): string | undefined {
  if (CANNOT[type] !== undefined) return CANNOT[type];
  if (!isOperationType(type)) return `${type} is not an operation`;
  if (state === 'running') return 'it has not ended: cancel it, which rolls it back';
  if (failure?.undone === true || failure?.type === 'Refused' || state === 'cancelled')
    return 'it has changed nothing, or was rolled back: the guest is in the state before it';
  if (state !== 'completed')
    return `it is ${failure === undefined ? state : 'failed'}, and what it has done is not known: reconciliation compares the guest with its record`;
  if (outcome === 'planned') return 'it was a dry run, which changes nothing';
  const isChange = OPERATIONS[type].result !== 'wiring';
  if (isChange && Changed.safeParse(result).data?.changed === false) return 'it has changed nothing';
  return undefined;
}

const Changed = z.object({ changed: z.boolean() });

/** The ports that an operation has changed, as it found and left them. */
function portsIn({ type, userid }: OperationDetails, result: Result): RequestOf<'restorePorts'>['ports'] {
  if (type === 'wirePorts')
    return (RESULTS.wiring.safeParse(result).data?.ports ?? []).flatMap((port) => {
      if (port.outcome !== 'wired' || port.left === undefined) return [];
      const { before = 'absent', left } = port;
      return [{ ...RestoredPort.parse({ portId: port.portId, before, left }), userid: Userid.parse(port.userid) }];
    });
  if (!isGuestOperationType(type) && type !== 'restorePorts') return [];
  return (RESULTS.ports.safeParse(result).data?.undo ?? []).map((port) => ({
    ...port,
    userid: port.userid ?? Userid.parse(userid),
  }));
}

/** The opposite operation on a VSWITCH. The configuration of the host decides whether it is granted. */
function undoOfVswitch({ type, id, result }: OperationDetails, host: HostName, options: UndoOptions): Undo {
  const { before } = RESULTS.steps.safeParse(result).data ?? {};
  if (before === undefined) return { impossible: NOTHING_KEPT };
  const { name: vswitch, rdevs } = before;
  const { dryRun, giveUpAfterMinutes = DEFAULT_OPTIONS.giveUpAfterMinutes } = options;
  const target = { host, vswitch, undoes: id, dryRun, giveUpAfterMinutes };
  if (type === 'deleteVswitch')
    return { request: { type: 'ensureVswitch', input: { ...target, hadRdevs: (rdevs ?? []).slice(0, 3) } } };
  if (rdevs === undefined) return { request: { type: 'deleteVswitch', input: { ...target, force: false } } };
  const were = rdevs.length === 0 ? 'none' : rdevs.join(', ');
  return {
    impossible: `the uplinks of ${vswitch}, ${were} before it, are those of the configuration of ${host}: change them there`,
  };
}

const MOST_LATER = 20;

/** Operations that were started after another one had ended, and name ports of it; the newest first. */
export async function laterOperations(
  client: Client,
  { id, host, userid, portIds, closedAt }: OperationDetails,
): Promise<OperationView[]> {
  if (closedAt === undefined) return [];
  const filter = { host, since: new Date(closedAt), withoutIdle: true };
  const later = await listOperations(client, { ...filter, ...defined({ userid }) }, MOST_LATER);
  return later.filter(
    (each) => each.id !== id && each.outcome !== 'planned' && each.portIds.some((portId) => portIds.includes(portId)),
  );
}
