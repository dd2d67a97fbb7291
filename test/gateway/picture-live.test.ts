import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type TestContext, test } from 'vitest';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve } from './environment.ts';
import { setUpLargeHost, useridOf } from './picture-scene.ts';

const GUESTS = 1_000;
/** z/VM is read so often while a page is open. */
const READ_MS = 15_000;

/** A gateway before a large host that was not read yet. */
async function serveLargeHost({ onTestFinished }: TestContext): Promise<Served> {
  const served = await serve({ guests: GUESTS });
  onTestFinished(() => served.close());
  setUpLargeHost(served.environment.simulator, GUESTS);
  return served;
}

test.concurrent('a change of one guest is told as that, not as the whole host again', async (context) => {
  const served = await serveLargeHost(context);
  const told: Told[] = [];
  for await (const each of events(served)) {
    if (each.event !== 'state' && each.event !== 'changes') continue;
    told.push(each);
    // A reading may come between the steps of the change: that is told too.
    if (told.length > 1 && networkOf(each) === 150) break;
    if (told.length > 1) continue;
    const path = `/v1/hosts/${served.host}/guests/${useridOf(2)}/ports/${portId(20)}`;
    expect((await served.call('PATCH', path, { network: vlan(150) })).status).toBe(202);
  }
  const [state, ...changes] = told;
  expect(state?.event).toBe('state');
  for (const change of changes) {
    expect(change.event).toBe('changes');
    expect(change.data.length).toBeLessThan((state?.data.length ?? 0) / 100);
  }
});

test.concurrent('three who look cost z/VM the same as one, and nothing once they have gone', async (context) => {
  const served = await serveLargeHost(context);
  const began = Date.now();
  const gone = new AbortController();
  const heard = [1, 2, 3].map(async () => {
    const told: string[] = [];
    const both = Promise.withResolvers<void>();
    const end = (async () => {
      for await (const { event } of events(served, gone.signal)) {
        told.push(event);
        if (told.includes('state') && told.includes('alive')) both.resolve();
      }
    })();
    await Promise.race([both.promise, end]);
    return { told, end };
  });
  const pages = await Promise.all(heard);
  await sleep(1.2 * READ_MS);
  const looked = await readings(served);
  // One at once, and one after each quarter of a minute: each on its own would have made three times as many.
  expect(looked).toBeGreaterThan(0);
  expect(looked).toBeLessThanOrEqual(2 + Math.floor((Date.now() - began) / READ_MS));
  gone.abort();
  for (const { told, end } of pages) {
    await end;
    expect(told.filter((event) => event === 'state')).toHaveLength(1);
  }
  await expectNoReading(served, context);
}, 300_000);

/** The VLAN of the first port of the first guest that is told to have changed. */
function networkOf({ data }: Told): number | undefined {
  return JSON.parse(data).guests.now[0]?.ports[0]?.network.segmentationId;
}

async function readings(served: Served): Promise<number> {
  const query = `WorkflowType = "showHost" AND ZvmHost = "${served.host}"`;
  return (await served.environment.client.workflow.count(query)).count;
}

/** There is no reading for longer than one takes to come while a page is open. */
async function expectNoReading(served: Served, { expect }: TestContext): Promise<void> {
  const madeMeanwhile = async () => {
    const before = await readings(served);
    await sleep(1.2 * READ_MS);
    return (await readings(served)) - before;
  };
  await expect.poll(madeMeanwhile).toBe(0);
}

type Told = { event: string; data: string };

/** The events that a viewer of the host gets, until the signal. */
async function* events({ gateway, host }: Served, signal?: AbortSignal): AsyncGenerator<Told> {
  const ended = new AbortController();
  const both = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]);
  const answer = await fetch(`${gateway.url}/v1/hosts/${host}/events`, { signal: both });
  expect(answer.headers.get('x-accel-buffering')).toBe('no');
  let rest = '';
  try {
    for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/m.exec(block) ?? [];
        yield { event, data };
      }
    }
  } catch (error) {
    if (!both.aborted) throw error;
  } finally {
    ended.abort();
  }
}
