/** Where a run stands, for its page in the Temporal UI. */
export type Progress = {
  host: string;
  userid?: string;
  /** What is going on, or how it ended. */
  state: string;
  reason?: string;
  done?: readonly string[];
  /** Steps that are being carried out. */
  next?: readonly string[];
};

const MOST_STEPS = 40;

/** Where a run stands, in Markdown: what matters first, since the UI shows a few lines of it before one scrolls. */
export function progress({ host, userid, state, reason, done = [], next = [] }: Progress): string {
  const subject = userid === undefined ? `**${host}**` : `**${userid}** on **${host}**`;
  return [
    `${subject}: ${state}.`,
    ...(reason === undefined ? [] : [reason]),
    ...listed('Now', next),
    ...listed('Steps', done),
  ].join('\n\n');
}

function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, MOST_STEPS).map((line) => `- ${line}`);
  const more = lines.length > MOST_STEPS ? [`- and ${lines.length - MOST_STEPS} more`] : [];
  return [`**${title}**`, [...shown, ...more].join('\n')];
}
