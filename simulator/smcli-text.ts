/** A text field as smcli's C code prints it: a field of length 0 is a NULL pointer (contract xcat.md 10). */
export function printed(text: string): string {
  return text === '' ? '(null)' : text;
}

/** True when smcli has met an empty field where it needs one: it ends with 1 after the rest (contract xcat.md 10). */
export function lacksField(stdout: string): boolean {
  return /^Error \w+ is NULL!!$/m.test(stdout);
}
