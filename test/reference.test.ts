import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const REFERENCE = join(ROOT, 'docs/reference');

// `docs/reference/smcli.md 4.2, 5.1`; without a number it cites the page.
const CITATION = /docs\/reference\/([a-z-]+\.md)((?:(?:,? and |, | )\d+(?:\.\d+)?(?![\d/]))*)/g;
// Citations of notes that readers do not have: a form that the code had once.
const FORMER = /\bcontracts?(?:\/|[\s*/]+(?:section |case )?)(?:[a-z-]+\.md|\d)|\bzvm-modern\.md/i;

const tracked = execFileSync('git', ['-C', ROOT, 'ls-files', '-z', '*.ts', '*.js', '*.mjs', '*.pml', '*.md'])
  .toString()
  .split('\0')
  .filter((file) => file !== '' && file !== 'test/reference.test.ts' && existsSync(join(ROOT, file)))
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));

/** Each page with the numbers of its headings, `## 4. …` and `### 4.2 …`. */
const sections = new Map(
  readdirSync(REFERENCE).map((page) => {
    const headings = readFileSync(join(REFERENCE, page), 'utf8').matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm);
    return [page, [...headings].map(([, number]) => number)];
  }),
);

test('each citation of docs/reference names a page and a section that exist', () => {
  const cited = tracked.flatMap(({ file, text }) =>
    [...text.matchAll(CITATION)].flatMap(([whole, page = '', numbers = '']) =>
      [undefined, ...(numbers.match(/\d+(?:\.\d+)?/g) ?? [])].map((number) => ({ file, whole, page, number })),
    ),
  );
  expect(cited.length).toBeGreaterThan(0);
  expect(
    cited
      .filter(({ page, number }) => !(number === undefined ? sections.has(page) : sections.get(page)?.includes(number)))
      .map(({ file, whole }) => `${file}: ${whole}`),
  ).toEqual([]);
});

test('no file cites notes that are not in the repository', () => {
  expect(tracked.filter(({ text }) => FORMER.test(text)).map(({ file }) => file)).toEqual([]);
});

test('a number of a section stands once on a page', () => {
  for (const [page, numbers] of sections) expect(numbers, page).toEqual([...new Set(numbers)]);
});
