import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import {
  describeNotification,
  listNotifications,
  NOTIFICATION_STATES,
  type NotificationView,
  retryNotification,
  startTestNotification,
} from '../../client/notifications.ts';
import { WebhookName } from '../../domain/notifications/notification.ts';
import { HostName } from '../../domain/text/identifiers.ts';
import { hostsOf, isFor } from '../http/callers.ts';
import { callerName } from '../http/idempotent-start.ts';
import { notFound, Problem } from '../http/problem.ts';
import { type App, type Env, hostFor, jsonOf, newApp, permit, route, type Services } from '../http/routing.ts';
import { OfHost, OperationIdParam, Paging } from '../schemas.ts';

const Notification = z
  .object({
    id: z.string(),
    host: z.string(),
    webhook: z.string(),
    event: z.string().openapi({ example: 'operation.failed' }),
    eventId: z.string().openapi({ description: 'The `webhook-id` of all its deliveries' }),
    subject: z.string().optional(),
    state: z.enum(NOTIFICATION_STATES).openapi({ description: '`undelivered`: nothing tries again by itself' }),
    time: z.string(),
    startedAt: z.string(),
    closedAt: z.string().optional(),
  })
  .openapi('Notification');
const Notifications = z.object({ notifications: z.array(Notification) }).openapi('Notifications');

const Filter = Paging.pick({ limit: true }).extend({
  host: HostName.optional(),
  webhook: WebhookName.optional(),
  state: z.enum(NOTIFICATION_STATES).optional(),
});

/** Notifications: list deliveries to webhooks, deliver one again, make a test call. */
export function notificationRoutes(services: Services): App {
  const app = newApp();
  for (const add of [listRoute, retryRoute, testRoute]) add(app, services);
  return app;
}

function listRoute(app: App, { options }: Services): void {
  app.openapi(
    route(
      {
        method: 'get',
        path: '/v1/notifications',
        operationId: 'listNotifications',
        tags: ['Notifications'],
        summary: 'Deliveries of events to webhooks: open ones, then the last that ended first',
        request: { query: Filter },
      },
      { 200: { description: 'The deliveries', schema: Notifications } },
    ),
    async (context) => {
      const { limit, host, ...asked } = context.req.valid('query');
      permit(context, 'read', host);
      const hosts = hostsOf(context.get('caller'), 'read');
      const notifications = await listNotifications(options.client, { ...asked, host, hosts }, limit);
      return context.json({ notifications }, 200);
    },
  );
}

function retryRoute(app: App, { options }: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/notifications/{notificationId}/retry',
        operationId: 'retryNotification',
        tags: ['Notifications'],
        summary: 'Deliver an event now, also one that was given up',
        request: { params: z.object({ notificationId: OperationIdParam }) },
      },
      { 202: { description: 'The delivery is tried', schema: Notification } },
    ),
    async (context) => {
      const { notificationId } = context.req.valid('param');
      const found = await notificationFor(context, options.client, notificationId);
      permit(context, 'change', found.host);
      if (!(await retryNotification(options.client, notificationId)))
        throw new Problem(409, 'ended', 'The event has been delivered', `${notificationId} is ${found.state}`);
      return context.json((await describeNotification(options.client, notificationId)) ?? found, 202);
    },
  );
}

/** The delivery, if the caller may know of it. Throws a Problem. */
async function notificationFor(
  context: Context<Env>,
  client: Services['options']['client'],
  id: string,
): Promise<NotificationView> {
  const found = await describeNotification(client, id);
  if (found === undefined || !isFor(context.get('caller'), found.host)) throw notFound(`notification ${id}`);
  return found;
}

function testRoute(app: App, services: Services): void {
  app.openapi(
    route(
      {
        method: 'post',
        path: '/v1/hosts/{host}/notifications/test',
        operationId: 'testWebhook',
        tags: ['Notifications'],
        summary: 'Send a signed test event to a webhook',
        request: { params: OfHost, body: jsonOf(z.strictObject({ webhook: WebhookName }).openapi('WebhookTest')) },
      },
      { 202: { description: 'The delivery has started', schema: Notification } },
    ),
    async (context) => {
      const { host } = hostFor(context, services, context.req.valid('param').host, 'change');
      const { client } = services.options;
      const id = await startTestNotification(client, host, context.req.valid('json').webhook, callerName(context));
      const found = await describeNotification(client, id);
      if (found === undefined) throw notFound(`notification ${id}`);
      return context.json(found, 202);
    },
  );
}
