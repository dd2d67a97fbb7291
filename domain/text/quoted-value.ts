const LONGEST_VALUE = 60;

/** A value quoted for messages: on one line, printable, shortened when it is long. */
export function quoteValue(value: string): string {
  const printable = value.replaceAll(/[^ -~]+/g, '?').replaceAll('"', "'");
  const short = printable.length > LONGEST_VALUE ? `${printable.slice(0, LONGEST_VALUE)}…` : printable;
  return `"${short}"`;
}
