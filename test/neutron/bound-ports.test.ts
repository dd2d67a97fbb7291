import { expect, test } from 'vitest';
import type { PortId } from '../../domain/text/identifiers.ts';
import { BoundPorts } from '../../neutron/bound-ports.ts';
import { portId } from '../workflows/environment.ts';

const at = (port: PortId, networkId = 'network') => ({ portId: port, networkId });
const [one, two, three] = [1, 2, 3].map((number) => portId(number) as PortId) as [PortId, PortId, PortId];

test('before the first reading, and after messages may have been missed, any port may be here', async () => {
  const ports = new BoundPorts();
  expect(ports.mayHave(one)).toBe(true);
  await ports.learn(async () => [at(two)]);
  expect([one, two].map((id) => ports.mayHave(id))).toEqual([false, true]);
  ports.forget();
  expect(ports.mayHave(one)).toBe(true);
});

test('a message that comes while the server is being read is later than its answer', async () => {
  const ports = new BoundPorts();
  const answer = Promise.withResolvers<ReturnType<typeof at>[]>();
  const learning = ports.learn(() => answer.promise);
  ports.update(one, 'network');
  ports.update(two);
  answer.resolve([at(two), at(three)]);
  expect(await learning).toBe(2);
  expect([one, two, three].map((id) => ports.mayHave(id))).toEqual([true, false, true]);
});

test('a reading during which messages may have been missed counts for nothing', async () => {
  const ports = new BoundPorts();
  const answer = Promise.withResolvers<ReturnType<typeof at>[]>();
  const learning = ports.learn(() => answer.promise);
  ports.forget();
  answer.resolve([at(two)]);
  await learning;
  expect(ports.mayHave(one)).toBe(true);
});

test('a network is of concern as long as a port of it is here, or may be', async () => {
  const ports = new BoundPorts();
  expect(ports.mayHaveOn('a')).toBe(true);
  await ports.learn(async () => [at(one, 'a')]);
  ports.update(two, 'b');
  expect(['a', 'b', 'c'].map((id) => ports.mayHaveOn(id))).toEqual([true, true, false]);
  ports.update(two);
  expect(ports.mayHaveOn('b')).toBe(false);
});
