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

/** A line of `tempest run --list-tests`, such as `tempest.api.network.test_ports.PortsTestJSON.test_show_port[id-c9a685bd,smoke]`. */
export function listedOf(line: string): string | undefined {
  return /^(?<name>\w+(?:\.\w+){2,})(?:\[|$)/.exec(line)?.groups?.name;
}

/** A whole run of tempest; `listed` are the tests that it was to run, `end` is its exit status or the signal that ended it. */
export type TempestRun = { results: readonly TestResult[]; listed: readonly string[]; end: number | string };

/** Tempest's exit status when all tests passed, and when one failed. Any other says that it did not come to its end. */
const ENDS: readonly unknown[] = [0, 1];

/**
 * The verdict on a run: good when tempest ended properly, each listed test has a result, all failures are known ones, and all known failures fail.
 * `partly`: only some of the tests were selected.
 */
export function verdictOf(
  { results, listed, end }: TempestRun,
  known: Readonly<Record<string, string>>,
  partly: boolean,
): { lines: string[]; isGood: boolean } {
  const failed = results.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  const passed = results.filter(({ outcome }) => outcome === 'ok').map(({ name }) => name);
  const unknown = failed.filter((name) => known[name] === undefined);
  const mended = partly ? [] : Object.keys(known).filter((name) => !failed.includes(name));
  const skipped = results.length - failed.length - passed.length;
  const lost = withoutResult(results, listed);
  const broken = ENDS.includes(end) ? [] : [`FAILED: tempest did not come to its end: ${end}`];
  return {
    lines: [
      ...failed.flatMap((name) => (known[name] === undefined ? [] : [`known to fail: ${name}: ${known[name]}`])),
      ...mended.map((name) => `known to fail, but does not: ${name}`),
      ...unknown.map((name) => `FAILED: ${name}`),
      ...lost.map((name) => `FAILED: no result of ${name}`),
      ...broken,
      `${passed.length} passed, ${failed.length} failed, ${unknown.length} of them unexpectedly, ${skipped} skipped, ${lost.length} without a result`,
    ],
    isGood: passed.length > 0 && [unknown, mended, lost, broken].every((lines) => lines.length === 0),
  };
}

/** Tests that were to run and of which nothing is said; a class that fails or is skipped as a whole has one result, by the name of its `setUpClass`. */
function withoutResult(results: readonly TestResult[], listed: readonly string[]): string[] {
  const told = new Set(results.map(({ name }) => /^setUpClass \((?<group>.*)\)$/.exec(name)?.groups?.group ?? name));
  return listed.filter((name) => !told.has(name) && !told.has(name.slice(0, name.lastIndexOf('.'))));
}
