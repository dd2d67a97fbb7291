import { parseArgs } from 'node:util';
import { expect, test } from 'vitest';
import { benchOptions, USAGE } from '../../bench/options.ts';

const optionsOf = (text: string) =>
  benchOptions(parseArgs({ args: text.split(' '), options: USAGE.options }).values, 'storm');

test('a storm takes the times of SMAPI and DirMaint, NICs per guest and busy neighbours', () => {
  const text = '--ports 10,200 --smapi-ms 5 --directory-ms 1000 --nics-per-guest 4 --busy 6 --latency 0';
  expect(optionsOf(text)).toMatchObject({
    sizes: [10, 200],
    times: { smapiMs: 5, directoryMs: 1_000 },
    nicsPerGuest: 4,
    busy: 6,
    latencyMs: 0,
  });
});

test('a wrong option is named', () => {
  expect(() => optionsOf('--busy very')).toThrow('--busy very: must be a whole number from 0');
});
