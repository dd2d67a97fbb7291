import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateMac, Mac } from '../../domain/port/mac.ts';
import { allocateVdev, devicesOverlap, nicDevices, Vdev } from '../../domain/port/vdev.ts';
import { PREFIX } from './worlds.ts';

const vdevs = fc.integer({ min: 0, max: 0xfffd }).map((number) => Vdev.parse(number.toString(16)));
const ranges = fc.record({
  first: fc.integer({ min: 0, max: 0xffff }),
  count: fc.integer({ min: 1, max: 64 }),
  what: fc.constant('x'),
});

test('allocation chooses a vdev whose three devices are free of all that is there', () => {
  fc.assert(
    fc.property(vdevs, fc.array(ranges, { maxLength: 30 }), (first, taken) => {
      const chosen = allocateVdev(first, taken);
      if (chosen === undefined) return;
      expect(taken.some((other) => devicesOverlap(nicDevices(chosen), other))).toBe(false);
    }),
  );
});

test('allocation chooses a free MAC under the prefix, the same for the same port', () => {
  fc.assert(
    fc.property(fc.uuid(), (portId) => {
      const first = allocateMac(PREFIX, portId, () => false);
      expect(first?.startsWith(PREFIX)).toBe(true);
      expect(allocateMac(PREFIX, portId, () => false)).toBe(first);
      expect(allocateMac(PREFIX, portId, (mac) => mac === first)).not.toBe(first);
    }),
  );
});

test('a multicast MAC and a vdev without room for three devices are refused', () => {
  expect(Mac.safeParse('01:00:00:00:00:01').success).toBe(false);
  expect(Vdev.safeParse('FFFE').success).toBe(false);
});
