import { z } from '@hono/zod-openapi';
import { UnreadableValue } from '../domain/guest/guest.ts';

const StoredNetwork = z.object({
  type: z.string().openapi({ description: '`flat`, `vlan`, `trunk`, or `unreadable` for a malformed record' }),
  segmentationId: z.int().optional(),
  segmentationIds: z.array(z.int()).optional(),
  text: z.string().optional().openapi({ description: 'The text of a malformed record' }),
});

const recorded = {
  vdev: z.string().optional(),
  vswitch: z.string().optional(),
  network: StoredNetwork,
  mac: z.string().optional(),
  adminStateUp: z.boolean(),
  unreadable: z
    .array(UnreadableValue)
    .optional()
    .openapi({ description: 'Malformed values of the record: the port stays unchanged' }),
};

export const PortRow = z
  .object({
    portId: z.string(),
    userid: z.string(),
    ...recorded,
    actual: z.object({
      vlans: z.array(z.int()).nullable(),
      coupledTo: z.string().nullable(),
      mayBeInDirectory: z.literal(true).optional().openapi({
        description: 'No VSWITCH shows an authorisation; the directory entry, which lists do not read, may give one',
      }),
    }),
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
    runsOn: z.string().optional().openapi({ description: 'The other member of the SSI cluster that it is coupled on' }),
    inProgress: z
      .boolean()
      .optional()
      .openapi({ description: 'An operation is changing the guest: a difference from the record is not drift' }),
  })
  .openapi('GuestRow');

export const Guest = z
  .object({
    host: z.string(),
    userid: z.string(),
    node: z.string(),
    loggedOn: z.boolean(),
    runsOn: z.string().optional().openapi({ description: 'The other member of the SSI cluster that runs it' }),
    record: z.array(
      z.object({
        portId: z.string(),
        ...recorded,
        doubled: z.string().optional().openapi({
          description: 'Recorded more than once, and rewritten as one by reconciliation',
          example: 'has 2 rows',
        }),
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
          others: z.string().optional().openapi({ description: 'NICDEF operands that this project does not write' }),
          authorization: z
            .object({
              vlans: z.array(z.int()).optional(),
              portType: z.enum(['ACCESS', 'TRUNK']).optional(),
              promiscuous: z.boolean().optional(),
              priority: z.enum(['LOW', 'NORMAL', 'HIGH']).optional(),
            })
            .optional()
            .openapi({ description: 'The operands of directory network authorization' }),
          profile: z.string().optional().openapi({ description: 'The directory profile with the NICDEF' }),
          subconfig: z
            .string()
            .optional()
            .openapi({ description: 'The SUBCONFIG with the NICDEF, which is never changed' }),
        }),
      ),
      live: z.array(
        z.object({
          vdev: z.string(),
          vswitch: z.string().optional(),
          mac: z.string().optional(),
          vlans: z.array(z.int()).optional().openapi({ description: 'The VLANs that z/VM has it on' }),
          portNumber: z.int().optional().openapi({ description: 'The port of its VSWITCH, where z/VM tells it' }),
        }),
      ),
      authorisations: z.array(
        z.object({ vswitch: z.string(), vlans: z.array(z.int()), portNumber: z.int().optional() }),
      ),
    }),
    inOrder: z.boolean(),
    steps: z.array(z.string()).openapi({ description: 'Steps that reconciliation would carry out' }),
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
