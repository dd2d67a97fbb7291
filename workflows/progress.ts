import { defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { markdownLink } from '../temporal-config/ui.ts';

/** Progress of a run: data for programs. The Temporal UI shows it as Markdown. */
export type Progress = {
  /** The guest, or the summary of the operation. */
  subject: string;
  /** One sentence without its full stop. */
  state: string;
  reason?: string | undefined;
  /** Pages of the Temporal UI, by their paths. */
  links?: readonly { text: string; path: string }[];
  lists?: Partial<Record<keyof typeof TITLES, readonly string[]>>;
};

const TITLES = {
  now: 'Now',
  done: 'Done',
  planned: 'To be done',
  left: 'Not brought',
  stays: 'Left to an administrator',
  waiting: 'Waiting',
  ended: 'Ended',
};

/** Query to a run: its progress. */
export const runProgress = defineQuery<Progress>('runProgress');

/** Show the progress of this run, to programs that ask for it and in the Temporal UI. */
export function showProgress(progress: Progress): void {
  setHandler(runProgress, () => progress);
  setCurrentDetails(markdownOf(progress));
}

const MOST_LINES = 40;

/** Progress in Markdown: the most important first, since the UI shows a few lines of it before one scrolls. */
function markdownOf({ subject, state, reason, links = [], lists = {} }: Progress): string {
  const see = links.map(({ text, path }) => markdownLink(text, path)).join(', ');
  return [
    `**${subject}**: ${state}.${see === '' ? '' : ` See ${see}.`}`,
    ...(reason === undefined ? [] : [reason]),
    ...Object.entries(TITLES).flatMap(([kind, title]) =>
      listed(title, lists[kind as keyof typeof TITLES] ?? [], MOST_LINES),
    ),
  ].join('\n\n');
}

/** A list with its title, as far as `most` lines; nothing when it is empty. */
export function listed(title: string, lines: readonly string[], most: number): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, most).map((line) => `- ${line}`);
  const more = lines.length > most ? [`- and ${lines.length - most} more`] : [];
  return [`**${title}**`, [...shown, ...more].join('\n')];
}
