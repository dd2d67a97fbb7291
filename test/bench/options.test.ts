import { expect, test } from 'vitest';
import { benchOptions } from '../../bench/options.ts';

test('a storm takes the times of SMAPI and DirMaint, NICs per guest and busy neighbours', () => {
  const args = '--ports 10,200 --smapi-ms 5 --directory-ms 1000 --nics-per-guest 4 --busy 6 --latency 0'.split(' ');
  expect(benchOptions(['storm', ...args])).toMatchObject({
    sizes: [10, 200],
    times: { smapiMs: 5, directoryMs: 1_000 },
    nicsPerGuest: 4,
    busy: 6,
    latencyMs: 0,
  });
});

test('a wrong option is named', () => {
  expect(() => benchOptions(['storm', '--busy', 'very'])).toThrow('--busy very: must be a whole number from 0');
  expect(() => benchOptions([])).toThrow('usage: npm run bench');
});
