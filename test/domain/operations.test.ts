import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { OPERATION_TYPES, OPERATIONS, type OperationType } from '../../domain/operations/operations.ts';
import { isWordChange } from '../../domain/text/words.ts';
import * as workflows from '../../workflows/index.ts';

const OPTIONS = ['giveUpAfterMinutes', 'dryRun', 'keepOnFailure', 'onlyIf'];

/** The line of an operation in the table of docs/workflows.md: its fields without host and the options of all operations. */
function lineOf(type: OperationType): string {
  const { does, input } = OPERATIONS[type];
  const fields = Object.entries(input.shape as Record<string, z.ZodType>).filter(
    ([name]) => name !== 'host' && !OPTIONS.includes(name),
  );
  const named = (isOptional: boolean) =>
    fields.filter(([, schema]) => schema.safeParse(undefined).success === isOptional).map(([name]) => `\`${name}\``);
  const optional = named(true).length === 0 ? [] : [`optional ${named(true).join(', ')}`];
  return `| \`${type}\` | ${does} | ${[named(false).join(', '), ...optional].filter((part) => part !== '').join('; ')} |`;
}

test('each operation has its workflow', () => {
  expect(Object.keys(workflows)).toEqual(expect.arrayContaining(OPERATION_TYPES));
});

test('the table in docs/workflows.md is the list of operations', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/workflows.md'), 'utf8');
  const table = text.split('\n').filter((line) => OPERATION_TYPES.some((type) => line.startsWith(`| \`${type}\` |`)));
  expect(table).toEqual(OPERATION_TYPES.map(lineOf));
});

test('ports that a caller sets are a word, of which the last holds; those that the host itself needs are not', () => {
  expect(isWordChange({ kind: 'setPorts', asked: true })).toBe(true);
  expect(isWordChange({ kind: 'setPorts' })).toBe(false);
  expect(isWordChange({ kind: 'reconcile' })).toBe(false);
});
