import type { Context } from 'hono';
import { defined } from '../../domain/defined.ts';
import type { GuestOperationType, RequestOf } from '../../domain/operations/operations.ts';
import type { Preconditions } from '../../domain/operations/requests.ts';
import type { PortId } from '../../domain/text/identifiers.ts';
import { checkConditions, isConditional } from '../http/etag.ts';
import { startOwn } from '../http/idempotent-start.ts';
import type { Env, Services } from '../http/routing.ts';

/** A request for an operation on one guest, in exact types. */
export type GuestRequest = { [Type in GuestOperationType]: { type: Type; input: RequestOf<Type> } }[GuestOperationType];

/** `portId`: the conditions of the request are about this port; they are about the whole guest without it. */
type Conditions = { plan?: string | undefined; portId?: PortId };

/** Start an operation on ports of one guest, if the request's conditions hold, both now and when the guest run carries it out. Throws a Problem. */
export function startOnGuest(
  context: Context<Env>,
  services: Services,
  { type, input }: GuestRequest,
  { plan, portId }: Conditions,
): Promise<Response> {
  const onlyIf = plan === undefined ? {} : { plan };
  const request = { type, input: plan === undefined ? input : { ...input, onlyIf } } as GuestRequest;
  return startOwn(context, services, request, async () => {
    const state = await stateToKeep(context, services, input, portId);
    return state === undefined ? {} : { onlyIf: { ...onlyIf, state } };
  });
}

/** The state that must not change before the guest run carries the operation out. Throws a Problem when it has changed already. */
async function stateToKeep(
  context: Context,
  { state }: Services,
  { host, userid }: GuestRequest['input'],
  portId: PortId | undefined,
): Promise<Preconditions['state']> {
  if (!isConditional(context)) return undefined;
  const { tags } = await state.guest(host, userid);
  const tag = checkConditions(context, portId === undefined ? tags.guest : tags.ports[portId]);
  return tag === undefined ? undefined : { ...defined({ portId }), tag };
}
