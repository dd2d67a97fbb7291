import type { z } from 'zod';
import { mergedSearchTerms, type PortSearchTerms, searchTermsOfChange } from '../guest/search-terms.ts';
import type { HostName, PortId, Userid } from '../text/identifiers.ts';
import type { Change } from './requests.ts';
import type { ResultKind } from './results.ts';

/** One operation: all that the ways to start it, its workflow and the documentation derive from. */
export type OperationDefinition<Schema extends z.ZodType = z.ZodType> = {
  /** For the documentation and the OpenAPI document; begins with a verb, has no full stop. */
  does: string;
  /** The beginning of its Workflow IDs. */
  idPrefix: string;
  /** The rest of a Workflow ID that allows one open run. Operations without it have an ID each. */
  lock?(request: z.output<Schema>): string;
  input: Schema;
  result: ResultKind;
  /** One line for operators. */
  summary(request: z.output<Schema>): string;
  /** Search attributes beside host and userid. */
  found(request: z.output<Schema>): PortSearchTerms;
};

/** An operation on the ports of one guest. */
export type GuestOperationDefinition<Schema extends z.ZodType = z.ZodType> = OperationDefinition<Schema> & {
  /** Ports that the request names. */
  portIds(request: z.output<Schema>): PortId[];
  change(request: z.output<Schema>): Change;
  /** The HTTP route of an operation on one port whose body has all other fields. Operations without it have a route of their own, if any. */
  route?: { method: 'post' | 'put' | 'delete'; path: `/v1/hosts/{host}/guests/{userid}/ports/{portId}${string}` };
};

/** Define an operation. */
export function operation<Schema extends z.ZodType>(
  definition: Omit<OperationDefinition<Schema>, 'found'> & Partial<Pick<OperationDefinition<Schema>, 'found'>>,
): OperationDefinition<Schema> {
  return { found: () => ({ portIds: [], vswitches: [], vlans: [] }), ...definition };
}

/** Define an operation on the ports of one guest. */
export function operationOnGuest<Schema extends z.ZodType<{ host: HostName; userid: Userid }>>(
  definition: Omit<GuestOperationDefinition<Schema>, 'found' | 'result'>,
): GuestOperationDefinition<Schema> {
  const { portIds, change } = definition;
  return {
    ...definition,
    result: 'ports',
    found: (request) =>
      mergedSearchTerms({ portIds: portIds(request), vswitches: [], vlans: [] }, searchTermsOfChange(change(request))),
  };
}
