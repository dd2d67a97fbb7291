import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWindows, type Stage } from '../../activities/windows.ts';
import { windowSizes } from '../../workflows/guest-windows.ts';

const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Members of one window, and the log of the stages that they were let into. */
function windowOf(size: number) {
  const windows = createWindows();
  const log: string[] = [];
  return {
    log,
    /** A request is sent to the guest, which is on its way as long as this answers true. */
    expect: (id: string, isComing: () => boolean) =>
      windows.expect({ window: 'run/0', size }, id, async () => isComing()),
    come: (id: string) => {
      const member = windows.member({ window: 'run/0', size }, id);
      return {
        arrive: (stage: Stage, signal: AbortSignal = never) =>
          member.arrive(stage, signal).then(() => {
            log.push(`${id} ${stage}`);
          }),
        end: member.end,
      };
    },
  };
}

test('members that come minutes after each other read together, as long as all come', async () => {
  const { come, log } = windowOf(3);
  const [one, two, three] = [come('one'), come('two'), come('three')];
  void one.arrive('plan');
  await vi.advanceTimersByTimeAsync(2_000);
  void two.arrive('plan');
  await vi.advanceTimersByTimeAsync(7_000);
  expect(log).toEqual([]);
  await three.arrive('plan');
  expect(log).toEqual(['one plan', 'two plan', 'three plan']);
});

test('a stage waits for the members before it, and not for one that has nothing to do', async () => {
  const { come, log } = windowOf(3);
  const [one, two, three] = [come('one'), come('two'), come('three')];
  await Promise.all([one.arrive('plan'), two.arrive('plan'), three.arrive('plan')]);
  three.end();
  void one.arrive('apply');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(log).not.toContain('one apply');
  await two.arrive('apply');
  expect(log.slice(3)).toEqual(['one apply', 'two apply']);
});

test('a member that leaves out a stage holds up nobody there', async () => {
  const { come, log } = windowOf(2);
  const [one, two] = [come('one'), come('two')];
  await Promise.all([one.arrive('apply'), two.arrive('apply')]);
  void one.arrive('configure');
  void two.arrive('forget');
  await vi.advanceTimersByTimeAsync(0);
  expect(log.slice(2)).toEqual(['one configure']);
  await one.arrive('forget');
  expect(log.slice(3)).toEqual(['two forget', 'one forget']);
});

test('members that never come are waited for as long as the pace of the others says', async () => {
  const { come, log } = windowOf(4);
  void come('one').arrive('plan');
  await vi.advanceTimersByTimeAsync(2_500);
  void come('two').arrive('plan');
  await vi.advanceTimersByTimeAsync(9_900);
  expect(log).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(log).toEqual(['one plan', 'two plan']);
});

test('a member on its way is waited for, however long a starved machine takes', async () => {
  const { come, expect: sentTo, log } = windowOf(3);
  for (const id of ['one', 'two', 'three']) sentTo(id, () => true);
  void come('one').arrive('plan');
  await vi.advanceTimersByTimeAsync(50);
  void come('two').arrive('plan');
  await vi.advanceTimersByTimeAsync(40_000);
  expect(log).toEqual([]);
  await come('three').arrive('plan');
  expect(log).toEqual(['one plan', 'two plan', 'three plan']);
});

test('a member that is no more on its way holds up nobody', async () => {
  const { come, expect: sentTo, log } = windowOf(3);
  let isComing = true;
  sentTo('three', () => isComing);
  void come('one').arrive('plan');
  void come('two').arrive('plan');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(log).toEqual([]);
  isComing = false;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(log).toEqual(['one plan', 'two plan']);
});

