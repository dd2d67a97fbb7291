import { expect, test } from 'vitest';
import { layOut } from '../../chaos/places.ts';
import { randomFrom } from '../../chaos/random.ts';
import { type Request, RequestPlan } from '../../chaos/requests.ts';

function planned(seed: number, count: number): Request[] {
  const plan = new RequestPlan(randomFrom(seed), layOut(6));
  return [...plan.first(), ...Array.from({ length: count }, () => plan.next())];
}

test('a seed always gives the same requests, and another one others', () => {
  expect(planned(1, 200)).toEqual(planned(1, 200));
  expect(planned(1, 200)).not.toEqual(planned(2, 200));
});

test('all operations are asked for', () => {
  const types = new Set(planned(1, 1_000).map(({ type }) => type));
  expect([...types].toSorted()).toEqual([
    ...['attachNic', 'changeVlan', 'createPort', 'deletePort', 'detachNic', 'setAdminState', 'wirePorts'],
  ]);
});

test('no two ports of a guest are on one VSWITCH, and no port has the MAC of another', () => {
  const guests = layOut(30);
  for (const { ports } of guests) expect(new Set(ports.map(({ vswitch }) => vswitch)).size).toBe(ports.length);
  const ports = guests.flatMap((guest) => guest.ports);
  expect(new Set(ports.map(({ mac }) => mac)).size).toBe(ports.length);
  expect(new Set(ports.map(({ vswitch }) => vswitch))).toEqual(new Set(['VSW1', 'VSW2', 'VSWPORT']));
});

test('two ports of a guest are never asked to be on one VLAN', () => {
  const owners = new Map<string, string>();
  for (const request of planned(3, 2_000).filter((each) => 'place' in each)) {
    const { place, input } = request;
    for (const [, vlan] of JSON.stringify(input).matchAll(/"segmentationId":(\d+)/g)) {
      const key = `${place.userid} ${vlan}`;
      expect(owners.get(key) ?? place.portId).toBe(place.portId);
      owners.set(key, place.portId);
    }
  }
});
