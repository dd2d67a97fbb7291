import { expect, test, vi } from 'vitest';
import { type ControlWatch, createWriteGate } from '../../activities/write-gate.ts';
import type { ZvmBackend } from '../../backend/backend.ts';
import { BackendError } from '../../backend/backend-error.ts';
import { controlAfter, type HostControl, NO_CONTROL } from '../../domain/host/host-control.ts';

const HELD = controlAfter(NO_CONTROL, { name: 'hold', input: { by: 'anna', reason: 'CHG1' }, at: 0 });
const OF = { workflowIds: ['create-port/zvm1/1', 'guest/zvm1/A'], requestId: 'run-1/0' };
const NEVER = new AbortController().signal;
const UNSTOPPED = { stop: NEVER, leave: NEVER };
/** No method of it is called: the gate hands it on. */
const BACKEND = {} as ZvmBackend;

/** A word that the test changes. */
function wordOf(first: HostControl) {
  let control = first;
  const looks = new Set<(control: HostControl) => void>();
  const watch = {
    now: vi.fn(async () => control),
    onChange: (look: (now: HostControl) => void) => {
      looks.add(look);
      return () => looks.delete(look);
    },
    stopped: vi.fn<ControlWatch['stopped']>(),
    quiet: vi.fn<ControlWatch['quiet']>(),
    served: vi.fn<ControlWatch['served']>(),
  };
  const say = (now: HostControl) => {
    control = now;
    for (const look of looks) look(now);
  };
  return { watch, say };
}

test('a held host is not written to, and the run that came is remembered', async () => {
  const { watch } = wordOf(HELD);
  const gate = createWriteGate('zvm1', BACKEND, watch);
  const work = vi.fn(async () => 'written');
  const refusal = { code: 'held', retryable: true, message: expect.stringContaining('zvm1 is held by anna: CHG1') };
  await expect(gate.write(OF, UNSTOPPED, work)).rejects.toMatchObject(refusal);
  await expect(gate.pass(OF)).rejects.toMatchObject(refusal);
  expect(work).not.toHaveBeenCalled();
  expect(watch.stopped).toHaveBeenCalledWith(OF);
});

test('a host of which nobody knows whether it is held is not written to', async () => {
  const { watch } = wordOf(NO_CONTROL);
  watch.now.mockRejectedValue(new BackendError({ code: 'unreachable', operation: 'look', message: 'unknown' }));
  const work = vi.fn(async () => 'written');
  const written = createWriteGate('zvm1', BACKEND, watch).write(OF, UNSTOPPED, work);
  await expect(written).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  expect(work).not.toHaveBeenCalled();
});

test('a hold stops a write that is under way, and is confirmed when that has ended', async () => {
  const { watch, say } = wordOf(NO_CONTROL);
  const gate = createWriteGate('zvm1', BACKEND, watch);
  const ended = Promise.withResolvers<void>();
  let stop: AbortSignal | undefined;
  const written = gate.write(OF, UNSTOPPED, async (_backend, cancellation) => {
    stop = cancellation.stop;
    await ended.promise;
  });
  await vi.waitUntil(() => stop !== undefined);
  expect(stop?.aborted).toBe(false);
  say(HELD);
  expect(stop?.aborted).toBe(true);
  expect(stop?.reason).toMatchObject({ code: 'held' });
  expect(watch.quiet).not.toHaveBeenCalled();
  ended.resolve();
  await written;
  expect(watch.quiet).toHaveBeenCalledWith(HELD);
});

test('without a hold a write goes on, and a later one too', async () => {
  const { watch, say } = wordOf(HELD);
  const gate = createWriteGate('zvm1', BACKEND, watch);
  say(controlAfter(HELD, { name: 'release', input: undefined, at: 1 }));
  expect(await gate.write(OF, UNSTOPPED, async () => 'written')).toBe('written');
  expect(watch.quiet).not.toHaveBeenCalled();
});
