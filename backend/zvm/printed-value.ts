/**
 * A value that smcli printed; undefined where it says that there is none: nothing, `NONE`, `(NONE)`, or `(null)`, which its C code prints for
 * a field of length 0 (docs/reference/smcli.md 1.2).
 */
export function printedValue(text: string | undefined): string | undefined {
  const value = text?.trim() ?? '';
  return /^(|none|\(none\)|\(null\))$/i.test(value) ? undefined : value;
}
