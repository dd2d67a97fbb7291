import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BACKEND_ERROR_CODES } from '../backend/backend-error.ts';
import { RETURN_CODES, smapiPage } from '../backend/zvm/return-codes.ts';
import { readErrorDocs } from '../client/error-docs.ts';
import { EXPLAINED_FIELDS, fieldPage } from '../domain/planning/refused-field.ts';
import { PROBLEM_KINDS } from '../gateway/http/problem.ts';
import { NEUTRON_ERROR_CODES } from '../neutron/errors.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = globSync('{domain,workflows,activities,backend,gateway}/**/*.ts', { cwd: ROOT })
  .filter((file) => !file.endsWith('refused-field.ts'))
  .map((file) => readFileSync(join(ROOT, file), 'utf8'));

/** Reactions that are no failures for any function. */
const WELL = new Set(['done', 'already']);
const smapi = RETURN_CODES.filter(({ reaction }) => !WELL.has(reaction)).map(({ rc, rs }) =>
  smapiPage(rc, rs === '*' ? 999_999 : rs),
);
const errors = new Set([
  ...PROBLEM_KINDS,
  'StepFailed',
  'DeadlineExceeded',
  ...EXPLAINED_FIELDS.map(fieldPage),
  'field-other',
  ...smapi,
  'smapi-other',
  ...BACKEND_ERROR_CODES.map((code) => `server-${code}`),
  ...NEUTRON_ERROR_CODES.map((code) => `neutron-${code}`),
]);

const sections = [...(await readErrorDocs()).values()].flat();
const names = sections.flatMap((section) => section.names);

test('each error that can reach a user has its section, and each section is of an error that exists', () => {
  expect(names.toSorted()).toEqual([...errors].toSorted());
  expect(new Set(names).size).toBe(names.length);
});

test.each(sections.map(({ names: [name = ''], text }) => [name, text]))(
  '%s says its cause, what to check, and what to do',
  (_name, text) => {
    const points = text.split(/^- /m).filter((point) => point !== '');
    expect(points.map((point) => /^\*\*(\w+)\.\*\* \S/.exec(point)?.[1])).toEqual(['Cause', 'Check', 'Do']);
  },
);

test('each field that a refusal can name is explained, and each that is explained is refused somewhere', () => {
  const literal = /\brefusal\(\s*(?:'([^'$]+)'|`\$\{at\}([^`$]+)`)/g;
  const fields = SOURCES.flatMap((source) =>
    [...source.matchAll(literal)].map(([, plain, under]) => plain ?? under ?? ''),
  );
  expect(fields.length).toBeGreaterThan(30);
  expect(fields.filter((field) => fieldPage(field) === 'field-other')).toEqual([]);
  const said = SOURCES.join('\n');
  // A field within another is put together where it is refused.
  const isSaid = (field: string) =>
    [`${field}'`, `${field}\``, `${field.split('.').at(-1)}'`].some((each) => said.includes(each));
  expect(EXPLAINED_FIELDS.filter((field) => !isSaid(field))).toEqual([]);
});

test.each([
  ['vdev', 'field-vdev'],
  ['ports.12.vdev', 'field-vdev'],
  ['portIds.0', 'field-portId'],
  ['ports.0.network.segmentationIds.3', 'field-network.segmentationIds'],
  ['giveUpAfterMinutes', 'field-other'],
])('the field %s is explained as %s', (field, page) => {
  expect(fieldPage(field)).toBe(page);
});

test.each([
  [212, 8, 'smapi-212-8'],
  [24, 813, 'smapi-24'],
  [396, 2846, 'smapi-396-2846'],
  [396, 1, 'smapi-396'],
  [-105, 0, 'smapi-socket'],
  [777, 7, 'smapi-other'],
])('SMAPI %i/%i is explained as %s', (rc, rs, page) => {
  expect(smapiPage(rc, rs)).toBe(page);
});
