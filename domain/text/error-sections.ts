/** A section of the documentation about errors: its names, and its text in Markdown. */
export type ErrorSection = { names: readonly string[]; text: string };

/** The sections of one page of docs/errors. A heading may have several names, for errors with one cause. */
export function errorSections(markdown: string): ErrorSection[] {
  return markdown
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      const after = lines.findIndex((line) => line.startsWith('## '));
      const own = after < 0 ? lines : lines.slice(0, after);
      return { names: heading.split(', ').map((name) => name.trim()), text: own.join('\n').trim() };
    });
}
