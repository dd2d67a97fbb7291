import { quote } from './shell-quoting.ts';

/**
 * A program on the zHCP with its arguments; quoted before a shell sees it. Its standard error joins its output. `shell` is text that runs in
 * its place, in a subshell of its own: it bounds its programs by `$bound`, quotes what comes from data, and prints nothing secret. `argv`
 * then names what it does.
 */
export type Command = { argv: readonly string[]; shell?: string };

/** The outcome of a command; `ran: false` when one before it in its chain failed. */
export type CommandOutcome = { ran: true; exitStatus: number; output: string } | { ran: false };

const PLAIN_WORD = /^[A-Za-z0-9_./-]+$/;

/**
 * The shell text of one chain: a subshell that runs its commands in order, prints a marker line `@<nonce> <chain>.<command> <exit status>`
 * after each, and stops at the first that fails. The script around it says the form of the marker. Throws BackendError 'refused' for an argument
 * with a NUL.
 */
export function chainText(chain: readonly Command[], index: number): string {
  const lines = chain.map(
    (command, position) =>
      `${commandText(command)} 2>&1; rc=$?; printf "$mark" ${index}.${position} $rc; [ $rc = 0 ] || exit 0`,
  );
  return `( ${lines.join('\n')}\n)`;
}

/**
 * The script of several chains in `lanes` that run side by side, each into a file of its own so that their outputs do not mix; within a
 * lane one chain follows the other, so a slow one holds up its own lane only, and a hanging command is ended after `commandSeconds` with exit
 * status 124. A single chain needs no file.
 */
export function scriptText(chains: readonly string[], nonce: string, lanes: number, commandSeconds: number): string {
  const head = [
    // `timeout` is of coreutils; a zHCP without it runs the commands unbounded.
    `bound=; command -v timeout > /dev/null 2>&1 && bound='timeout ${commandSeconds}'`,
    `mark='\\n@${nonce} %s %s\\n'`,
  ];
  if (chains.length === 1) return [...head, ...chains].join('\n');
  const files = lanesOf(chains, lanes).map((_, lane) => `"$folder/${lane}"`);
  return [
    ...head,
    'folder=$(mktemp -d) || exit 1',
    ...lanesOf(chains, lanes).map((lane, index) => `( ${lane.join('\n')}\n) > ${files[index]} 2>&1 &`),
    'wait',
    `cat ${files.join(' ')}`,
    'rm -rf "$folder"',
  ].join('\n');
}

/**
 * The outcomes of each chain, read from a script's output: `lengths` says how many commands each has. Undefined for a chain whose markers
 * are not all there, and for the one after it in the output, which cannot be told from the other's rest.
 */
export function parseOutcomes(
  output: string,
  nonce: string,
  lengths: readonly number[],
  lanes: number,
): (CommandOutcome[] | undefined)[] {
  const marks = segments(output, nonce);
  const whole = lengths.map((length, chain) => outcomesOf(marks.get(chain) ?? [], length));
  const printed = lanesOf([...lengths.keys()], lanes).flat();
  const known = new Map(
    printed.map((chain, place) => {
      const before = printed[place - 1];
      return [chain, before !== undefined && whole[before] === undefined ? undefined : whole[chain]];
    }),
  );
  return lengths.map((_, chain) => known.get(chain));
}

function lanesOf<Item>(items: readonly Item[], lanes: number): Item[][] {
  return Array.from({ length: Math.min(lanes, items.length) }, (_, lane) =>
    items.filter((_item, index) => index % lanes === lane),
  );
}

function commandText({ argv, shell }: Command): string {
  if (shell !== undefined) return `( ${shell}\n)`;
  // Program and SMAPI function stay bare, so that a process list reads well; all that comes from data is quoted.
  const bare = argv[0]?.endsWith('/smcli') === true ? 2 : 1;
  const words = argv.map((word, index) => (index < bare && PLAIN_WORD.test(word) ? word : quote(word)));
  return `$bound ${words.join(' ')}`;
}

type Segment = { command: number; exitStatus: number; output: string };

function segments(output: string, nonce: string): Map<number, Segment[]> {
  const byChain = new Map<number, Segment[]>();
  let lines: string[] = [];
  for (const line of output.split('\n')) {
    const mark = line.startsWith(`@${nonce} `) ? /^(\d+)\.(\d+) (\d+)\s*$/.exec(line.slice(nonce.length + 2)) : null;
    if (mark === null) {
      lines.push(line);
      continue;
    }
    const [chain, command, exitStatus] = mark.slice(1).map(Number);
    if (chain === undefined || command === undefined || exitStatus === undefined) continue;
    const segment = { command, exitStatus, output: lines.join('\n') };
    byChain.set(chain, [...(byChain.get(chain) ?? []), segment]);
    lines = [];
  }
  return byChain;
}

function outcomesOf(marks: readonly Segment[], length: number): CommandOutcome[] | undefined {
  const failed = marks.findIndex((mark) => mark.exitStatus !== 0);
  const expected = failed === -1 ? length : failed + 1;
  if (marks.length !== expected || marks.some((mark, position) => mark.command !== position)) return undefined;
  return Array.from({ length }, (_, position): CommandOutcome => {
    const mark = marks[position];
    return mark === undefined ? { ran: false } : { ran: true, exitStatus: mark.exitStatus, output: mark.output };
  });
}
