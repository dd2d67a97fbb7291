/** Markdown of the Temporal UI as plain text: nothing is bold, and links are their words. */
export function plainText(markdown: string): string {
  return markdown.replaceAll('**', '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}
