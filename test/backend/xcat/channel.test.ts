import { spawnSync } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ChannelOptions,
  type Command,
  createCommandChannel,
  type RunOptions,
} from '../../../backend/xcat/zhcp/channel.ts';
import { quote } from '../../../backend/xcat/zhcp/shell-quoting.ts';
import { fakeXcat, runDsh } from './fake-xcat.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const sh = (script: string): Command => ({ argv: ['sh', '-c', script] });
const done = (output: string) => ({ ran: true, exitStatus: 0, output });

/** A channel whose calls are under way until they are let go, by their number; `bodies` are the scripts so far. */
async function heldChannel(options: ChannelOptions = {}) {
  const gates: PromiseWithResolvers<void>[] = [];
  const gate = (index: number) => (gates[index] ??= Promise.withResolvers<void>());
  const xcat = await fakeXcat(async ({ body }, index) => {
    await gate(index).promise;
    return runDsh(body, 'zhcp1');
  });
  closers.push(xcat.close);
  const channel = createCommandChannel(xcat.transport, 'zhcp1', options);
  return {
    run: (word: string, more: RunOptions = {}) => channel.run([sh(`echo ${word}`)], more),
    channel,
    calls: (count: number) => expect.poll(() => xcat.seen.length).toBe(count),
    letGo(...indices: number[]) {
      for (const index of indices) gate(index).resolve();
    },
    bodies: () => xcat.seen.map(({ body }) => body),
  };
}

/** The same with three calls for all chains, each of which carries a bulk operation's. */
async function fullChannel() {
  const held = await heldChannel({ parallel: 4 });
  const bulk = [held.run('one')];
  await held.calls(1);
  bulk.push(held.run('two'));
  await held.calls(2);
  bulk.push(held.run('three'));
  await held.calls(3);
  return { ...held, bulk };
}

const readings = (count: number) => Array.from({ length: count }, (_, index) => [sh(`echo ${index}`)]);
const changes = (count: number): Command[][] =>
  Array.from({ length: count }, () => [{ argv: ['echo', 'Image_Definition_Update_DM'] }]);

