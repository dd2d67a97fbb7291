import type { Cancellation, ZvmBackend } from '../backend/backend.ts';
import type { Reading } from '../backend/reading.ts';
import { defined } from '../domain/defined.ts';
import type { RecordedPort } from '../domain/guest/guest.ts';
import { serverName } from '../domain/host/host.ts';
import { planMigration as planOf } from '../domain/migration/guest-migration.ts';
import { recordDifferences, zvmDifferences } from '../domain/migration/record-comparison.ts';
import { isSingle } from '../domain/operations/batch.ts';
import { decide } from '../domain/planning/decision.ts';
import { plan } from '../domain/planning/planner.ts';
import { refusal } from '../domain/planning/refusal.ts';
import { sentence } from '../domain/planning/steps.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import type { HostActivities, MigrationPlan, PlannedMigration } from '../workflows/host-activities.ts';
import { applySteps } from './apply-steps.ts';
import { refuse, refusedFailure } from './failures.ts';
import { createGuestReader } from './guest-reader.ts';
import type { HostRuntime } from './host-runtime.ts';
import { concernedOfMigration, waitFor } from './policy-gate.ts';
import { planIdOf, refuseOtherPlan } from './state-tags.ts';
import type { Stage } from './windows.ts';

type Input<Name extends 'planMigration' | 'migrateGuest'> = Parameters<HostActivities[Name]>[0];

/** The guests with ports in either record, or those of the request. Throws a `Refused` failure when `to` is not the host's shadow backend. */
export async function planMigration(
  host: HostRuntime,
  { to, userids }: Input<'planMigration'>,
): Promise<MigrationPlan> {
  const shadow = shadowOf(host);
  if (shadow.kind !== to) {
    const advice = `to go back, exchange zvm_backend and zvm_shadow_backend, and restart the worker`;
    throw refusedFailure([refusal('to', `${host.rules.host} is managed by ${serverName(to)}`, advice)]);
  }
  const from = host.backend.kind;
  if (userids !== undefined) return { from, userids };
  const records = await Promise.all([host.backend.readRecord(), shadow.readRecord()]);
  const all = new Set<Userid>(records.flatMap(({ recorded }) => [...recorded.keys()]));
  return { from, userids: [...all].toSorted() };
}

function shadowOf({ shadow, rules }: HostRuntime): ZvmBackend {
  if (shadow !== undefined) return shadow;
  const advice = "name it by zvm_shadow_backend, beside the settings of both servers, and restart the host's worker";
  throw refusedFailure([refusal('to', `${rules.host} has no shadow backend`, advice)]);
}

/**
 * Create the activity that brings the ports of one guest of a host into the record of its shadow backend. It reads both records, takes only
 * steps on the record, and reads both again: whatever differs then is told. Throws a `Refused` failure without a shadow backend, and the
 * failure of a call. `arrive` is waited for before each stage: guests of a window read together.
 */
export function createMigration(
  host: HostRuntime,
): (
  input: Input<'migrateGuest'>,
  cancellation: Cancellation,
  arrive: (stage: Stage) => Promise<void>,
) => Promise<PlannedMigration> {
  const reader = createGuestReader(host.backend);
  const shadowReader = host.shadow && createGuestReader(host.shadow);
  return async ({ userid, batch, dryRun, asks, onlyIf }, cancellation, arrive) => {
    const shadow = shadowOf(host);
    const both = async () => {
      const readings = [reader, shadowReader ?? reader].map((each) => each.read(userid, cancellation.stop));
      const [source, target] = await Promise.all(readings);
      if (source === undefined || target === undefined) throw new Error(`${userid} was not read twice`);
      return { source, target };
    };
    const { source, target } = await both();
    const { steps, left } = planOf(source, target, shadow, driftOf(source, host.backend));
    const ports = source.guest.recorded.length;
    const told = steps.map(sentence);
    if (steps.length === 0) {
      const differences = left.length > 0 ? left : differencesOf(source, target, host, shadow);
      const outcome = differences.length > 0 ? 'incomplete' : 'unchanged';
      const plan = planIdOf([{ userid }]);
      refuse(refuseOtherPlan(onlyIf?.plan, plan));
      return { userid, outcome, ports, steps: [], left: differences, plan };
    }
    const records = [source, target].map(({ guest }) => guest.recorded);
    const plan = planIdOf(steps, { userid, records: records.map(inOrder) });
    refuse(refuseOtherPlan(onlyIf?.plan, plan));
    const wait = waitFor(host, plan, concernedOfMigration(userid, records), asks);
    if (dryRun || wait !== undefined)
      return { userid, outcome: 'planned', ports, steps: told, left, plan, ...defined({ wait }) };
    if (steps.some(({ kind }) => kind !== 'record')) throw new Error('a migration has a step on z/VM');
    cancellation.stop.throwIfAborted();
    await applySteps(shadow, steps, cancellation, { single: isSingle(batch), arrive });
    await arrive('compare');
    const after = await both();
    // A port that was left is told already.
    const differences = left.length > 0 ? [] : differencesOf(after.source, after.target, host, shadow);
    const moved = zvmDifferences(source.guest, after.source.guest);
    const all = [...left, ...differences, ...moved];
    return { userid, outcome: all.length > 0 ? 'incomplete' : 'migrated', ports, steps: told, left: all };
  };
}

function inOrder(ports: readonly RecordedPort[]): RecordedPort[] {
  return ports.toSorted((one, other) => (one.portId < other.portId ? -1 : 1));
}

/** The steps that reconciliation would carry out, and what it could not; ports that nobody can read are told by the plan of the migration. */
function driftOf(reading: Reading, { planRecord }: Pick<ZvmBackend, 'planRecord'>): string[] {
  if (reading.guest.absence !== undefined) return [];
  const change = { kind: 'reconcile' as const, ports: [], removed: [], unrecorded: [], left: [] };
  const decision = decide(change, { ...reading, avoidMacs: new Set() });
  if (!decision.accepted) return decision.refusals.map(({ reason }) => reason);
  const { guest, vswitches, capabilities } = reading;
  return plan(decision.desired, guest, vswitches, planRecord, capabilities).map(sentence);
}

/** The differences between the two backends' words on a guest: its record, its directory entry, its live NICs. */
function differencesOf(one: Reading, other: Reading, { backend }: HostRuntime, shadow: ZvmBackend): string[] {
  const recorded = ({ guest }: Reading, { kind }: Pick<ZvmBackend, 'kind'>) => ({
    server: serverName(kind),
    ports: guest.recorded,
  });
  return [
    ...recordDifferences(recorded(one, backend), recorded(other, shadow), true),
    ...zvmDifferences(one.guest, other.guest),
  ];
}
