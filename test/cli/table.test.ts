import { styleText } from 'node:util';
import { expect, test } from 'vitest';
import { chosenColumns, fitted, linesOf } from '../../cli/table.ts';

const PORTS = {
  headings: ['PORT', 'GUEST', 'NIC', 'VSWITCH', 'MAC', 'Z/VM'],
  rows: [
    ['00000000-0000-4000-8000-000000000001', 'LNX10001', '1000', 'VSW1', '02:00:00:00:00:01', 'coupled'],
    ['00000000-0000-4000-8000-000000000002', 'LNX10002', '1003', 'VSWPORT1', '02:00:00:00:00:02', 'not coupled'],
  ],
};
const longest = (lines: readonly string[]) => Math.max(...lines.map((line) => line.length));

test('a table stays whole where it fits', () => {
  expect(fitted(PORTS, 120, { less: ['MAC'] })).toEqual(PORTS);
});

test('on a narrow terminal the less important columns go first', () => {
  const narrow = fitted(PORTS, 80, { less: ['MAC', 'NIC'] });
  expect(narrow.headings).toEqual(['PORT', 'GUEST', 'NIC', 'VSWITCH', 'Z/VM']);
  expect(longest(linesOf(narrow))).toBeLessThanOrEqual(80);
});

test('then the widest cells are cut, and say so', () => {
  const lines = linesOf(fitted(PORTS, 60, { less: ['MAC', 'NIC'] }));
  expect(longest(lines)).toBeLessThanOrEqual(60);
  expect(lines[1]).toMatch(/^0000[0-9a-f-]+… {2}LNX10001/);
});

test('a table whose headings alone are too wide is left as narrow as they are', () => {
  const wide = { headings: ['PHYSICAL NETWORK', 'RECONCILIATION'], rows: [['physnet1', 'every 30 s, failed']] };
  expect(linesOf(fitted(wide, 20, {}))).toEqual([
    'PHYSICAL NETWORK  RECONCILIATION',
    'physnet1          every 30 s, f…',
  ]);
});

test('a column with a shorter form gets that before any column goes', () => {
  const short = { MAC: (mac: string) => mac.slice(-5) };
  const narrow = fitted(PORTS, 92, { short, less: ['NIC'] });
  expect(narrow.headings).toEqual(PORTS.headings);
  expect(linesOf(narrow)[1]).toContain('  00:01  coupled');
});

test('colours take no place', () => {
  const red = styleText('red', 'no', { validateStream: false });
  const plain = { headings: ['A', 'B'], rows: [['no', 'x']] };
  const coloured = { headings: ['A', 'B'], rows: [[red, 'x']] };
  expect(linesOf(coloured)[1]?.replace(red, 'no')).toBe(linesOf(plain)[1]);
});

test('columns are chosen by name, in that order', () => {
  expect(chosenColumns(PORTS, ['guest', 'Port'])?.headings).toEqual(['GUEST', 'PORT']);
  expect(chosenColumns(PORTS, ['guest', 'colour'])).toBeUndefined();
});
