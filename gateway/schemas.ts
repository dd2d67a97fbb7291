import { z } from '@hono/zod-openapi';
import { Decision, WaitingPlan } from '../client/approval.ts';
import { Standing } from '../client/follow-operation.ts';
import { LISTED_TYPES, OPERATION_OUTCOMES, OPERATION_STATES } from '../client/operations.ts';
import { Origin } from '../client/origin.ts';
import { Found } from '../client/reconciliation-health.ts';
import { ProbedBehaviour } from '../domain/host/probed-behaviour.ts';
import { ReportsOnly } from '../domain/host/repair-mode.ts';
import { OPERATIONS } from '../domain/operations/operations.ts';
import { portsToSet } from '../domain/operations/port-operations.ts';
import { ofGuest, ofHost, PortRequest } from '../domain/operations/requests.ts';
import { HostName, PortId, Userid, VswitchName } from '../domain/text/identifiers.ts';
import { GuestRow } from './guest-schemas.ts';
import { VERBS } from './http/tokens.ts';

export const OfHost = z.object(ofHost);
export const OfGuest = z.object(ofGuest);
export const OfPort = OfGuest.extend({ portId: PortId });
export const OfVswitch = OfHost.extend({ vswitch: VswitchName });
export const OperationIdParam = z
  .string()
  .regex(/^[A-Za-z0-9._~@#$+:-]{1,400}$/, 'must be the id of an operation')
  .openapi({ example: 'change-vlan~zvm1~00000000-0000-4000-8000-000000000001', description: 'An operation' });

export const NewPort = PortRequest.omit({ portId: true }).openapi('NewPort');

export const PortChange = z
  .union(
    [
      OPERATIONS.changeVlan.input.pick({ network: true, vswitch: true }),
      OPERATIONS.setAdminState.input.pick({ adminStateUp: true }),
    ],
    { error: 'must be either network, with or without vswitch, or adminStateUp' },
  )
  .openapi('PortChange', { example: { network: { type: 'vlan', segmentationId: 2001 } } });

export const NewNics = OPERATIONS.attachNic.input.pick({ ports: true }).openapi('NewNics', {
  description: 'Ports to make live on the running guest: recorded ports by id, or new ports',
});

export const ManyPorts = OPERATIONS.wirePorts.input.pick({ live: true, ports: true }).openapi('ManyPorts');

export const GuestPorts = z.strictObject(portsToSet).openapi('GuestPorts', {
  description: 'Ports of a guest as they should be, and ports that should not be; others stay as they are',
});

export const ReconciliationRequest = OPERATIONS.reconcileHost.input
  .pick({ dryRun: true })
  .openapi('ReconciliationRequest');

export const FleetReconciliation = OPERATIONS.reconcileFleet.input
  .extend({
    hosts: OPERATIONS.reconcileFleet.input.shape.hosts
      .max(100, 'must name at most 100 hosts')
      .optional()
      .openapi({ description: 'Default: all hosts that the caller may reconcile' }),
  })
  .openapi('FleetReconciliation');

export const Migration = OPERATIONS.migrateHost.input
  .pick({ to: true, userids: true })
  .openapi('Migration', { example: { to: 'feilong' } });

export const HostChange = z
  .strictObject({
    reconciliation: z.strictObject({
      paused: z.boolean(),
      note: z.string().max(400).optional().openapi({ description: 'The reason, shown with the Schedule' }),
    }),
  })
  .openapi('HostChange', { example: { reconciliation: { paused: true, note: 'z/VM service window' } } });

/** `/errors/{page}` has the section. */
const ErrorPage = z.string().openapi({ description: 'The page about it: `/errors/` and this name' });

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    errors: z
      .array(
        z.object({ field: z.string(), reason: z.string(), advice: z.string().optional(), page: ErrorPage.optional() }),
      )
      .optional(),
    operation: z.string().optional(),
    run: z.string().optional().openapi({ description: 'The run in the Temporal UI' }),
    step: z.string().optional(),
    advice: z.string().optional(),
    undone: z.boolean().optional().openapi({ description: 'The guest is in the state before the operation' }),
    page: ErrorPage.optional(),
    result: z.unknown().optional().openapi({ description: 'The result of an operation that succeeded in part' }),
    etag: z.string().optional().openapi({ description: 'The present ETag of the resource' }),
    request: z.string().optional().openapi({ description: 'Id of the request in the log' }),
  })
  .openapi('Problem');

