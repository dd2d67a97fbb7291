import { z } from '@hono/zod-openapi';
import { DesiredHost } from '../domain/host/desired-host.ts';
import { Effect } from '../domain/operations/results.ts';

// A schema that was made before the library for OpenAPI was loaded knows no `openapi`; a new one of the same fields does.
/** A host as it should be. */
export const DesiredBody = DesiredHost.extend({}).openapi('DesiredHost');

const ofGuest = { userid: z.string() };
const Refusals = z.array(z.object({ field: z.string(), reason: z.string(), advice: z.string() }));

/** A host as it is, in that form. */
export const DesiredExport = z
  .object({
    desired: DesiredBody,
    unsaid: z
      .array(z.object({ ...ofGuest, portId: z.string(), reason: z.string() }))
      .openapi({ description: 'Recorded ports that are left out: they are unreadable, or not wired yet' }),
  })
  .openapi('DesiredExport');

/** A plan, and the operations that carry it out. */
export const DesiredOutcome = z
  .object({
    plan: z.string().openapi({ description: 'The name of the plan' }),
    dryRun: z.boolean().optional(),
    changes: z.array(
      z.object({
        type: z.string(),
        host: z.string(),
        subject: z.string().openapi({ description: 'The guest, or the VSWITCH' }),
        summary: z.string(),
        differences: z.array(
          z.object({
            portId: z.string(),
            fields: z.array(z.object({ field: z.string(), from: z.string().optional(), to: z.string() })),
          }),
        ),
        remove: z.array(z.string()).openapi({ description: 'Ports that are deleted' }),
        steps: z.array(z.string()),
        effect: Effect,
        after: z.string().optional().openapi({ description: 'The VSWITCH that is made first' }),
        refusals: Refusals,
        failure: z.string().optional(),
      }),
    ),
    refusals: z.array(z.object({ host: z.string(), ...ofGuest, ...Refusals.element.shape })),
    unnamed: z
      .array(z.object({ host: z.string(), ...ofGuest, portId: z.string(), reason: z.string().optional() }))
      .openapi({ description: 'Ports that the body does not name, and that stay' }),
    operations: z
      .array(z.object({ type: z.string(), subject: z.string(), id: z.string(), url: z.string() }).loose())
      .optional()
      .openapi({ description: 'The operations that have started' }),
  })
  .openapi('DesiredOutcome');
