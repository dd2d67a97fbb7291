/** What a run says of itself is Markdown for the Temporal UI. Here nothing is bold, and links are their words. */
export function plainText(markdown: string): string {
  return markdown.replaceAll('**', '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}