/** Chains that a script runs side by side. */
const lanesOf = (body: string) => body.match(/folder\/\d+\\" 2>&1 &/g)?.length ?? 1;

describe('the command channel', () => {
  it('runs a chain in order and stops after the first command that fails', async () => {
    const xcat = await fakeXcat(({ body }) => runDsh(body, 'zhcp1'));
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    const outcomes = await channel.run([sh('echo "it\'s $HOME"; echo'), sh('printf err >&2; exit 7'), sh('echo no')]);
    expect(outcomes).toEqual([
      done(`it's ${process.env.HOME}\n\n`),
      { ran: true, exitStatus: 7, output: 'err' },
      { ran: false },
    ]);
  });

  it('carries chains that come during a call with one next call, each with its own outcome', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const xcat = await fakeXcat(async ({ body }) => {
      await gate;
      return runDsh(body, 'zhcp1');
    });
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1', { parallel: 3 });
    const first = channel.run([sh('echo first')]);
    await expect.poll(() => xcat.seen.length).toBe(1);
    const runs = Array.from({ length: 20 }, (_, index) =>
      channel.run([sh(`echo ${index}; exit ${index % 2}`), sh('echo then')]),
    );
    open();
    expect(await first).toEqual([done('first\n')]);
    for (const [index, outcomes] of (await Promise.all(runs)).entries()) {
      expect(outcomes[0]).toEqual({ ran: true, exitStatus: index % 2, output: `${index}\n` });
      expect(outcomes[1]?.ran).toBe(index % 2 === 0);
    }
    expect(xcat.seen).toHaveLength(2);
  });

  it('puts no more changes of the directory into a call than DirMaint carries out in its time, and readings beside them', async () => {
    const sizes: number[] = [];
    const xcat = await fakeXcat(async ({ body }) => {
      sizes.push(JSON.stringify(body).split('Image_Definition_Update_DM').length - 1);
      return runDsh(body, 'zhcp1');
    });
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    const read: Command = { argv: ['echo', 'Image_Query_DM'] };
    await channel.run(changes(250).map((change) => [...change, read]));
    await channel.run(Array.from({ length: 250 }, () => [read]));
    expect(sizes.filter((size) => size > 0).toSorted()).toEqual([25, 75, 75, 75]);
    expect(sizes).toContain(0);
  });

  it('takes several chains of one caller in one call', async () => {
    const xcat = await fakeXcat(({ body }) => runDsh(body, 'zhcp1'));
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    expect(await channel.run([[sh('echo a')], [], [sh('echo b'), sh('echo c')]])).toEqual([
      done('a\n'),
      done('b\n'),
      done('c\n'),
    ]);
    expect(xcat.seen).toHaveLength(1);
  });

  it('sends no script beyond 100 KiB, and refuses a chain beyond it', async () => {
    const xcat = await fakeXcat(({ body }) => runDsh(body, 'zhcp1'));
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    const chains = Array.from({ length: 8 }, (_, index) => [sh(`: ${'x'.repeat(30_000)}; echo ${index}`)]);
    const outcomes = await channel.run(chains);
    expect(outcomes).toEqual(chains.map((_, index) => done(`${index}\n`)));
    expect(xcat.seen.length).toBeGreaterThan(2);
    for (const { body } of xcat.seen) expect(body.length).toBeLessThan(110_000);
    await expect(channel.run([sh('x'.repeat(110_000))])).rejects.toMatchObject({ code: 'refused' });
  });

  it('sends nothing more that waits when its caller stops, and ends the call that is under way', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const xcat = await fakeXcat(async ({ body }) => {
      await gate;
      return runDsh(body, 'zhcp1');
    });
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    const stopping = new AbortController();
    const { signal: stop } = stopping;
    const sent = [channel.run([sh('echo sent')], { stop })];
    await expect.poll(() => xcat.seen.length).toBe(1);
    sent.push(channel.run([sh('echo sent too')], { stop }));
    await expect.poll(() => xcat.seen.length).toBe(2);
    const waiting = channel.run([sh('echo waiting')], { stop });
    stopping.abort(new Error('held'));
    await expect(waiting).rejects.toThrow('held');
    open();
    expect((await Promise.all(sent)).flat()).toEqual([done('sent\n'), done('sent too\n')]);
    expect(xcat.seen).toHaveLength(2);
  });

  it('rejects a caller who aborts alone, and does not send what it had queued', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const xcat = await fakeXcat(async ({ body }) => {
      await gate;
      return runDsh(body, 'zhcp1');
    });
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    const controller = new AbortController();
    const first = channel.run([sh('echo first')]);
    const aborted = channel.run([sh('echo aborted')], { signal: controller.signal });
    const other = channel.run([sh('echo other')]);
    controller.abort(new Error('gone'));
    await expect(aborted).rejects.toThrow('gone');
    open();
    expect(await Promise.all([first, other])).toEqual([[done('first\n')], [done('other\n')]]);
    expect(xcat.seen.map((call) => call.body).join()).not.toContain('aborted');
  });

  it("sends a single operation's chains while bulk operations have all other calls, and those of the same moment together", async () => {
    const { run, calls, letGo, bodies, bulk } = await fullChannel();
    bulk.push(run('four'));
    const singles = [run('first', { single: true }), run('second', { single: true })];
    await calls(4);
    expect(bodies()[3]).toMatch(/first.*second/);
    expect(bodies()[3]).not.toContain('four');
    letGo(3);
    expect(await Promise.all(singles)).toEqual([[done('first\n')], [done('second\n')]]);
    letGo(0, 1, 2, 4);
    expect((await Promise.all(bulk)).flat()).toEqual(['one\n', 'two\n', 'three\n', 'four\n'].map(done));
  });

  it('sends no chain of a bulk operation by the way of single operations, however long that is free', async () => {
    const { run, calls, letGo, bodies, bulk } = await fullChannel();
    bulk.push(run('four'));
    for (const index of [3, 4]) {
      const single = run(`single${index}`, { single: true });
      await calls(index + 1);
      letGo(index);
      await single;
    }
    expect(bodies().slice(3).join()).not.toContain('four');
    letGo(0, 5);
    expect(await Promise.all([bulk[0], bulk[3]])).toEqual([[done('one\n')], [done('four\n')]]);
    letGo(1, 2);
    await Promise.all(bulk);
    expect(bodies()[5]).toContain('four');
  });

  it('lets single operations go first into a call that becomes free, but not twice before a bulk operation', async () => {
    const { run, calls, letGo, bodies, bulk: all } = await fullChannel();
    all.push(run('own', { single: true }));
    await calls(4);
    all.push(run('four'), run('first', { single: true }));
    letGo(0);
    await calls(5);
    expect(bodies()[4]).toContain('first');
    all.push(run('second', { single: true }));
    letGo(4);
    await calls(6);
    expect(bodies()[5]).toContain('four');
    letGo(1, 2, 3, 5, 6);
    await Promise.all(all);
    expect(bodies()[6]).toContain('second');
  });

  it('leaves a free call to a bulk operation that comes with a single one, which has its own', async () => {
    const { run, calls, letGo, bodies } = await heldChannel();
    const all = [run('one')];
    await calls(1);
    all.push(run('two'));
    await calls(2);
    all.push(run('single', { single: true }), run('three'));
    await calls(4);
    const words = bodies()
      .slice(2)
      .map((body) => body.match(/single|three/g));
    expect(words.toSorted()).toEqual([['single'], ['three']]);
    letGo(0, 1, 2, 3);
    await Promise.all(all);
  });

  it('runs no more chains side by side than SMAPI takes at once, in whatever order readings and changes begin and end', async () => {
    const flight = fc.record({ changes: fc.boolean(), single: fc.boolean(), turns: fc.nat({ max: 4 }) });
    const arbitrary = fc.record({
      parallel: fc.integer({ min: 3, max: 12 }),
      asked: fc.array(flight, { minLength: 4, maxLength: 10 }),
      durations: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ parallel, asked, durations }) => {
        const inUse: number[] = [];
        let most = 0;
        const xcat = await fakeXcat(async ({ body }, index) => {
          inUse[index] = lanesOf(body);
          most = Math.max(
            most,
            inUse.reduce((sum, each) => sum + each, 0),
          );
          for (let turns = durations[index % durations.length] ?? 0; turns > 0; turns -= 1) await nextTurn();
          inUse[index] = 0;
          return runDsh(body, 'zhcp1');
        });
        closers.push(xcat.close);
        const channel = createCommandChannel(xcat.transport, 'zhcp1', { parallel });
        const runs: Promise<unknown>[] = [];
        for (const { changes: isChange, single, turns } of asked) {
          runs.push(channel.run(isChange ? changes(parallel) : readings(parallel), { single }));
          for (let turn = 0; turn < turns; turn += 1) await nextTurn();
        }
        await Promise.all(runs);
        expect(most).toBeLessThanOrEqual(parallel);
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    [3, [1, 1, 1]],
    [4, [1, 1, 1, 1]],
    [7, [2, 2, 1, 1, 1]],
    [10, [3, 2, 2, 2, 1]],
    [20, [5, 5, 4, 4, 2]],
  ])(
    'of %i places a reading, up to three calls that change the directory, and a single operation have %j',
    async (parallel, places) => {
      const { channel, calls, letGo, bodies } = await heldChannel({ parallel });
      const all = [channel.run(readings(20))];
      await calls(1);
      for (let call = 2; call < places.length; call += 1) {
        all.push(channel.run(changes(20)));
        await calls(call);
      }
      all.push(channel.run(readings(20), { single: true }));
      await calls(places.length);
      expect(bodies().map(lanesOf)).toEqual(places);
      letGo(0, 1, 2, 3, 4);
      for (const outcomes of await Promise.all(all)) expect(outcomes).toHaveLength(20);
    },
  );

  it('shares chains of the same moment out to the calls that are free, by their places, and few of them to none', async () => {
    const { channel, calls, letGo, bodies } = await heldChannel();
    const few = channel.run(readings(24));
    await calls(1);
    const many = channel.run(readings(90));
    await calls(4);
    const carried = bodies().map((body) => body.match(/echo \d+/g)?.length);
    expect(carried).toEqual([24, 30, 30, 30]);
    letGo(0, 1, 2, 3);
    expect((await Promise.all([few, many])).map(({ length }) => length)).toEqual([24, 90]);
  });

  it('carries what nobody waits for by one call, with what has come at the same moment', async () => {
    const { channel, calls, letGo, bodies } = await heldChannel();
    const all = [channel.run(readings(60), { patient: true }), channel.run(readings(60))];
    await calls(1);
    expect(bodies()[0]?.match(/echo \d+/g)).toHaveLength(120);
    letGo(0);
    await Promise.all(all);
  });

  it('carries few live NICs in a call, so that its places are soon free again', async () => {
    const { channel, calls, letGo, bodies } = await heldChannel();
    const couple: Command = { argv: ['/bin/smcli', 'Virtual_Network_Adapter_Connect_Vswitch'] };
    const all = channel.run(Array.from({ length: 200 }, () => [couple]));
    await calls(4);
    const carried = bodies().map((body) => body.split('Connect_Vswitch').length - 1);
    expect(carried).toEqual([60, 40, 40, 40]);
    letGo(0, 1, 2, 3, 4);
    expect(await all).toHaveLength(200);
  });

  it('sends changes of the directory and readings by calls of their own, one beside the other', async () => {
    const { channel, calls, letGo, bodies, bulk } = await fullChannel();
    bulk.push(channel.run([...changes(5), ...readings(5)]), channel.run(readings(2)), channel.run(changes(2)));
    const changing = () => bodies().map((body) => body.split('Image_Definition_Update_DM').length - 1);
    const reading = () => bodies().map((body) => body.match(/echo \d/g)?.length ?? 0);
    letGo(0);
    await calls(4);
    letGo(1);
    await calls(5);
    expect(changing().slice(3)).toEqual([0, 7]);
    expect(reading().slice(3)).toEqual([7, 0]);
    letGo(2, 3, 4);
    await Promise.all(bulk);
  });

  it('asks the questions at the end of a call once for all who ask the same, when all its chains have ended', async () => {
    const { channel, calls, letGo, bodies, bulk } = await fullChannel();
    const ask = (word: string, question: string) =>
      channel.runThenAsk([sh(`printf ${word}`)], [sh(`printf ${question}`)]);
    const asked = [ask('three', 'lan'), ask('four', 'lan'), ask('five', 'wan')];
    await nextTurn();
    letGo(0, 1, 2, 3);
    await calls(4);
    const [three, four, five] = await Promise.all(asked);
    expect(three).toEqual({ outcomes: [done('three')], answers: [done('lan')] });
    expect(four?.answers).toBe(three?.answers);
    expect(five).toEqual({ outcomes: [done('five')], answers: [done('wan')] });
    const body = bodies()[3] ?? '';
    expect(body.split('printf lan')).toHaveLength(2);
    expect(body.indexOf('printf lan')).toBeGreaterThan(body.indexOf('wait'));
    await Promise.all(bulk);
  });

  it('goes on after a question that fails, and not after another command', async () => {
    const { channel, letGo } = await heldChannel();
    letGo(0);
    const [first, second, third] = await channel.run([
      { ...sh('printf asked; exit 3'), isQuestion: true },
      sh('exit 4'),
      sh('echo never'),
    ]);
    expect(first).toEqual({ ran: true, exitStatus: 3, output: 'asked' });
    expect(second).toMatchObject({ ran: true, exitStatus: 4 });
    expect(third).toEqual({ ran: false });
  });

  it('does not know the answers when the end of the output is missing, and still the outcomes', async () => {
    const xcat = await fakeXcat(({ body }) => {
      const reply = runDsh(body, 'zhcp1');
      return { ...reply, body: reply.body.replace(/@\w+ 1\.0 0/, '') };
    });
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    const asked = channel.runThenAsk([sh('printf one')], [sh('printf lan')]);
    expect(await asked).toEqual({ outcomes: [done('one')], answers: undefined });
  });

  it('does not send what a single operation waits with when it stops or aborts', async () => {
    const { run, calls, letGo, bodies, bulk: under } = await fullChannel();
    under.push(run('own', { single: true }));
    await calls(4);
    const [stopping, aborting] = [new AbortController(), new AbortController()];
    const stopped = run('stopped', { single: true, stop: stopping.signal });
    const aborted = run('aborted', { single: true, signal: aborting.signal });
    stopping.abort(new Error('held'));
    aborting.abort(new Error('gone'));
    await expect(stopped).rejects.toThrow('held');
    await expect(aborted).rejects.toThrow('gone');
    letGo(0, 1, 2, 3);
    await Promise.all(under);
    expect(bodies()).toHaveLength(4);
  });

  it('says retryably that it does not know what became of a chain whose markers are missing', async () => {
    const unreachable = { error: ['zhcp1: ssh: No route to host'], errorcode: ['1'] };
    const bodies = [{ data: [unreachable] }, { data: [{ data: ['zhcp1: Done'] }] }];
    const xcat = await fakeXcat((_, index) => ({ body: JSON.stringify(bodies[index]) }));
    closers.push(xcat.close);
    const channel = createCommandChannel(xcat.transport, 'zhcp1');
    await expect(channel.run([sh('a')])).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    await expect(channel.run([sh('a')])).rejects.toMatchObject({ code: 'bad-answer', retryable: true });
  });

  it('quotes any argument so that a shell gives it back', () => {
    expect(() => quote('a\0b')).toThrow('NUL');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
        (text) => {
          const { stdout } = spawnSync('sh', ['-c', `printf %s ${quote(text)}`]);
          return stdout.equals(Buffer.from(text));
        },
      ),
      { numRuns: 50 },
    );
  });
});
