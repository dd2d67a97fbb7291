// Workflows import this file, so it may import nothing that the workflow sandbox does not allow.

/** A text as Temporal's visibility queries take it. */
export function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The run has this value in a search attribute; of a list, among its values. */
export function is({ name }: { name: string }, value: string): string {
  return `${name} = ${quoted(value)}`;
}
