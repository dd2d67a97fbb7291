/** The result of one tempest test. */
export type TestResult = { name: string; outcome: 'ok' | 'failed' | 'skipped' };

const OUTCOMES: Readonly<Record<string, TestResult['outcome']>> = { ok: 'ok', FAILED: 'failed', SKIPPED: 'skipped' };

/** A line of `tempest run`, such as `{0} tempest.api.network.test_ports.PortsTestJSON.test_show_port [0.5s] ... ok`; undefined for others. */
export function resultOf(line: string): TestResult | undefined {
  const match = /^\{\d+\} (?<name>\S+(?: \([^)]*\))?)(?: \[[^\]]*\])* \.\.\. (?<word>ok|FAILED|SKIPPED)/.exec(line);
  const { name, word = '' } = match?.groups ?? {};
  const outcome = OUTCOMES[word];
  return name === undefined || outcome === undefined ? undefined : { name, outcome };
}

/**
 * The verdict on the results: good when some test has run, all failures are known ones, and all known failures fail. `partly`: only some of the
 * tests were selected.
 */
export function verdictOf(
  results: readonly TestResult[],
  known: Readonly<Record<string, string>>,
  partly: boolean,
): { lines: string[]; isGood: boolean } {
  const failed = results.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  const passed = results.filter(({ outcome }) => outcome === 'ok').map(({ name }) => name);
  const unknown = failed.filter((name) => known[name] === undefined);
  const mended = partly ? [] : Object.keys(known).filter((name) => !failed.includes(name));
  const skipped = results.length - failed.length - passed.length;
  return {
    lines: [
      ...failed.flatMap((name) => (known[name] === undefined ? [] : [`known to fail: ${name}: ${known[name]}`])),
      ...mended.map((name) => `known to fail, but does not: ${name}`),
      ...unknown.map((name) => `FAILED: ${name}`),
      `${passed.length} passed, ${failed.length} failed, ${unknown.length} of them unexpectedly, ${skipped} skipped`,
    ],
    isGood: passed.length > 0 && unknown.length + mended.length === 0,
  };
}
