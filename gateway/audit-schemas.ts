import { z } from '@hono/zod-openapi';
import { Decision } from '../client/approval.ts';

const AuditEntry = z
  .object({
    at: z.string().openapi({ description: 'Start of the operation' }),
    endedAt: z.string().optional(),
    by: z.string().optional().openapi({ description: "A token's name, or `user@machine`" }),
    via: z.string().optional(),
    reason: z.string().optional(),
    requestId: z.string().optional(),
    operation: z.string().openapi({ description: 'Type of the operation' }),
    host: z.string(),
    userid: z.string().optional(),
    portIds: z.array(z.string()),
    summary: z.string().optional(),
    outcome: z.string(),
    decision: Decision.optional().openapi({ description: 'The last decision on a plan of it: by whom, when and why' }),
    steps: z.array(z.string()),
    failure: z.string().optional(),
    id: z.string(),
    runId: z.string(),
  })
  .openapi('AuditEntry');

export const Audit = z.object({ entries: z.array(AuditEntry), next: z.string().optional() }).openapi('Audit');

const TIME =
  /^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z)?$|^20\d\d-(0[13-9]|1[0-2])-(29|30)(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z)?$|^20\d\d-(0[13578]|1[02])-31(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z)?$/;
const time = (description: string) =>
  z
    .string()
    .regex(TIME, 'must be a time, such as 2026-11-29 or 2026-11-29T05:00:00Z')
    .transform((text) => new Date(text))
    .optional()
    .openapi({ type: 'string', pattern: TIME.source, description });

/** Bounds of the audit. */
export const AuditTimes = z.object({
  since: time('Operations that started then or later'),
  until: time('Operations that started before'),
});
