import { stepId } from '../../../domain/planning/step-id.ts';
import { type GuestStepReport, type Step, sentence, stagesOf } from '../../../domain/planning/steps.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import type { PortId, Userid } from '../../../domain/text/identifiers.ts';
import type { Cancellation, CarriedOut, Company } from '../../backend.ts';
import { BackendError } from '../../backend-error.ts';
import { refuseIncapable } from '../../capabilities.ts';
import { CAN } from '../can.ts';
import type { FeilongHost } from '../feilong-host.ts';
import { lookAt } from '../reading/guest-look.ts';
import { changeOf, type RecordChange } from '../record/record-plan.ts';
import { authorise, revoke } from './authorisations.ts';
import { type Done, GuestSteps, type NicStep } from './guest-steps.ts';
import { GuestWork } from './guest-work.ts';
import { adopt, ensureRegistered } from './registration.ts';

/**
 * Carry out the plan of a guest: register it, configure z/VM, forget. `arrive` is waited for before each stage that changes z/VM. A cancel lets
 * the step that is under way end; nothing more is begun.
 */
export async function applySteps(
  host: FeilongHost,
  steps: readonly Step[],
  { stop, leave }: Cancellation,
  { arrive }: Pick<Company, 'arrive'>,
): Promise<CarriedOut> {
  const reports: GuestStepReport[] = [];
  /** A step of which nobody knows whether it was carried out. */
  let possibly: Step | undefined;
  const run = async (step: Step, carryOut: () => Promise<Done>) => {
    stop.throwIfAborted();
    possibly = step;
    const answer = await named(step, carryOut);
    possibly = undefined;
    reports.push({ id: stepId(step), step: sentence(step), answer, isAlready: answer === 'no change' });
  };
  try {
    refuseUnsupported(steps);
    const { record: recordSteps, configure, forget } = stagesOf(steps);
    const changes = new Map([...recordSteps, ...forget].map((step) => [step, changeOf(step)]));
    const owners = ownersIn([...changes.values()]);
    for (const step of recordSteps) await run(step, () => record(host, changes.get(step), owners, leave));
    const userid = useridOf(steps, [...changes.values()]);
    if (userid === undefined) return { reports };
    const begin = async (stage: 'configure' | 'forget') => {
      await arrive(stage);
      stop.throwIfAborted();
    };
    if (configure.length > 0) {
      await begin('configure');
      await carryOutOnZvm(host, userid, configure, [...changes.values()], leave, run);
    }
    if (forget.length > 0) {
      await begin('forget');
      for (const step of forget) await run(step, () => forgetPort(host, changes.get(step), leave));
    }
    return { reports };
  } catch (error) {
    return { reports, failure: { error, possibly: possibly === undefined ? [] : [stepId(possibly)] } };
  }
}

/** Nothing is touched of a plan with a step that Feilong cannot carry out. */
function refuseUnsupported(steps: readonly Step[]): void {
  const refusals = refuseIncapable({ kind: 'feilong', can: CAN }, steps);
  if (refusals.length === 0) return;
  const message = refusals.map(({ reason }) => reason).join('; ');
  throw new BackendError({ code: 'unsupported', operation: 'change the guest', message, refusals });
}

async function named(step: Step, carryOut: () => Promise<Done>): Promise<Done> {
  try {
    return await carryOut();
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    throw error.with({ operation: sentence(step), message: `${sentence(step)}: ${error.message}` });
  }
}

async function carryOutOnZvm(
  host: FeilongHost,
  userid: Userid,
  steps: readonly Step[],
  changes: readonly RecordChange[],
  signal: AbortSignal,
  run: (step: Step, carryOut: () => Promise<Done>) => Promise<void>,
): Promise<void> {
  const work = new GuestWork(host, await lookAt(host.feilong, userid, signal), signal);
  const nics = new GuestSteps(work, steps.filter(isNicStep), { owners: ownersIn(changes), kept: keptIn(changes) });
  for (const step of steps) {
    if (isNicStep(step)) await run(step, () => nics.carryOut(step));
    else if (step.kind === 'ensureAuthorisation') await run(step, () => authorise(host, step, signal));
    else if (step.kind === 'removeAuthorisation') await run(step, () => revoke(host, step, signal));
    else throw new Error(`${step.kind} is not a step of Feilong`);
  }
  await nics.settle();
}

const NIC_STEPS: readonly Step['kind'][] = [
  'ensureUncoupled',
  'removeLiveNic',
  'removeDirectoryNic',
  'ensureDirectoryNic',
  'ensureLiveNic',
  'ensureCoupled',
];

function isNicStep(step: Step): step is NicStep {
  return NIC_STEPS.includes(step.kind);
}

function useridOf(steps: readonly Step[], changes: readonly RecordChange[]): Userid | undefined {
  const named = steps.flatMap((step) => ('userid' in step ? [step.userid] : []));
  return [...named, ...changes.flatMap(({ data }) => ('userid' in data ? [data.userid] : []))][0];
}

function ownersIn(changes: readonly RecordChange[]): Map<Vdev, PortId> {
  return new Map(
    changes.flatMap(({ operation, data }) => (operation === 'port' ? [[data.vdev, data.portId] as const] : [])),
  );
}

function keptIn(changes: readonly RecordChange[]): Set<PortId> {
  return new Set(
    changes.flatMap(({ operation, data }) => (operation === 'remove' && data.unwired ? [data.portId] : [])),
  );
}

/** The row of a port comes with its NIC, or at the registration of the guest with a NIC that is live. */
async function record(
  host: FeilongHost,
  change: RecordChange | undefined,
  owners: ReadonlyMap<Vdev, PortId>,
  signal: AbortSignal,
): Promise<Done> {
  if (change?.operation === 'adopt') return adopt(host, change.data, signal);
  if (change?.operation !== 'port') throw unexpected(change);
  const { userid, portId, vswitch, adminStateUp } = change.data;
  host.placed.set(portId, { vswitch, adminStateUp });
  await ensureRegistered(host, userid, owners, signal);
  return 'done';
}

async function forgetPort(host: FeilongHost, change: RecordChange | undefined, signal: AbortSignal): Promise<Done> {
  if (change?.operation !== 'remove') throw unexpected(change);
  const { userid, portId, unwired } = change.data;
  host.placed.delete(portId);
  if (unwired) return 'done';
  const work = new GuestWork(host, await lookAt(host.feilong, userid, signal), signal);
  const vdev = Vdev.safeParse(work.vdevOf(portId) ?? '').data;
  if (vdev === undefined) return 'done';
  await work.deleteAtLogon(vdev);
  return 'done';
}

function unexpected(change: RecordChange | undefined): BackendError {
  const operation = `change the record by '${change?.operation ?? 'nothing'}'`;
  return new BackendError({ code: 'unsupported', operation, message: `${operation}: Feilong has no call for it` });
}
