import { createLogUpdate } from 'log-update';
import type { Progress, Standing } from '../client/follow-operation.ts';
import { colourAside } from './output.ts';

type Line = { kind: 'said' | 'done' | 'coming'; text: string };

/** Shows the standing of a running operation, on standard error: in place on a terminal; elsewhere each sentence once, without the steps. */
export class LiveSteps {
  readonly #update = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  readonly #told = new Set<string>();

  show(standing: Standing): void {
    const lines = linesOf(standing);
    if (this.#update !== undefined) {
      this.#update(lines.map(decorated).join('\n'));
      return;
    }
    for (const { kind, text } of lines) {
      if (kind !== 'said' || this.#told.has(text)) continue;
      this.#told.add(text);
      process.stderr.write(`${text}\n`);
    }
  }

  /** Removes the standing from the terminal: the result repeats it. */
  end(): void {
    this.#update?.clear();
  }
}

function linesOf(standing: Standing): Line[] {
  if (standing.kind !== 'works') return [{ kind: 'said', text: standingText(standing) }];
  const { reason, lists } = standing.progress;
  return [
    { kind: 'said', text: sentenceOf(standing.progress) },
    ...(reason === undefined ? [] : [{ kind: 'said' as const, text: reason }]),
    ...(lists.now ?? []).map((text) => ({ kind: 'coming' as const, text })),
    ...(lists.done ?? []).map((text) => ({ kind: 'done' as const, text })),
    ...(lists.planned ?? []).map((text) => ({ kind: 'coming' as const, text })),
  ];
}

/** The standing of an operation as text without colours. */
export function standingText(standing: Standing): string {
  switch (standing.kind) {
    case 'waits':
      return `waits in the queue of the guest, behind ${standing.behind}`;
    case 'details':
      return plainText(standing.markdown);
    case 'works': {
      const { reason, lists } = standing.progress;
      return [
        sentenceOf(standing.progress),
        ...(reason === undefined ? [] : [reason]),
        ...titled('Now', lists.now),
        ...titled('Done', lists.done),
        ...titled('To be done', lists.planned),
      ].join('\n');
    }
  }
}

function titled(title: string, steps: readonly string[] = []): string[] {
  return steps.length === 0 ? [] : [title, ...steps.map((step) => `- ${step}`)];
}

function sentenceOf({ subject, state }: Progress): string {
  return `${subject}: ${state}.`;
}

function decorated({ kind, text }: Line): string {
  if (kind === 'done') return `  ${colourAside('green', '✔')} ${text}`;
  return kind === 'coming' ? `  ${colourAside('dim', `… ${text}`)}` : text;
}

/** Markdown of the Temporal UI as plain text: nothing is bold, and links are their words. */
function plainText(markdown: string): string {
  return markdown.replaceAll('**', '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}
