import { parseArgs } from 'node:util';
import { expect, test } from 'vitest';
import { benchOptions, USAGE } from '../../bench/options.ts';

const optionsOf = (text: string, mode = 'storm') =>
  benchOptions(parseArgs({ args: text.split(' '), options: USAGE.options }).values, mode);

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

test('a cost curve has sizes of one host, and the same size on several hosts', () => {
  expect(optionsOf('--ports 1,5000 --hosts 2,20 --ports-per-host 50', 'curve')).toMatchObject({
    ...{ what: 'curve', sizes: [1, 5_000], hosts: [2, 20], portsOfHost: 50 },
  });
});
