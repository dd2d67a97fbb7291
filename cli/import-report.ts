import { lstat, open, rm, stat, writeFile } from 'node:fs/promises';
import type { ImportedPort } from '../client/import-ports.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

/** Throws a CommandFailure when no report can be written to this file, which keeps its content until then. */
export async function checkReport(report: string, importedFile: string): Promise<void> {
  const refused = (reason: string) =>
    new CommandFailure(EXIT.usage, `--report ${report} ${reason}. The import was not started.`);
  const [there, imported] = await Promise.all([report, importedFile].map((file) => stat(file).catch(() => undefined)));
  // Opening a pipe waits for its reader, and closing it ends it.
  if (there?.isFIFO()) return;
  if (there?.isFile() && there.ino === imported?.ino && there.dev === imported.dev) throw refused('is the input file');
  try {
    const isNew = (await lstat(report).catch(() => undefined)) === undefined;
    await (await open(report, 'a')).close();
    if (isNew) await rm(report);
  } catch (error) {
    throw refused(`cannot be written: ${messageOf(error)}`);
  }
}

/** Write the outcome of each port. Returns the reason of a failure: the ports are wired, so the command still prints their result. */
export async function writeReport(report: string, done: readonly ImportedPort[]): Promise<string | undefined> {
  try {
    await writeFile(report, reportText(report, done));
    return undefined;
  } catch (error) {
    return `--report ${report} could not be written: ${messageOf(error)}. Repeat the same import: it only writes the report.`;
  }
}

const COLUMNS = ['host', 'userid', 'portId', 'outcome', 'vdev', 'mac', 'reason'] as const;

function reportText(file: string, done: readonly ImportedPort[]): string {
  if (!file.toLowerCase().endsWith('.csv')) return `${JSON.stringify(done, null, 2)}\n`;
  const cell = (text = '') => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = done.map((port) => COLUMNS.map((column) => cell(port[column])).join(','));
  return `${[COLUMNS.join(','), ...rows].join('\n')}\n`;
}
