import { z } from 'zod';
import { BackendKind } from '../host/host.ts';
import { ProbedBehaviour, ProbeRecord } from '../host/probed-behaviour.ts';
import { GuestMigration } from '../migration/guest-migration.ts';
import { Userid } from '../text/identifiers.ts';
import { FormerVswitch } from '../vswitch/vswitch.ts';
import { RepairFailure, RepairSubject, RestoredPort } from './requests.ts';

// Results as readers of operations need them: programs may find more fields.

const Network = z.discriminatedUnion('type', [
  z.object({ type: z.literal('flat') }),
  z.object({ type: z.literal('vlan'), segmentationId: z.number() }),
  z.object({ type: z.literal('trunk'), segmentationIds: z.array(z.number()) }),
]);

/** A port in the result of an operation. */
export const ReportedPort = z.object({
  portId: z.string(),
  vswitch: z.string(),
  network: Network,
  mac: z.string().optional(),
  vdev: z.string(),
  adminStateUp: z.boolean(),
  live: z.enum(['now', 'atNextLogon']).optional(),
});
export type ReportedPort = z.infer<typeof ReportedPort>;

/** Outcome of one port of `wirePorts`. */
export const PortOutcome = z.object({
  userid: z.string(),
  portId: z.string(),
  outcome: z.enum(['wired', 'unchanged', 'refused', 'failed']),
  vdev: z.string().optional(),
  mac: z.string().optional(),
  reason: z.string().optional(),
  /** The port as an undo needs it; `before` is absent of a port that was not recorded. */
  before: RestoredPort.shape.before.optional(),
  left: z.string().optional(),
});
export type PortOutcome = z.infer<typeof PortOutcome>;

/** The effect of a plan: the guest is so already, it is changed, or a NIC that is live is interrupted, too. */
export const Effect = z.enum(['none', 'changes', 'interrupts']);
export type Effect = z.infer<typeof Effect>;

/** A NICDEF that no step removes, since it stands in a SUBCONFIG or in a profile: the guest has the NIC again at its next logon. */
const LeftNicdef = z.object({
  userid: z.string(),
  vdev: z.string(),
  standsIn: z.enum(['SUBCONFIG', 'PROFILE']),
  name: z.string(),
});

/** The plan of a dry run would have to wait for this, by the policy. */
const Needs = z.enum(['approval', 'window']);

const StepsResult = z.object({
  changed: z.boolean(),
  dryRun: z.boolean().default(false),
  steps: z.array(z.string()),
});

/** A failed repair; `about` is absent in results of versions that knew another form. */
export const ReportedFailure = RepairFailure.pick({ reason: true, attempts: true }).extend({
  about: RepairSubject.optional().catch(undefined),
});
export type ReportedFailure = z.infer<typeof ReportedFailure>;

const ReconciliationResult = z.object({
  host: z.string(),
  dryRun: z.boolean(),
  examined: z.number(),
  inOrder: z.number(),
  drifted: z.number(),
  repaired: z.number(),
  failed: z.number(),
  foreign: z.number(),
  skipped: z.number(),
  waiting: z.number(),
  reIpled: z.boolean(),
  drifts: z.array(z.string()),
  failures: z.array(ReportedFailure),
  foreignLines: z.array(z.string()).default([]),
  findings: z.array(z.string()).default([]),
  reportsOnly: z.object({ why: z.string(), says: z.string() }).optional(),
});

const ProbeReport = z.object({
  userid: z.string(),
  vswitch: z.string(),
  level: z.string(),
  answers: z.array(
    z.object({
      question: z.string(),
      asks: z.string(),
      says: z.string(),
      facts: z.record(z.string(), z.union([z.string(), z.number()])),
      finds: ProbedBehaviour,
    }),
  ),
  notAsked: z.array(z.object({ question: z.string(), asks: z.string(), why: z.string() })),
  surprise: z.object({ question: z.string(), asks: z.string(), saw: z.string() }).optional(),
  record: ProbeRecord,
});

/** Results of operations by kind. */
export const RESULTS = {
  /** Steps on one guest, and its ports afterwards. */
  ports: StepsResult.extend({
    plan: z.string().optional(),
    effect: Effect.optional(),
    needs: Needs.optional(),
    ports: z.array(ReportedPort),
    /** Of an undo: what has changed since the operation that it undoes. */
    changedSince: z.array(z.string()).optional(),
    /** NICDEFs that stay although their ports go. */
    leaves: z.array(LeftNicdef).optional(),
    /** The ports as an undo needs them; absent of an operation that changed nothing. */
    undo: z.array(RestoredPort.extend({ userid: Userid.optional() })).optional(),
  }),
  /** Steps on a host; `before`: the VSWITCH that they have changed, as it was. */
  steps: StepsResult.extend({ effect: Effect.optional(), before: FormerVswitch.optional() }),
  /** Answers of z/VM; none after a dry run. */
  probe: z.object({
    host: z.string(),
    dryRun: z.boolean().default(false),
    steps: z.array(z.string()),
    report: ProbeReport.optional(),
  }),
  migration: z.object({
    host: z.string(),
    from: BackendKind,
    to: BackendKind,
    dryRun: z.boolean().default(false),
    plan: z.string().optional(),
    needs: Needs.optional(),
    guests: z.array(GuestMigration),
  }),
  wiring: z.object({ dryRun: z.boolean().default(false), ports: z.array(PortOutcome) }),
  reconciliation: ReconciliationResult,
  fleet: z.object({
    hosts: z.array(ReconciliationResult),
    unreached: z.array(z.object({ host: z.string(), reason: z.string() })),
  }),
};
export type ResultKind = keyof typeof RESULTS;
export type ResultOf<Kind extends ResultKind> = z.output<(typeof RESULTS)[Kind]>;
