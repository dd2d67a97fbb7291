import type { z } from 'zod';
import { defined } from '../defined.ts';
import type { PortSearchTerms } from '../guest/search-terms.ts';
import { type Refusal, refusalsOf } from '../planning/refusal.ts';
import type { HostName, Userid } from '../text/identifiers.ts';
import { HOST_OPERATIONS, READINGS } from './host-operations.ts';
import type { GuestOperationDefinition, OperationDefinition } from './operation-definition.ts';
import { PORT_OPERATIONS } from './port-operations.ts';
import type { Change, Preconditions } from './requests.ts';

/** All operations by workflow type: gateway, zvmnet, workflows and the documentation derive from it. */
export const OPERATIONS = { ...PORT_OPERATIONS, ...HOST_OPERATIONS };

export type OperationType = keyof typeof OPERATIONS;
/** Operations that change the ports of one guest. */
export type GuestOperationType = keyof typeof PORT_OPERATIONS;
/** Operations on many guests, or on a host itself. */
export type HostOperationType = keyof typeof HOST_OPERATIONS;
export type ReadingType = keyof typeof READINGS;

/** A request in exact types. */
export type RequestOf<Type extends OperationType> = z.output<(typeof OPERATIONS)[Type]['input']>;
export type ReadingOf<Type extends ReadingType> = z.output<(typeof READINGS)[Type]>;
/** The input of a reading as callers of the workflow write it. */
export type InputOfReading<Type extends ReadingType> = z.input<(typeof READINGS)[Type]>;
/** A request as callers of the workflow write it. */
export type InputOf<Type extends OperationType> = z.input<(typeof OPERATIONS)[Type]['input']>;

/** All workflow types of operations. */
export const OPERATION_TYPES = Object.keys(OPERATIONS) as OperationType[];

/** Workflow types of operations that change the ports of one guest. */
export const GUEST_OPERATION_TYPES = Object.keys(PORT_OPERATIONS) as GuestOperationType[];

/** True when a workflow of that type is an operation. */
export function isOperationType(type: string): type is OperationType {
  return Object.hasOwn(OPERATIONS, type);
}

/** True when a workflow of that type changes the ports of one guest. */
export function isGuestOperationType(type: string): type is GuestOperationType {
  return Object.hasOwn(PORT_OPERATIONS, type);
}

/** The definition of an operation, for code that is the same for all types: TypeScript does not relate a type's definition to its request. */
export function definitionOf<Type extends OperationType>(
  type: Type,
): OperationDefinition<z.ZodType<RequestOf<Type>, InputOf<Type>>> {
  return OPERATIONS[type] as unknown as OperationDefinition<z.ZodType<RequestOf<Type>, InputOf<Type>>>;
}

/** The definition of an operation on one guest, likewise. */
export function guestDefinitionOf(type: GuestOperationType): GuestOperationDefinition<z.ZodObject> {
  return PORT_OPERATIONS[type] as unknown as GuestOperationDefinition<z.ZodObject>;
}

export type Parsed<Request> = { accepted: true; request: Request } | { accepted: false; refusals: Refusal[] };

/** Parse a request, in whatever form it came: exact types, or a refusal for each field at fault. */
export function parseRequest<Type extends OperationType>(type: Type, input: unknown): Parsed<RequestOf<Type>> {
  return parse(definitionOf(type).input, input);
}

/** Parse the input of a reading. */
export function parseReading<Type extends ReadingType>(type: Type, input: unknown): Parsed<ReadingOf<Type>> {
  return parse<ReadingOf<Type>>(READINGS[type] as unknown as z.ZodType<ReadingOf<Type>>, input);
}

function parse<Request>(schema: z.ZodType<Request>, input: unknown): Parsed<Request> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { accepted: true, request: parsed.data };
  return { accepted: false, refusals: refusalsOf(parsed.error) };
}

/** An operation on one guest, in exact types, as its workflow carries it out. */
export type Operation = {
  host: HostName;
  userid: Userid;
  change: Change;
  /** Search attributes beside host and userid. */
  found: PortSearchTerms;
  /** One line for operators. */
  summary: string;
  giveUpAfterMinutes: number;
  keepOnFailure: boolean;
  dryRun: boolean;
  onlyIf?: Preconditions;
};

type GuestRequest = Omit<Operation, 'change' | 'found' | 'summary' | 'onlyIf'> & { onlyIf?: Preconditions | undefined };

/** The operation that a request asks for. */
export function operationOf<Type extends GuestOperationType>(type: Type, request: RequestOf<Type>): Operation {
  const definition = PORT_OPERATIONS[type] as unknown as GuestOperationDefinition<z.ZodType<GuestRequest>>;
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun, onlyIf }: GuestRequest = request;
  return {
    ...{ host, userid, giveUpAfterMinutes, keepOnFailure, dryRun },
    ...defined({ onlyIf }),
    change: definition.change(request),
    found: definition.found(request),
    summary: definition.summary(request),
  };
}
