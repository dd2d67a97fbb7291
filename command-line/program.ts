import { createRequire } from 'node:module';
import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util';
import { endWhenOutputBreaks } from './broken-output.ts';

/** The options of a program by name: those of `parseArgs`, with the name of a string's value and a description. */
type Options = Record<string, ParseArgsOptionDescriptor & { value?: string; help: string }>;

/** The command line of a program, from which both its parser and the text of its `--help` are made. */
export type Usage<O extends Options> = {
  /** The name of its script in package.json. */
  name: string;
  /** One sentence on the program. */
  does: string;
  /** The arguments that are no options, each allowed. */
  argument?: { name: string; help: string; values: readonly string[] };
  options: O;
  /** Variables that the program reads, by name. */
  environment?: Readonly<Record<string, string>>;
  /** The meaning of the exit codes 0 and 1, where it is more than success and failure. */
  exit?: { 0?: string; 1?: string };
  /** The options and arguments of a call that works; without it the call alone does. */
  example?: string;
};

/** The values of a program's options. */
export type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

/** A command line that the program cannot use. The message is one sentence; the program ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The default of an option that may be repeated. */
export const NONE: string[] = [];

const USAGE_EXIT = 2;
const isSource = import.meta.url.endsWith('.ts');
const COMMON: Options = {
  help: { type: 'boolean', help: 'print this text and end' },
  version: { type: 'boolean', help: 'print the version and end' },
};

/**
 * Run a program with its parsed command line, and answer `--help` and `--version`. A failure ends the process: with 2 for a UsageError, else with 1 and
 * `textOf` the failure on standard error. Open connections would keep the process alive, but its supervisor has to notice the end to restart it.
 */
export function runProgram<const O extends Options>(
  usage: Usage<O>,
  main: (values: Values<O>, argument: string) => void | Promise<void>,
  textOf: (error: unknown) => string = messageOf,
): void {
  endWhenOutputBreaks(usage.name);
  const args = process.argv.slice(2);
  const run = async () => {
    if (args.includes('--help')) process.stdout.write(helpOf(usage));
    else if (args.includes('--version')) process.stdout.write(`${packageVersion()}\n`);
    else await main(...parsed(usage, args));
  };
  run().catch((error: unknown) => {
    const isUsage = error instanceof UsageError;
    process.stderr.write(isUsage ? `${error.message} (see ${callOf(usage.name)} --help)\n` : `${textOf(error)}\n`);
    process.exit(isUsage ? USAGE_EXIT : 1);
  });
}

/** The message of a failure. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The whole number of an option's text. Throws a UsageError that names option and range. */
export function wholeNumber(option: string, text: string, from: number, to = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= from && number <= to) return number;
  const range = to === Number.MAX_SAFE_INTEGER ? `from ${from}` : `from ${from} to ${to}`;
  throw new UsageError(`${option} ${text}: must be a whole number ${range}`);
}

/** The version of the package. A build has its files one folder deeper. */
export function packageVersion(): string {
  const root = isSource ? '..' : '../..';
  const { version }: { version: string } = createRequire(import.meta.url)(`${root}/package.json`);
  return version;
}

function parsed<O extends Options>({ options, argument }: Usage<O>, args: string[]): [Values<O>, string] {
  const allowed = argument?.values ?? [];
  const { values, positionals } = parsedBy({ args, options, allowPositionals: true });
  const [first = ''] = positionals;
  if (positionals.length > (argument === undefined ? 0 : 1))
    throw new UsageError(`unexpected argument ${positionals.at(-1)}`);
  if (argument !== undefined && !allowed.includes(first))
    throw new UsageError(`${argument.name} must be ${allowed.filter((value) => value !== '').join(' or ')}`);
  return [values, first];
}

/** `parseArgs` with a UsageError of one sentence: Node's own messages go on with advice. */
function parsedBy<O extends Options>(config: { args: string[]; options: O; allowPositionals: boolean }) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(messageOf(error).split(/\. |\.?\n/)[0]);
  }
}

function helpOf({ name: program, does, argument, options, environment = {}, exit, example }: Usage<Options>): string {
  const optional = Object.entries({ ...options, ...COMMON }).map(([name, { type, value = 'TEXT', ...option }]) => {
    const { default: preset, multiple, help } = option;
    const notes = [multiple ? 'may be repeated' : '', typeof preset === 'string' ? `default: ${preset}` : ''];
    const note = notes.filter((text) => text !== '').join('; ');
    return [`--${name}${type === 'string' ? ` ${value}` : ''}`, note === '' ? help : `${help} (${note})`];
  });
  const call = callOf(program);
  const codes = {
    0: exit?.[0] ?? 'done',
    1: exit?.[1] ?? 'failed; standard error has the reason',
    2: 'the command line cannot be used',
  };
  return [
    `Usage: ${call} ${argument === undefined ? '' : `${argument.name} `}[options]`,
    does,
    ...(argument === undefined ? [] : [table('Arguments', [[argument.name, argument.help]])]),
    table('Options', optional),
    table('Environment', Object.entries(environment)),
    table('Exit codes', Object.entries(codes)),
    `Example:\n  ${call} ${example ?? ''}`.trimEnd(),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** The call of a program in a source tree or an installed package. */
function callOf(name: string): string {
  if (!isSource) return `networking-zvm ${name}`;
  return name === 'start' ? 'npm start --' : `npm run ${name} --`;
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return [`${title}:`, ...rows.map(([name = '', text]) => `  ${name.padEnd(width)}  ${text}`)].join('\n');
}
