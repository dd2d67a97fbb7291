import type { Context } from 'hono';
import type { z } from 'zod';
import { type PortOperation, portOperation } from '../../client/port-operation.ts';
import { checkConditions, isConditional } from '../http/etag.ts';
import { startOwn } from '../http/idempotent-start.ts';
import type { Env, PortOperationQuery, Services } from '../http/routing.ts';
import type { OfGuest } from '../schemas.ts';

/** The resource of a request. `whole`: the guest, not one port of it. */
type Target = z.output<typeof OfGuest> & { portIds: string[]; whole?: boolean };

/** Start an operation on ports of one guest, if the request's conditions hold, now and when its turn at the guest comes. Throws a Problem. */
export function startOnGuest(
  context: Context<Env>,
  services: Services,
  type: PortOperation['type'],
  target: Target,
  rest: object,
  { plan, ...limits }: z.output<typeof PortOperationQuery>,
): Promise<Response> {
  const onlyIf = plan === undefined ? {} : { plan };
  const asked = plan === undefined ? {} : { onlyIf };
  const operation = portOperation({ type, ...target, rest: { ...rest, ...limits, ...asked } });
  return startOwn(context, services, operation, async () => {
    const state = await stateToKeep(context, services, target);
    return state === undefined ? {} : { onlyIf: { ...onlyIf, state } };
  });
}

/** The state that must not change before the operation's turn at the guest. Throws a Problem when the request's condition does not hold now. */
async function stateToKeep(context: Context, { state }: Services, { host, userid, portIds, whole = false }: Target) {
  if (!isConditional(context)) return undefined;
  const { tags } = await state.guest(host, userid);
  const [portId] = whole ? [] : portIds;
  const tag = checkConditions(context, portId === undefined ? tags.guest : tags.ports[portId]);
  return tag === undefined ? undefined : { ...(portId === undefined ? {} : { portId }), tag };
}
