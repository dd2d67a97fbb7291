/** Where a run stands, for its page in the Temporal UI. */
export type Progress = {
  host: string;
  userid: string;
  /** What is going on, or how it ended. */
  state: string;
  reason?: string;
  /** Lists by their titles. */
  lists?: Readonly<Record<string, readonly string[]>>;
};

const MOST_LINES = 40;

/** Where a run stands, in Markdown: what matters first, since the UI shows a few lines of it before one scrolls. */
export function progress({ host, userid, state, reason, lists = {} }: Progress): string {
  return [
    `**${userid}** on **${host}**: ${state}.`,
    ...(reason === undefined ? [] : [reason]),
    ...Object.entries(lists).flatMap(([title, lines]) => listed(title, lines, MOST_LINES)),
  ].join('\n\n');
}

/** A list with its title, as far as `most` lines; nothing when it is empty. */
export function listed(title: string, lines: readonly string[], most: number): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, most).map((line) => `- ${line}`);
  const more = lines.length > most ? [`- and ${lines.length - most} more`] : [];
  return [`**${title}**`, [...shown, ...more].join('\n')];
}
