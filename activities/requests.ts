import type { z } from 'zod';
import { taskQueueOf } from '../domain/host/host.ts';
import { acceptOperation } from '../domain/operations/operations.ts';
import {
  DeleteVswitchInput,
  EnsureDhcpInput,
  EnsureManagementNetworkInput,
  EnsureVswitchInput,
  ListVswitchesInput,
  ReconcileFleetInput,
  ReconcileHostInput,
  ShowGuestInput,
  ShowHostInput,
  WirePortsInput,
} from '../domain/operations/requests.ts';
import { refusal, refusalsOf } from '../domain/planning/refusal.ts';
import type { RequestActivities } from '../workflows/host-activities.ts';
import { asActivityFailure, refusedFailure } from './failures.ts';

/** The activities that check requests to one host. They fail with `Refused`, also for a request to another host. */
export function acceptingActivities(host: string): RequestActivities {
  const here = <Request extends { host: string }>(request: Request): Request => {
    if (request.host === host) return request;
    const reason = `this is the task queue of ${host}, but the request is for ${request.host}`;
    throw refusedFailure([refusal('host', reason, `start it on task queue ${taskQueueOf(request.host)}`)]);
  };
  const parsed = <Schema extends z.ZodType<{ host: string }>>(schema: Schema, input: unknown): z.output<Schema> => {
    const result = schema.safeParse(input);
    if (!result.success) throw refusedFailure(refusalsOf(result.error));
    return here(result.data);
  };
  return {
    acceptOperation: attempt(({ type, input }) => {
      const accepted = acceptOperation(type, input);
      if (!accepted.accepted) throw refusedFailure(accepted.refusals);
      return here(accepted.operation);
    }),
    acceptWirePorts: attempt(({ input }) => parsed(WirePortsInput, input)),
    acceptVswitchChange: attempt(({ kind, input }) => {
      if (kind === 'ensure') {
        const { host: on, vswitch, hadRdevs, ...limits } = parsed(EnsureVswitchInput, input);
        const had = hadRdevs === undefined ? {} : { hadRdevs };
        return {
          change: { kind, host: on, vswitch, ...had },
          summary: `ensure VSWITCH ${vswitch} on ${on}`,
          ...limits,
        };
      }
      const { host: of, vswitch, force, ...limits } = parsed(DeleteVswitchInput, input);
      return { change: { kind, host: of, vswitch, force }, summary: `delete VSWITCH ${vswitch} of ${of}`, ...limits };
    }),
    acceptEnsureDhcp: attempt(({ input }) => parsed(EnsureDhcpInput, input)),
    acceptManagementNetwork: attempt(({ input }) => parsed(EnsureManagementNetworkInput, input)),
    acceptReconcileHost: attempt(({ input }) => parsed(ReconcileHostInput, input)),
    // The fleet's run may be on any of its hosts' task queues.
    acceptReconcileFleet: attempt(({ input }) => {
      const result = ReconcileFleetInput.safeParse(input);
      if (!result.success) throw refusedFailure(refusalsOf(result.error));
      return result.data;
    }),
    acceptShowHost: attempt(({ input }) => parsed(ShowHostInput, input)),
    acceptShowGuest: attempt(({ input }) => parsed(ShowGuestInput, input)),
    acceptListVswitches: attempt(({ input }) => parsed(ListVswitchesInput, input)),
  };
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
