import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const PAGES = execFileSync('git', ['-C', ROOT, 'ls-files', '-z', '*.md'])
  .toString()
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
// Facts of other repositories name files there.
const OWN = PAGES.filter((page) => !page.startsWith('docs/reference/'));

const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** GitHub's anchor of a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

test('files that the documentation names exist', () => {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const path = new RegExp(
    `\`((?:${folders.map(({ name }) => name.replaceAll('.', '\\.')).join('|')})/[^\`*<>… ]+)\``,
    'g',
  );
  expect(
    OWN.flatMap((page) =>
      [...read(page).matchAll(path)]
        .map(([, named = '']) => named)
        .filter((named) => !existsSync(join(ROOT, named)) && !named.startsWith('dist/'))
        .map((named) => `${page}: ${named}`),
    ),
  ).toEqual([]);
});

test('links of the documentation lead to pages and headings that exist', () => {
  const broken = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].flatMap(([link, target = '', heading]) => {
      const file = target === '' ? page : join(dirname(page), target);
      if (!existsSync(join(ROOT, file))) return [`${page}: ${link}`];
      if (heading === undefined) return [];
      const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => anchor(text));
      return headings.includes(heading) ? [] : [`${page}: ${link}`];
    }),
  );
  expect(broken).toEqual([]);
});
