import { expect, onTestFinished, test } from 'vitest';
import { examplePortRequests } from '../../demo/example-ports.ts';
import { startStack } from '../../demo/stack.ts';
import { compare, httpCalls, wire } from '../../demo/wire.ts';
import { type Answer, watchAnswers } from '../../temporal-config/dev-server/answer-watch.ts';

/** The seconds of each hang that a watch sees in these answers, asked one after the other until there are no more. */
async function hangsIn(answers: readonly Answer[], misses: number): Promise<number[]> {
  const ended = new AbortController();
  const left = [...answers];
  const hangs: number[] = [];
  const ask = async () => {
    const answer = left.shift();
    if (answer === undefined) ended.abort();
    return answer ?? 'good';
  };
  const patience = { everyMs: 1, answerMs: 5, misses };
  await watchAnswers(ask, patience, async (seconds) => void hangs.push(seconds), ended.signal);
  return hangs;
}

test('a server that misses answers, but never so many in a row, does not hang', async () => {
  expect(await hangsIn(['none', 'none', 'good', 'none', 'none', 'good'], 3)).toEqual([]);
});

test('a server that misses so many answers in a row hangs, once, and each miss takes its time', async () => {
  const hangs = await hangsIn(['none', 'none', 'none', 'good'], 3);
  expect(hangs).toHaveLength(1);
  expect(hangs[0]).toBeGreaterThan(0.015);
});

test('a server whose process is gone is restarted at once', async () => {
  expect(await hangsIn(['good', 'gone', 'good'], 3)).toHaveLength(1);
});

test('a watch that had no CPU itself does not take its own silence for that of the server', async () => {
  const ended = new AbortController();
  let asked = 0;
  const ask = async (answerMs: number): Promise<Answer> => {
    asked += 1;
    if (asked === 4) ended.abort();
    // The loop does not turn meanwhile.
    for (const until = performance.now() + 3 * answerMs; performance.now() < until; );
    return 'none';
  };
  const hangs: number[] = [];
  const patience = { everyMs: 1, answerMs: 5, misses: 2 };
  await watchAnswers(ask, patience, async (seconds) => void hangs.push(seconds), ended.signal);
  expect(hangs).toEqual([]);
});

test('a server that hangs under operations is killed and restarted on its file, and they end well', async () => {
  const said: string[] = [];
  const stack = await startStack({
    hosts: 1,
    guestsPerHost: 10,
    latencyMs: 200,
    patience: { everyMs: 200, answerMs: 3_000, misses: 2 },
    say: (line) => said.push(line),
  });
  onTestFinished(() => stack.stop());
  const pid = stack.temporalPid?.() ?? 0;
  expect(pid).toBeGreaterThan(1);
  const requests = examplePortRequests(20, stack.hosts, 10);
  const before = await httpCalls(stack.simulator.url);
  const wiring = wire(stack.client, requests, () => undefined);
  await expect.poll(() => httpCalls(stack.simulator.url), { interval: 50 }).toBeGreaterThan(before);
  // A stopped process has its port, and answers nothing: a hang.
  process.kill(pid, 'SIGSTOP');
  const guests = await wiring;
  expect(guests.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  expect(await compare(stack.simulator.url, requests, stack.hosts)).toEqual([]);
  expect(said.join('\n')).toMatch(
    /^Temporal: no answer from the server for \d+ s: it was started again on its database file, which took [\d.]+ s$/m,
  );
  expect(stack.temporalPid?.()).not.toBe(pid);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
