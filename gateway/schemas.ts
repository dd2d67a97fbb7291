import { z } from '@hono/zod-openapi';
import { OPERATION_OUTCOMES, OPERATION_STATES, OPERATION_TYPES } from '../client/operations.ts';
import { MOST_PORTS } from '../domain/operations/requests.ts';

// The forms of the network's words as callers write them: the workflows check them again, with all that a form cannot say.

export const HostParam = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/)
  .openapi({ example: 'zvm1', description: 'A z/VM system, by its name in Neutron' });
export const UseridParam = z
  .string()
  .regex(/^[A-Za-z0-9@#$_+:-]{1,8}$/)
  .openapi({ example: 'LNX10001', description: "A guest's userid" });
export const VswitchParam = z
  .string()
  .regex(/^[A-Za-z0-9@#$_-]{1,8}$/)
  .openapi({ example: 'VSW1', description: 'A VSWITCH' });
export const PortIdParam = z
  .string()
  .regex(/^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$/)
  .toLowerCase()
  .openapi({ example: '00000000-0000-4000-8000-000000000001', description: 'A port, by its UUID' });
export const OfHost = z.object({ host: HostParam });
export const OfGuest = OfHost.extend({ userid: UseridParam });
export const OfPort = OfGuest.extend({ portId: PortIdParam });
export const OperationIdParam = z
  .string()
  .regex(/^[A-Za-z0-9._~@#$+:-]{1,400}$/)
  .openapi({ example: 'change-vlan~zvm1~00000000-0000-4000-8000-000000000001', description: 'An operation' });

export const PlanId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .openapi({ example: '0123456789abcdef0123456789abcdef', description: 'The plan of a dry run' });

const Vlan = z.int().min(1).max(4094);
const Mac = z
  .string()
  .regex(/^(?!00:00:00:00:00:00)[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/)
  .openapi({ example: '02:00:00:12:34:56' });
const Vdev = z
  .string()
  .regex(/^(?![fF]{3}[eEfF]$)[0-9a-fA-F]{1,4}$/)
  .openapi({ example: '1000', description: 'First of the three virtual devices of a NIC, hex' });

export const Network = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('flat') }),
    z.strictObject({ type: z.literal('vlan'), segmentationId: Vlan }),
    z.strictObject({
      type: z.literal('trunk'),
      segmentationIds: z
        .array(Vlan)
        .min(2)
        .max(4094)
        .refine((ids) => new Set(ids).size === ids.length, 'names a VLAN twice')
        .openapi({ uniqueItems: true }),
    }),
  ])
  .openapi('Network', { example: { type: 'vlan', segmentationId: 1001 } });

const newPort = {
  vswitch: VswitchParam,
  network: Network,
  mac: Mac.optional(),
  vdev: Vdev.optional(),
  adminStateUp: z.boolean().default(true),
  address: z
    .union([z.ipv4().openapi({ format: 'ipv4' }), z.ipv6().openapi({ format: 'ipv6' })], {
      error: 'an IPv4 or IPv6 address',
    })
    .optional()
    .openapi({ example: '192.0.2.10', description: 'Fixed address, for the name service' }),
  hostname: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/)
    .optional()
    .openapi({ example: 'lnx10001-data', description: "The address's name; the node's unless said" }),
};
export const NewPort = z.strictObject(newPort).openapi('NewPort');

export const PortChange = z
  .union(
    [
      z.strictObject({ network: Network, vswitch: VswitchParam.optional() }),
      z.strictObject({ adminStateUp: z.boolean() }),
    ],
    { error: 'either network, with or without vswitch, or adminStateUp' },
  )
  .openapi('PortChange', { example: { network: { type: 'vlan', segmentationId: 2001 } } });

/** Zod would call all of a new port unknown here, and not say what is wrong with it, if this were a strict object. */
const RecordedPort = z
  .looseObject({ portId: PortIdParam })
  .refine((port) => Object.keys(port).length === 1, {
    error: 'a recorded port is named by its portId alone',
    abort: true,
  })
  .openapi({ additionalProperties: false });

export const NewNics = z
  .strictObject({
    ports: z
      .array(z.union([RecordedPort, z.strictObject({ portId: PortIdParam, ...newPort })]))
      .min(1)
      .max(64),
  })
  .openapi('NewNics', {
    description: 'Ports that are to be live on the running guest: recorded ones by id, or new ones',
  });

export const HostChange = z
  .strictObject({
    reconciliation: z.strictObject({
      paused: z.boolean(),
      note: z.string().max(400).optional().openapi({ description: 'Why, for who looks at the Schedule' }),
    }),
  })
  .openapi('HostChange', { example: { reconciliation: { paused: true, note: 'z/VM is serviced' } } });

export const FleetReconciliation = z
  .strictObject({
    hosts: z
      .array(HostParam)
      .min(1)
      .max(100)
      .optional()
      .openapi({ description: 'All that the caller may reconcile unless said' }),
    dryRun: z.boolean().default(false),
    giveUpAfterMinutes: z.int().min(1).max(10_080).optional().openapi({ description: 'A host that nobody works for' }),
  })
  .openapi('FleetReconciliation');

export const ManyPorts = z
  .strictObject({
    live: z
      .boolean()
      .default(false)
      .openapi({ description: 'Running guests get their NICs now, not at their next logon' }),
    ports: z
      .array(z.strictObject({ portId: PortIdParam, userid: UseridParam, ...newPort }))
      .min(1)
      .max(MOST_PORTS),
  })
  .openapi('ManyPorts');

export const DryRun = z.strictObject({ dryRun: z.boolean().default(false) }).openapi('ReconciliationRequest');

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ field: z.string(), reason: z.string(), advice: z.string().optional() })).optional(),
    operation: z.string().optional(),
    run: z.string().optional().openapi({ description: 'The run in the Temporal UI' }),
    step: z.string().optional(),
    advice: z.string().optional(),
    undone: z.boolean().optional().openapi({ description: 'The guest is as it was before' }),
    result: z.unknown().optional().openapi({ description: 'Of an operation that was done in part' }),
    etag: z.string().optional().openapi({ description: 'Of what there is' }),
    request: z.string().optional().openapi({ description: 'Its id in the log' }),
  })
  .openapi('Problem');

