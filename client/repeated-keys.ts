/** A key that stands twice in one object of a JSON text. */
export type RepeatedKey = { key: string; line: number };

const STRING = /"(?:[^"\\]|\\.)*"/y;
const BLANKS = /[ \t\r\n]*/y;

/**
 * Keys that stand twice in one object, at most `most` of them. JSON.parse takes the last without a word. The text has to be JSON.
 */
export function repeatedKeys(text: string, most: number): RepeatedKey[] {
  const found: RepeatedKey[] = [];
  /** The keys of each object around, undefined for a list. */
  const around: (Set<string> | undefined)[] = [];
  let line = 1;
  for (let at = 0; at < text.length && found.length < most; at += 1) {
    const character = text[at];
    if (character === '\n') line += 1;
    else if (character === '{') around.push(new Set());
    else if (character === '[') around.push(undefined);
    else if (character === '}' || character === ']') around.pop();
    else if (character === '"') {
      const end = endOf(STRING, text, at);
      const keys = around.at(-1);
      if (keys !== undefined && text[endOf(BLANKS, text, end)] === ':') {
        const key = String(JSON.parse(text.slice(at, end)));
        if (keys.has(key)) found.push({ key, line });
        keys.add(key);
      }
      at = end - 1;
    }
  }
  return found;
}

/** Where the match ends that begins there. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at + 1;
}
