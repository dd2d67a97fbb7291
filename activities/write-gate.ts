import type { Cancellation, Probing, ZvmBackend } from '../backend/backend.ts';
import { BackendError } from '../backend/backend-error.ts';
import { defined } from '../domain/defined.ts';
import {
  type Hold,
  type HostControl,
  holdAt,
  holdOfWork,
  holdText,
  type WorkFor,
} from '../domain/host/host-control.ts';

/** The operators' word on a host, as its worker knows it. */
export type ControlWatch = {
  /** The word as it is now. Throws a transient BackendError while Temporal does not tell it. */
  now(): Promise<HostControl>;
  /** Call back at each change, until the answered function is called. */
  onChange(look: (control: HostControl) => void): () => void;
  /** Work was stopped by a hold: its run, the last of the Workflow IDs, is told of the release. */
  stopped(work: WorkFor): void;
  /** A run is about to write: a Temporal that does not know it later has lost it. Readings and idle reconciliations may be deleted. */
  served(run: { workflowId: string; runId: string }): void;
  /** No write is under way while the host is held. */
  quiet(control: HostControl): void;
};

/** A backend as readers have it. Only a WriteGate gives the rest. */
export type ReadingBackend = Omit<ZvmBackend, Writes | 'probing'> & { probing?: Pick<Probing, 'mark'> };
type Writes = 'applySteps' | 'applyVswitchSteps' | 'applyManagementSteps';

/** The only way to the methods of a backend that write. */
export type WriteGate = {
  /** Throws a BackendError while the host is held for this work, and a transient one while that is not known. */
  pass(work: WorkFor): Promise<void>;
  /**
   * Write, unless the host is held. A hold that comes meanwhile lets the step end that is under way; nothing more is begun. Throws as `pass` does,
   * before anything is written.
   */
  write<Result>(
    of: WorkFor,
    cancellation: Cancellation,
    work: (backend: ZvmBackend, cancellation: Cancellation) => Promise<Result>,
  ): Promise<Result>;
  /** The operators' word on the host, for readings that heed it. Throws as `ControlWatch.now` does. */
  control(): Promise<HostControl>;
  /** As of ControlWatch. */
  served: ControlWatch['served'];
};

/** Create the gate of one host's backend. */
export function createWriteGate(host: string, backend: ZvmBackend, watch: ControlWatch): WriteGate {
  let writes = 0;
  const tellQuiet = (control: HostControl) => {
    if (writes === 0 && holdAt(control, Date.now()) !== undefined) watch.quiet(control);
  };
  watch.onChange(tellQuiet);
  const refuseHeld = (control: HostControl, of: WorkFor) => {
    const hold = holdOfWork(control, Date.now(), of);
    if (hold === undefined) return;
    watch.stopped(of);
    throw heldError(host, hold);
  };
  return {
    pass: async (of) => refuseHeld(await watch.now(), of),
    control: () => watch.now(),
    served: (run) => watch.served(run),
    async write(of, { stop, leave }, work) {
      refuseHeld(await watch.now(), of);
      // Between the look and the count nothing may be waited for: a hold that comes later finds this write.
      writes += 1;
      const holding = new AbortController();
      const forget = watch.onChange((control) => {
        try {
          refuseHeld(control, of);
        } catch (error) {
          holding.abort(error);
        }
      });
      try {
        return await work(backend, { stop: AbortSignal.any([stop, holding.signal]), leave });
      } finally {
        forget();
        writes -= 1;
        await watch.now().then(tellQuiet, () => undefined);
      }
    },
  };
}

function heldError(host: string, hold: Hold): BackendError {
  const operation = `write to ${host}`;
  const advice = `wait, or release the host: zvmnet hosts release ${host}`;
  const retryAfterMs = hold.until === undefined ? undefined : Math.max(1, hold.until - Date.now());
  return new BackendError({
    ...{ code: 'held', operation, message: `${operation}: ${holdText(host, hold)}`, advice },
    ...defined({ retryAfterMs }),
  });
}
