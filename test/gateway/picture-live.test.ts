import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { portId, vlan } from '../workflows/environment.ts';
import { type Served, serve } from './environment.ts';
import { setUpLargeHost, useridOf } from './picture-scene.ts';

const GUESTS = 1_000;
const LONGER_THAN_A_READING = 18_000;

let served: Served;
beforeAll(async () => {
  served = await serve({ guests: GUESTS });
  setUpLargeHost(served.environment.simulator, GUESTS);
});
afterAll(() => served.close());

test('a change of one guest is told as that, not as the whole host again', async () => {
  const told: Told[] = [];
  for await (const each of events(served)) {
    if (each.event !== 'state' && each.event !== 'changes') continue;
    told.push(each);
    if (told.length === 2) break;
    const path = `/v1/hosts/${served.host}/guests/${useridOf(2)}/ports/${portId(20)}`;
    void served.call('PATCH', path, { network: vlan(150) });
  }
  const [state, change] = told;
  expect(state?.event).toBe('state');
  expect(change?.event).toBe('changes');
  expect(change?.data.length).toBeLessThan((state?.data.length ?? 0) / 100);
  expect(JSON.parse(change?.data ?? '').guests.now[0].ports[0].network).toEqual(vlan(150));
});

test('costs z/VM the same for three who look as for one, and nothing once they have gone', async () => {
  const { client } = served.environment;
  const readings = async () =>
    (await client.workflow.count(`WorkflowType = "showHost" AND ZvmHost = "${served.host}"`)).count;
  await sleep(LONGER_THAN_A_READING);
  const before = await readings();
  const gone = new AbortController();
  const heard = [1, 2, 3].map(async () => {
    const told: string[] = [];
    for await (const { event } of events(served, gone.signal)) told.push(event);
    return told;
  });
  await sleep(LONGER_THAN_A_READING);
  const looked = await readings();
  gone.abort();
  // One at once, one after a quarter of a minute: each on its own would have made as many.
  expect(looked - before).toBeGreaterThan(0);
  expect(looked - before).toBeLessThanOrEqual(3);
  for (const told of await Promise.all(heard)) {
    expect(told.filter((event) => event === 'state')).toHaveLength(1);
    expect(told).toContain('alive');
  }
  await sleep(5_000);
  const closed = await readings();
  await sleep(LONGER_THAN_A_READING);
  expect(await readings()).toBe(closed);
}, 180_000);

type Told = { event: string; data: string };

/** What is told to who looks at the host, until the signal. */
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