export const Operation = z
  .object({
    id: z.string(),
    runId: z.string(),
    type: z.string(),
    host: z.string(),
    hosts: z.array(z.string()).optional().openapi({ description: 'The hosts of an operation on several hosts' }),
    userid: z.string().optional(),
    portIds: z.array(z.string()),
    state: z.enum(OPERATION_STATES),
    outcome: z.string().optional(),
    startedAt: z.string(),
    closedAt: z.string().optional(),
    origin: Origin.optional().openapi({
      description: 'The caller, the way in, and the reason. Absent when it was started at Temporal itself',
    }),
    awaits: WaitingPlan.optional().openapi({
      description: 'The plan that awaits an approval or a window, as the policy of the host says',
    }),
    decision: Decision.optional().openapi({ description: 'The last decision on a plan of it' }),
    undoes: z.string().optional().openapi({ description: 'The operation that it undoes' }),
    summary: z.string().optional(),
    details: z.string().optional().openapi({ description: 'Progress, in Markdown' }),
    standing: Standing.optional().openapi({
      description:
        'Progress of an operation on one guest: the steps of the run that works for it, or the operation that it waits for',
    }),
    result: z.unknown().optional(),
    failure: z
      .object({
        type: z.string(),
        message: z.string(),
        refusals: z.array(z.object({ field: z.string(), reason: z.string(), advice: z.string(), page: ErrorPage })),
        step: z.string().optional(),
        reason: z.string().optional(),
        advice: z.string().optional(),
        undone: z.boolean().optional(),
        page: ErrorPage.optional(),
      })
      .optional(),
    url: z.string(),
    run: z.string().optional(),
  })
  .openapi('Operation');

export const Operations = z
  .object({ operations: z.array(Operation), next: z.string().optional() })
  .openapi('Operations');

const CapabilityValue = z
  .object({
    state: z.enum(['known', 'unknown']),
    value: z.string().optional(),
    from: z.enum(['z/VM', 'configuration']).optional().openapi({ description: 'The source of the value' }),
    reason: z.string().optional().openapi({ description: 'The reason why it is unknown' }),
  })
  .openapi('CapabilityValue');

const Capabilities = z
  .object({
    release: CapabilityValue,
    serviceLevel: CapabilityValue,
    networkService: CapabilityValue,
    directoryNetworkAuthorization: CapabilityValue,
    smapiLevel: CapabilityValue,
    smcli: CapabilityValue,
    behaviour: ProbedBehaviour.optional().openapi({ description: 'Answers of probes, or of the configuration' }),
    behaviourFrom: z
      .record(z.string(), z.string())
      .optional()
      .openapi({ description: 'Where each answer comes from: `configuration`, or the time of a probe' }),
    ssi: z
      .object({
        name: z.string().optional(),
        members: z.array(z.object({ system: z.string().optional(), zhcp: z.string().optional() })),
      })
      .optional()
      .openapi({ description: 'The SSI cluster; absent of a system that is no member of one' }),
  })
  .openapi('HostCapabilities', { description: 'The levels of z/VM and of the ways to it' });

export const Hold = z
  .object({
    by: z.string(),
    reason: z.string().optional(),
    since: z.string(),
    until: z.string().optional().openapi({ description: 'The hold ends by itself then' }),
  })
  .openapi('Hold');

export const NewHold = z
  .strictObject({
    until: z.iso
      .datetime({ offset: true, error: 'must be a time with its zone, as 2026-11-29T18:00:00Z' })
      .optional()
      .openapi({ description: 'The hold ends by itself then; by default it lasts until its release' }),
  })
  .openapi('NewHold', { example: { until: '2099-11-29T18:00:00Z' } });

