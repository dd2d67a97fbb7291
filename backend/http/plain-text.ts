// A page may be long.
const MOST_QUOTED = 20_000;

/** Text of a body without tags, on one line, at most 500 characters. */
export function plainText(text: string): string {
  // Additions of `becomeuser` and Apache come as HTML even where JSON is announced (docs/reference/xcat.md 1.3).
  return text
    .slice(0, MOST_QUOTED)
    .replaceAll(/<(style|script|title)\b[^<>]*>[^<]*<\/\1>/gi, ' ')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 500);
}