export const Operation = z
  .object({
    id: z.string(),
    runId: z.string(),
    type: z.string(),
    host: z.string(),
    hosts: z.array(z.string()).optional().openapi({ description: 'All of them, of one that is of several' }),
    userid: z.string().optional(),
    portIds: z.array(z.string()),
    state: z.enum(OPERATION_STATES),
    outcome: z.string().optional(),
    startedAt: z.string(),
    closedAt: z.string().optional(),
    summary: z.string().optional(),
    details: z.string().optional().openapi({ description: 'Where it stands, in Markdown' }),
    result: z.unknown().optional(),
    failure: z
      .object({
        type: z.string(),
        message: z.string(),
        refusals: z.array(z.object({ field: z.string(), reason: z.string(), advice: z.string() })),
        step: z.string().optional(),
        advice: z.string().optional(),
        undone: z.boolean().optional(),
      })
      .optional(),
    url: z.string(),
    run: z.string().optional(),
  })
  .openapi('Operation');

export const Operations = z
  .object({ operations: z.array(Operation), next: z.string().optional() })
  .openapi('Operations');

export const Host = z
  .object({
    host: z.string(),
    physicalNetworks: z.array(z.object({ name: z.string(), vswitch: z.string() })),
    workers: z.int().openapi({ description: 'Workers that have asked for work lately' }),
    reconciliation: z
      .object({
        paused: z.boolean(),
        note: z.string(),
        everySeconds: z.number().optional(),
        last: z.string().optional().openapi({ description: 'When the Schedule started a run last' }),
        next: z.string().optional(),
        lastSuccess: z.string().optional().openapi({ description: 'When the last run ended that could read the host' }),
        failure: z
          .object({ at: z.string(), reason: z.string() })
          .optional()
          .openapi({ description: 'Why the last run that has ended could not read the host, or repair all of it' }),
      })
      .nullable(),
  })
  .openapi('Host');

const StoredNetwork = z.object({
  type: z.string().openapi({ description: '`flat`, `vlan`, `trunk`; `unreadable` when nobody can read the record' }),
  segmentationId: z.int().optional(),
  segmentationIds: z.array(z.int()).optional(),
  text: z.string().optional().openapi({ description: 'What the record says, when nobody can read it' }),
});

