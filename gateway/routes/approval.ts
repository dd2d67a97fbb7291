import { z } from '@hono/zod-openapi';
import { DecisionRefused, decideOn } from '../../client/approval.ts';
import { LONGEST_REASON, reasonFrom } from '../../client/origin.ts';
import { PlanId } from '../../domain/operations/requests.ts';
import { callerName, operationBody } from '../http/idempotent-start.ts';
import { Problem } from '../http/problem.ts';
import { type App, jsonOf, newApp, route, type Services } from '../http/routing.ts';
import { Operation } from '../schemas.ts';
import { findOperation, OfOperation } from './operations.ts';

const DecisionBody = z
  .strictObject({
    plan: PlanId.meta({ description: 'The `plan` that the operation waits with' }),
    reason: z.string().max(LONGEST_REASON).optional().openapi({ description: 'Why, for the audit' }),
  })
  .openapi('Decision');

const DECISIONS = {
  approve: 'Approve the plan that an operation waits with; nobody approves their own operation',
  reject: 'Reject the plan that an operation waits with: the operation ends',
} as const;

/** Decisions on operations that wait for an approval. */
export function approvalRoutes(services: Services): App {
  const app = newApp();
  for (const kind of ['approve', 'reject'] as const) decisionRoute(app, services, kind);
  return app;
}

function decisionRoute(app: App, services: Services, kind: keyof typeof DECISIONS): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: `/v1/operations/{operationId}/${kind}`,
        operationId: `${kind}Operation`,
        tags: ['Operations'],
        summary: DECISIONS[kind],
        request: { params: OfOperation, body: jsonOf(DecisionBody) },
      },
      { 200: { description: 'The operation with the decision', schema: Operation } },
    ),
    async (context) => {
      const { operationId } = context.req.valid('param');
      const { plan, reason } = context.req.valid('json');
      const { client } = services.options;
      const operation = await findOperation(context, services, operationId, undefined, () => 'approve');
      const by = { by: callerName(context), via: 'http' as const, reason: reasonFrom(reason) };
      const decision = await decideOn(client, operation, kind, plan, by).catch((error: unknown) => {
        throw error instanceof DecisionRefused ? problemOf(error, operationId) : error;
      });
      context.set('operation', operationId);
      services.state.changed(operation.host);
      const { awaits: _decided, outcome: _before, ...rest } = operation;
      return context.json(operationBody(services, { ...rest, decision }) as never, 200);
    },
  );
}

function problemOf({ field, reason, advice }: DecisionRefused, id: string): Problem {
  const extra = { operation: id, errors: [{ field, reason, advice }] };
  switch (field) {
    case 'by':
      return new Problem(403, 'forbidden', 'Not allowed', reason, extra);
    case 'plan':
      return new Problem(412, 'changed', 'Precondition failed', reason, extra);
    default:
      return new Problem(409, 'not-waiting', 'The operation does not wait for an approval', reason, extra);
  }
}
