import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameVlans, shortVlans, vlanSetWords, vlansOfWords } from '../../domain/vswitch/vlan-set.ts';

const vlan = fc.integer({ min: 1, max: 4094 });
const vlans = fc.oneof(
  fc.array(vlan, { minLength: 1, maxLength: 6 }),
  fc.tuple(vlan, vlan).map(([one, other]) => {
    const from = Math.min(one, other);
    return Array.from({ length: Math.abs(one - other) + 1 }, (_, index) => from + index);
  }),
);

test('the words of a VLAN set mean exactly that set, and never more than z/VM takes', () => {
  fc.assert(
    fc.property(vlans, (set) => {
      const words = vlanSetWords(set);
      if (words === undefined) return;
      expect(sameVlans(vlansOfWords(words), set)).toBe(true);
      const ranges = words.filter((word) => word.includes('-')).length;
      expect(words.length).toBeLessThanOrEqual(ranges === 0 ? 4 : 2);
    }),
  );
});

test('up to four VLANs, and every closed range, can be said', () => {
  fc.assert(
    fc.property(fc.uniqueArray(vlan, { minLength: 1, maxLength: 4 }), (set) => {
      expect(vlanSetWords(set)).toBeDefined();
    }),
  );
  expect(vlanSetWords(Array.from({ length: 4094 }, (_, index) => index + 1))).toEqual(['1-4094']);
  expect(vlanSetWords([1, 3, 5, 7, 9])).toBeUndefined();
});

test('five VLANs in two groups are two ranges, a single one among them as a range of itself', () => {
  expect(vlanSetWords([10, 1, 2, 3, 4])).toEqual(['1-4', '10-10']);
});

test('a VLAN set said as short as it can be means exactly that set', () => {
  fc.assert(
    fc.property(vlans, (set) => {
      expect(vlansOfWords(shortVlans(set))).toEqual([...new Set(set)].sort((one, other) => one - other));
    }),
  );
});