const recorded = {
  vdev: z.string().optional(),
  vswitch: z.string().optional(),
  network: StoredNetwork,
  mac: z.string().optional(),
  adminStateUp: z.boolean(),
  unreadable: z
    .array(z.object({ column: z.string(), value: z.string() }))
    .optional()
    .openapi({ description: 'Values of the record that nobody can read: the port is left as it is' }),
};

const Finding = z
  .object({ of: z.string(), reason: z.string() })
  .openapi('Finding', { description: 'What nobody can read of a host, and is left as it is' });

export const PortRow = z
  .object({
    portId: z.string(),
    userid: z.string(),
    ...recorded,
    actual: z.object({ vlans: z.array(z.int()).nullable(), coupledTo: z.string().nullable() }),
    drift: z.array(z.string()),
  })
  .openapi('PortRow');

export const GuestRow = z
  .object({
    userid: z.string(),
    node: z.string(),
    ports: z.array(PortRow),
    foreignNics: z.array(z.object({ vdev: z.string(), vswitch: z.string(), mac: z.string().optional() })),
    drift: z.array(z.string()),
    inProgress: z
      .boolean()
      .optional()
      .openapi({ description: 'It is being changed: what is not yet as recorded is no drift' }),
  })
  .openapi('GuestRow');

export const Guest = z
  .object({
    host: z.string(),
    userid: z.string(),
    node: z.string(),
    loggedOn: z.boolean(),
    record: z.array(
      z.object({
        portId: z.string(),
        ...recorded,
        rows: z.int(),
      }),
    ),
    actual: z.object({
      directory: z.array(
        z.object({
          vdev: z.string(),
          vswitch: z.string().optional(),
          macId: z.string().optional(),
          portNumber: z.int().optional(),
          devices: z.int().optional(),
          chpid: z.string().optional(),
          others: z.string().optional().openapi({ description: 'Operands that this project does not write' }),
          profile: z.string().optional().openapi({ description: 'The profile that it stands in' }),
        }),
      ),
      live: z.array(z.object({ vdev: z.string(), vswitch: z.string().optional(), mac: z.string().optional() })),
      authorisations: z.array(
        z.object({ vswitch: z.string(), vlans: z.array(z.int()), portNumber: z.int().optional() }),
      ),
    }),
    inOrder: z.boolean(),
    steps: z.array(z.string()).openapi({ description: 'What reconciliation would do' }),
    problems: z.array(z.string()),
  })
  .openapi('Guest');

export const Port = z
  .object({
    host: z.string(),
    userid: z.string(),
    portId: z.string(),
    record: Guest.shape.record.element,
    actual: z.object({
      loggedOn: z.boolean(),
      directory: Guest.shape.actual.shape.directory.element.nullable(),
      live: Guest.shape.actual.shape.live.element.nullable(),
      authorisation: Guest.shape.actual.shape.authorisations.element.nullable(),
    }),
    inOrder: z.boolean(),
  })
  .openapi('Port');

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
    vswitches: z.array(VswitchRow),
    guests: z.array(GuestRow),
    findings: z.array(Finding),
  })
  .openapi('HostPicture');

export const OperationFilter = z.object({
  host: HostParam.optional(),
  userid: UseridParam.optional(),
  port: PortIdParam.optional(),
  type: z.enum(OPERATION_TYPES).optional().openapi({ description: 'What was asked for' }),
  state: z.enum(OPERATION_STATES).optional().openapi({ description: 'Where they stand' }),
  outcome: z
    .enum(OPERATION_OUTCOMES)
    .optional()
    .openapi({ description: 'What came of them; `waiting` and `retrying` while they run' }),
});

const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(1_000)
  .default(100)
  .openapi({ type: 'integer', minimum: 1, maximum: 1_000, default: 100, description: 'Most of a page' });

export const Paging = z.strictObject({
  limit,
  after: z
    .string()
    .regex(/^[A-Za-z0-9@#$_+:-]{1,40}$/)
    .optional()
    .openapi({ description: '`next` of the page before' }),
});

export const OperationPaging = z.strictObject({
  limit,
  after: z
    .string()
    .regex(
      /^(running|ended)\|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z\|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    )
    .optional()
    .openapi({ description: '`next` of the page before' }),
});
