import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorSection, errorSections } from '../domain/text/error-sections.ts';

/** The documentation about errors; a build has it beside its programs (packaging/build.ts). */
const FOLDER = join(import.meta.dirname, '../docs/errors');

/** All sections, by the page that has them. */
export async function readErrorDocs(folder = FOLDER): Promise<Map<string, ErrorSection[]>> {
  const pages = (await readdir(folder)).filter((name) => name.endsWith('.md') && name !== 'README.md').toSorted();
  return new Map(
    await Promise.all(
      pages.map(async (page) => [page, errorSections(await readFile(join(folder, page), 'utf8'))] as const),
    ),
  );
}
