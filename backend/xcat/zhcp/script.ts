import { quote } from './shell-quoting.ts';

/**
 * A program on the zHCP with its arguments; quoted before a shell sees it. Its standard error joins its output. `shell` is text that runs in
 * its place, in a subshell of its own: it bounds its programs by `$bound`, quotes what comes from data, and prints nothing secret. `argv`
 * then names what it does. The chain goes on after a question, whatever the answer.
 */
export type Command = { argv: readonly string[]; shell?: string; isQuestion?: true };

/** The outcome of a command; `ran: false` when one before it in its chain failed. */
export type CommandOutcome = { ran: true; exitStatus: number; output: string } | { ran: false };

const PLAIN_WORD = /^[A-Za-z0-9_./-]+$/;

/**
 * The shell text of one chain: a subshell that runs its commands in order, prints a marker line `@<nonce> <chain>.<command> <exit status>`
 * after each, and stops at the first that fails and is no question. The script around it says the form of the marker. Throws BackendError 'refused'
 * for an argument with a NUL.
 */
export function chainText(chain: readonly Command[], index: number): string {
  const lines = chain.map((command, position) => {
    const marked = `${commandText(command)}; rc=$?; printf "$mark" ${index}.${position} $rc`;
    return command.isQuestion === true ? marked : `${marked}; [ $rc = 0 ] || exit 0`;
  });
  return `( ${lines.join('\n')}\n) 2>&1`;
}

/** The chains of a script. Those of `closing` begin when all others have ended; they are numbered after them. */
export type Chains<Chain> = { chains: readonly Chain[]; closing: readonly Chain[] };

/**
 * The script of several chains in `lanes` that run side by side, each into a file of its own so that their outputs do not mix; within a
 * lane one chain follows the other, so a slow one holds up its own lane only, and a hanging command is ended after `commandSeconds` with exit
 * status 124. A single chain needs no file, and its closing ones follow it.
 */
export function scriptText(
  { chains, closing }: Chains<string>,
  nonce: string,
  lanes: number,
  commandSeconds: number,
): string {
  const head = [
    // `timeout` is of coreutils; a zHCP without it runs the commands unbounded.
    `bound=; command -v timeout > /dev/null 2>&1 && bound='timeout ${commandSeconds}'`,
    `mark='\\n@${nonce} %s %s\\n'`,
  ];
  if (chains.length === 1) return [...head, ...chains, ...closing].join('\n');
  const files: string[] = [];
  const sideBySide = (some: readonly string[]) => {
    const started = lanesOf(some, lanes).map((lane) => {
      const file = `"$folder/${files.length}"`;
      files.push(file);
      return `( ${lane.join('\n')}\n) > ${file} 2>&1 &`;
    });
    return started.length === 0 ? [] : [...started, 'wait'];
  };
  return [
    ...head,
    'folder=$(mktemp -d) || exit 1',
    ...sideBySide(chains),
    ...sideBySide(closing),
    `cat ${files.join(' ')}`,
    'rm -rf "$folder"',
  ].join('\n');
}

/**
 * The outcomes of each chain, read from a script's output; those of the closing ones come last. Undefined for a chain whose markers
 * are not all there, and for the one after it in the output, which cannot be told from the other's rest.
 */
export function parseOutcomes(
  output: string,
  nonce: string,
  { chains, closing }: Chains<readonly Command[]>,
  lanes: number,
): (CommandOutcome[] | undefined)[] {
  const all = [...chains, ...closing];
  const marks = segments(output, nonce);
  const whole = all.map((chain, index) => outcomesOf(marks.get(index) ?? [], chain));
  const numbers = [...all.keys()];
  const inLanes = chains.length === 1 ? 1 : lanes;
  const printed = [numbers.slice(0, chains.length), numbers.slice(chains.length)].flatMap((some) =>
    lanesOf(some, inLanes).flat(),
  );
  const known = new Map(
    printed.map((chain, place) => {
      const before = printed[place - 1];
      return [chain, before !== undefined && whole[before] === undefined ? undefined : whole[chain]];
    }),
  );
  return numbers.map((chain) => known.get(chain));
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

function outcomesOf(marks: readonly Segment[], chain: readonly Command[]): CommandOutcome[] | undefined {
  const failed = marks.findIndex(
    ({ exitStatus }, position) => exitStatus !== 0 && chain[position]?.isQuestion !== true,
  );
  const expected = failed === -1 ? chain.length : failed + 1;
  if (marks.length !== expected || marks.some((mark, position) => mark.command !== position)) return undefined;
  return chain.map((_, position): CommandOutcome => {
    const mark = marks[position];
    return mark === undefined ? { ran: false } : { ran: true, exitStatus: mark.exitStatus, output: mark.output };
  });
}
