import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { createGuestActivities } from '../../activities/guest-activities.ts';
import type { HostRuntime } from '../../activities/host-runtime.ts';
import { createTemporalOperations } from '../../activities/temporal-operations.ts';
import { createWriteGate } from '../../activities/write-gate.ts';
import type { ZvmBackend } from '../../backend/backend.ts';
import { BackendError } from '../../backend/backend-error.ts';
import { embeddedHosts } from '../../demo/embedded-hosts.ts';
import type { Batch } from '../../domain/operations/batch.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import { backendOf, rulesOf } from '../../runtime/host/host-backend.ts';
import { FREE } from './free-control.ts';

const never = new AbortController().signal;
const DESIRED = { ports: [], removed: [], keepAuthorised: [], leaving: [] };

const close: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of close.splice(0)) await each();
});

/** The activities on guests of a host, with a server that says nothing, and the marks by which it was called. */
function open(readHost: ZvmBackend['readHost'] = refused) {
  const [configuration] = embeddedHosts('http://127.0.0.1:1', 1);
  if (configuration === undefined) throw new Error('no embedded host');
  const whole = backendOf(configuration, pino({ level: 'silent' }));
  close.push(() => whole.close());
  const marks: (boolean | undefined)[] = [];
  const backend: ZvmBackend = {
    ...whole,
    async readHost(request) {
      marks.push(request.single);
      return readHost(request);
    },
    async applySteps(_steps, _cancellation, { single }) {
      marks.push(single);
      return { reports: [] };
    },
  };
  const runtime: HostRuntime = {
    rules: rulesOf(configuration),
    backend,
    gate: createWriteGate('zvm1', backend, FREE),
    policy: () => undefined,
    memberHosts: async () => [],
    qosPolicies: new Map(),
  };
  const guests = createGuestActivities(runtime, createTemporalOperations('zvm1'));
  const target = (guest: number, batch?: Batch) => ({
    host: 'zvm1',
    userid: Userid.parse(`LNX1000${guest}`),
    requestId: `${guest}`,
    desired: DESIRED,
    ...(batch && { batch }),
  });
  return {
    marks,
    read: (guest: number, batch?: Batch) => guests.planTowards(target(guest, batch), never),
    apply: (guest: number, batch?: Batch) =>
      guests.applySteps(
        { ...target(guest, batch), steps: [], followUps: [], readAt: Date.now() },
        backend,
        { stop: never, leave: never },
        async () => undefined,
      ),
  };
}

async function refused(): Promise<never> {
  throw new BackendError({ code: 'refused', operation: 'read', message: 'read: nothing is said' });
}

test.each<[string, boolean, Batch | undefined]>([
  ['of no window are single', true, undefined],
  ['that are their window alone are single', true, { window: 'run/0', size: 1 }],
  ['of a window are not', false, { window: 'run/0', size: 2 }],
])('readings and steps of guests %s', async (_what, single, batch) => {
  const { marks, read, apply } = open();
  await expect(read(1, batch)).rejects.toThrow('nothing is said');
  expect(marks.splice(0)).toEqual([single]);
  await apply(1, batch);
  // The steps, and the reading after them.
  expect(marks).toEqual([single, single]);
});

test('single guests read together, and wait for no reading of a window that is under way', async () => {
  const gate = Promise.withResolvers<void>();
  const { marks, read } = open(async () => {
    await gate.promise;
    return refused();
  });
  const reads = [read(1, { window: 'run/0', size: 2 }), read(2), read(3)];
  const ended = Promise.allSettled(reads);
  await expect.poll(() => marks).toEqual([false, true]);
  reads.push(read(4));
  gate.resolve();
  await ended;
  await Promise.allSettled(reads);
  expect(marks).toEqual([false, true, true]);
});