export const Host = z
  .object({
    host: z.string(),
    physicalNetworks: z.array(z.object({ name: z.string(), vswitch: z.string() })),
    workers: z.int().openapi({ description: 'Workers that poll the task queue of the host' }),
    reconciliation: z
      .object({
        paused: z.boolean(),
        note: z.string(),
        everySeconds: z.number().optional(),
        last: z.string().optional().openapi({ description: 'Start of the last run of the Schedule' }),
        next: z.string().optional(),
        lastSuccess: z.string().optional().openapi({ description: 'End of the last run that read the host' }),
        failure: z
          .object({ at: z.string(), reason: z.string() })
          .optional()
          .openapi({ description: 'Failure of the last ended run: the host was not read, or not all of it repaired' }),
        reportsOnly: ReportsOnly.optional().openapi({
          description: 'Why the last ended run reported drift and repaired nothing',
        }),
      })
      .nullable(),
    hold: Hold.nullable().openapi({
      description: 'Nothing is written to the host meanwhile; null when it is not held',
    }),
    capabilities: Capabilities.nullable().openapi({
      description: 'As the last reconciliation that has ended read them',
    }),
    found: Found.nullable().openapi({
      description:
        'Guests as the same reconciliation has found and left them; `foreign` counts NICs, grants and VSWITCHes',
    }),
    verbs: z.array(z.enum(VERBS)).openapi({ description: 'Verbs that the caller has on the host' }),
  })
  .openapi('Host');

const Finding = z
  .object({ of: z.string(), reason: z.string() })
  .openapi('Finding', { description: 'A malformed record or answer of a host; nothing is changed there' });

export const VswitchRow = z
  .object({
    name: z.string(),
    physicalNetwork: z.string().nullable(),
    portSelection: z.string(),
    transport: z.string(),
    vlanAware: z.boolean(),
    status: z.string().nullable(),
    uplinks: z.array(z.object({ rdev: z.string(), state: z.string() }).loose()),
    authorisations: z.array(z.object({ userid: z.string(), vlans: z.array(z.int()), portNumber: z.int().optional() })),
    nics: z.array(z.object({ userid: z.string(), vdev: z.string(), mac: z.string().optional() })),
  })
  .openapi('Vswitch');

export const Drift = z
  .object({
    host: z.string(),
    guests: z.array(z.object({ userid: z.string(), lines: z.array(z.string()) })),
    foreign: z.array(z.object({ userid: z.string(), vdev: z.string(), vswitch: z.string() })),
    findings: z.array(Finding),
  })
  .openapi('Drift');

export const HostPicture = z
  .object({
    host: z.string(),
    iplTime: z.string().nullable(),
    capabilities: Capabilities.optional(),
    behaviour: z
      .array(z.array(z.string()))
      .optional()
      .openapi({ description: 'Answers of probes or of the configuration, by name, as they are shown' }),
    vswitches: z.array(VswitchRow),
    guests: z.array(GuestRow),
    visitors: z
      .array(z.object({ userid: z.string(), node: z.string(), belongsTo: z.string(), portIds: z.array(z.string()) }))
      .optional()
      .openapi({ description: 'Guests of other members of the SSI cluster that run here' }),
    findings: z.array(Finding),
  })
  .openapi('HostPicture');

export const OperationFilter = z.object({
  host: HostName.optional(),
  userid: Userid.optional(),
  port: PortId.optional(),
  by: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .openapi({ description: "Asked for by this person or program: a token's name, or `user@machine`" }),
  approvedBy: z.string().min(1).max(200).optional().openapi({ description: 'Approved by this person' }),
  type: z.enum(LISTED_TYPES).optional().openapi({ description: 'Type of the operations' }),
  state: z.enum(OPERATION_STATES).optional().openapi({ description: 'State of the operations' }),
  outcome: z.enum(OPERATION_OUTCOMES).optional().openapi({
    description:
      'Outcome of the operations; `waiting`, `retrying`, `awaiting-approval` and `awaiting-window` while they run',
  }),
});

const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(1_000)
  .default(100)
  .openapi({ type: 'integer', minimum: 1, maximum: 1_000, default: 100, description: 'Most entries of a page' });

export const Paging = z.strictObject({
  limit,
  after: z
    .string()
    .regex(/^[A-Za-z0-9@#$_+:-]{1,40}$/)
    .optional()
    .openapi({ description: '`next` of the previous page' }),
});

export const OperationPaging = z.strictObject({
  limit,
  after: z
    .string()
    .regex(
      /^(running|ended)\|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z\|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    )
    .optional()
    .openapi({ description: '`next` of the previous page' }),
});