test('a member whose task no worker takes holds up the others for a minute', async () => {
  const { come, expect: sentTo, log } = windowOf(2);
  sentTo('two', () => true);
  void come('one').arrive('plan');
  await vi.advanceTimersByTimeAsync(59_000);
  expect(log).toEqual([]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(log).toEqual(['one plan']);
});

test('members that come late go together, and the others do not wait for them', async () => {
  const { come, log } = windowOf(3);
  const one = come('one');
  void one.arrive('plan');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(log).toEqual(['one plan']);
  void come('two').arrive('plan');
  await one.arrive('apply');
  await come('three').arrive('plan');
  expect(log).toEqual(['one plan', 'one apply', 'two plan', 'three plan']);
});

test('a member whose call hangs holds up the others for seconds', async () => {
  const { come, log } = windowOf(3);
  const one = come('one');
  await Promise.all([one.arrive('plan'), come('two').arrive('plan'), come('three').arrive('plan')]);
  void one.arrive('apply');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(log).toContain('one apply');
});

test('a cancelled member stops to wait, and the others do not wait for it', async () => {
  const { come, log } = windowOf(2);
  const [one, two] = [come('one'), come('two')];
  await Promise.all([one.arrive('plan'), two.arrive('plan')]);
  const cancelled = new AbortController();
  const waiting = one.arrive('apply', cancelled.signal);
  cancelled.abort(new Error('cancelled'));
  await expect(waiting).rejects.toThrow('cancelled');
  one.end();
  await two.arrive('apply');
  expect(log.slice(2)).toEqual(['two apply']);
});

test('an attempt that Temporal has given up takes the place of the next one from nobody', async () => {
  const { come, log } = windowOf(2);
  const [one, again, two] = [come('one'), come('one'), come('two')];
  const cancelled = new AbortController();
  const lost = one.arrive('plan', cancelled.signal);
  void again.arrive('plan');
  cancelled.abort(new Error('timed out'));
  await expect(lost).rejects.toThrow('timed out');
  one.end();
  await two.arrive('plan');
  expect(log).toEqual(['one plan', 'two plan']);
});

test('members that Temporal has given up come together again', async () => {
  const { come, expect: sentTo, log } = windowOf(3);
  for (const id of ['one', 'two', 'three']) sentTo(id, () => true);
  const [one, two, three] = [come('one'), come('two'), come('three')];
  await Promise.all([one.arrive('plan'), two.arrive('plan'), three.arrive('plan')]);
  three.end();
  for (const member of [one, two]) member.end(true);
  void come('one').arrive('plan');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(log.slice(3)).toEqual([]);
  await come('two').arrive('plan');
  expect(log.slice(3)).toEqual(['one plan', 'two plan']);
});

test('one that is given up while the others gather is waited for like the others', async () => {
  const { come, expect: sentTo, log } = windowOf(3);
  for (const id of ['one', 'two', 'three']) sentTo(id, () => true);
  const one = come('one');
  void one.arrive('plan');
  void come('two').arrive('plan');
  one.end(true);
  void come('three').arrive('plan');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(log).toEqual([]);
  await come('one').arrive('plan');
  expect(log).toEqual(['two plan', 'three plan', 'one plan']);
});

test('a request of no window waits for nobody', async () => {
  await createWindows().member(undefined, 'alone').arrive('plan', never);
});

/** Windows of two guests whose requests are sent in turn, and the log of the sending. */
function sending() {
  const windows = createWindows();
  const sent: string[] = [];
  const batch = (window: string) => ({ window, size: 2 });
  return {
    sent,
    windows,
    begin: (window: string, signal: AbortSignal = never, work = async () => undefined) =>
      windows.begin(batch(window), signal, async () => {
        sent.push(window);
        await work();
      }),
    /** One guest of a window comes; answers its end. */
    come: (window: string, id: string) => {
      const member = windows.member(batch(window), id);
      void member.arrive('plan', never);
      return member.end;
    },
    after: (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds),
  };
}

test('the requests of a window are sent when the guests of the one before have come', async () => {
  const { begin, come, after, sent } = sending();
  void begin('first');
  void begin('second');
  await after(4_000);
  come('first', 'one');
  await after(2_000);
  expect(sent).toEqual(['first']);
  come('first', 'two');
  await after(0);
  expect(sent).toEqual(['first', 'second']);
});

test('a window that has come in part is no longer waited for when the others go on without the rest', async () => {
  const { begin, come, after, sent } = sending();
  void begin('first');
  void begin('second');
  come('first', 'one');
  await after(2_900);
  expect(sent).toEqual(['first']);
  await after(200);
  expect(sent).toEqual(['first', 'second']);
});

test('a window that never comes holds up the next for ten seconds, and all before it hold it up for thirty', async () => {
  const { begin, after, sent } = sending();
  for (const window of ['first', 'second', 'third', 'fourth', 'fifth']) void begin(window);
  await after(9_900);
  expect(sent).toEqual(['first']);
  await after(200);
  expect(sent).toEqual(['first', 'second']);
  await after(19_700);
  expect(sent).toEqual(['first', 'second', 'third']);
  await after(300);
  expect(sent).toEqual(['first', 'second', 'third', 'fourth', 'fifth']);
});

test('a window whose sending fails frees its turn', async () => {
  const { begin, after, sent } = sending();
  const fails = begin('first', never, () => Promise.reject(new Error('unavailable')));
  void begin('second');
  await expect(fails).rejects.toThrow('unavailable');
  await after(0);
  expect(sent).toEqual(['first', 'second']);
});

test('a window that is cancelled while it waits is not sent, and lets the next go in its place and no earlier', async () => {
  const { begin, come, after, sent } = sending();
  const cancelled = new AbortController();
  void begin('first');
  const waits = begin('second', cancelled.signal);
  void begin('third');
  cancelled.abort(new Error('cancelled'));
  await expect(waits).rejects.toThrow('cancelled');
  await after(5_000);
  expect(sent).toEqual(['first']);
  for (const id of ['one', 'two']) come('first', id);
  await after(0);
  expect(sent).toEqual(['first', 'third']);
});

test('windows whose guests have come and ended leave no timer', async () => {
  const { begin, come, after } = sending();
  const begun = ['first', 'second'].map((window) => begin(window));
  for (const window of ['first', 'second']) {
    const ends = ['one', 'two'].map((id) => come(window, id));
    await after(0);
    for (const end of ends) end();
  }
  await Promise.all(begun);
  expect(vi.getTimerCount()).toBe(0);
});

test('the request to a single guest, and one of no window, is sent while a window gathers', async () => {
  const { begin, after, sent, windows } = sending();
  void begin('first');
  void begin('second');
  await after(0);
  const alone = async () => void sent.push('alone');
  await windows.begin(undefined, never, alone);
  await windows.begin({ window: 'run/9', size: 1 }, never, alone);
  expect(sent).toEqual(['first', 'alone', 'alone']);
});

test('the windows of a large storm do not end together, and each guest is in one', () => {
  expect(windowSizes(1)).toEqual([100]);
  expect(windowSizes(400)).toEqual([100, 100, 100, 100]);
  const sizes = windowSizes(1_000);
  expect(sizes.slice(0, 5)).toEqual([20, 40, 60, 80, 100]);
  expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThanOrEqual(1_000);
  expect(sizes).toHaveLength(12);
});
