import { taskQueueOf } from '../domain/host/host.ts';
import { operationOf, type Parsed, parseReading, parseRequest } from '../domain/operations/operations.ts';
import { refusal } from '../domain/planning/refusal.ts';
import type { RequestActivities } from '../workflows/host-activities.ts';
import { asActivityFailure, refusedFailure } from './failures.ts';

/** The activities that check requests to one host. They fail with `Refused`, also for a request to another host. */
export function acceptingActivities(host: string, isGoverned = () => false): RequestActivities {
  return {
    acceptOperation: attempt(({ type, input }) => operationOf(type, here(host, accepted(parseRequest(type, input))))),
    acceptRequest: attempt(({ type, input }) =>
      marked(here(host, accepted(parseRequest(type, input))), BULK.includes(type) && isGoverned()),
    ),
    acceptReading: attempt(({ type, input }) => here(host, accepted(parseReading(type, input)))),
  };
}

/** Operations that plan all their guests first where the host has a policy. */
const BULK: readonly string[] = ['wirePorts', 'migrateHost'];

function accepted<Request>(parsed: Parsed<Request>): Request {
  if (parsed.accepted) return parsed.request;
  throw refusedFailure(parsed.refusals);
}

/** The request, unless it is for another host; one of several hosts may be on the task queue of any of them. */
function here<Request extends { host: string } | { hosts: string[] }>(host: string, request: Request): Request {
  if (!('host' in request) || request.host === host) return request;
  const reason = `the request for ${request.host} came to the task queue of ${host}`;
  throw refusedFailure([refusal('host', reason, `start the operation on task queue ${taskQueueOf(request.host)}`)]);
}

function marked<Request>(request: Request, isGoverned: boolean): Request & { isGoverned?: true } {
  const mark: { isGoverned?: true } = isGoverned ? { isGoverned } : {};
  return { ...request, ...mark };
}

function attempt<Input, Result>(accept: (input: Input) => Result): (input: Input) => Promise<Result> {
  return async (input) => {
    try {
      return accept(input);
    } catch (error) {
      throw asActivityFailure(error);
    }
  };
}
