import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Userid } from '../../domain/text/identifiers.ts';
import { guestName } from '../../simulator/zvm/guest-name.ts';

test('guests of different systems of one management node have different userids', () => {
  const place = fc.tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 1, max: 9_999 }));
  fc.assert(
    fc.property(place, place, (one, other) => {
      const names = [one, other].map(([system, number]) => Userid.parse(guestName(system, number)));
      expect(names[0] === names[1]).toBe(one.join() === other.join());
    }),
  );
  expect([guestName(1, 1), guestName(10, 1), guestName(100, 1)]).toEqual(['LNX10001', 'LN100001', 'L1000001']);
});
