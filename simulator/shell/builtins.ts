import { randomBytes } from 'node:crypto';
import { sleep as pause, within } from '../flow.ts';
import type { Environment, Io } from './machine.ts';
import { fork, resolvePath, ShellExit } from './machine.ts';

type Builtin = (args: string[], env: Environment, io: Io) => number | Promise<number>;

/** Those that are the shell's own, no programs. */
export const SHELLS_OWN: ReadonlySet<string> = new Set([
  ':',
  'true',
  'false',
  'echo',
  'printf',
  'export',
  'cd',
  'exit',
  'wait',
  'test',
  '[',
  'command',
  'shift',
  'trap',
  'umask',
  'kill',
]);

/** Commands every simulated machine has; options they do not know are refused. */
export const BUILTINS: Record<string, Builtin> = {
  ':': () => 0,
  true: () => 0,
  false: () => 1,
  echo,
  printf,
  export: (args, env) => {
    for (const word of args) {
      const at = word.indexOf('=');
      if (at > 0) env.variables.set(word.slice(0, at), word.slice(at + 1));
    }
    return 0;
  },
  cd: (args, env) => {
    env.cwd = resolvePath(env, args[0] ?? '/root').replace(/(.)\/$/, '$1');
    return 0;
  },
  exit: (args, env) => {
    throw new ShellExit(args[0] === undefined ? env.status : Number(args[0]) & 255);
  },
  wait: async (_args, env) => {
    await Promise.all(env.jobs.splice(0));
    return 0;
  },
  test: (args, env) => Number(!evaluate(args, env)),
  '[': (args, env, io) => {
    if (args.at(-1) === ']') return Number(!evaluate(args.slice(0, -1), env));
    io.err.write("bash: [: missing `]'\n");
    return 2;
  },
  sleep: async (args, _env, io) => {
    if (!/^\d+(\.\d+)?$/.test(args[0] ?? '')) return refuse(io, 'sleep', `invalid time interval '${args[0] ?? ''}'`);
    await pause(Number(args[0]) * 1000);
    return 0;
  },
  cat: (args, env, io) => eachFile('cat', args, env, io, (text) => text),
  head: (args, env, io) => lines('head', args, env, io, (all, count) => all.slice(0, count)),
  tail: (args, env, io) => lines('tail', args, env, io, (all, count) => all.slice(Math.max(0, all.length - count))),
  command: (args, env, io) => {
    const [flag, name = ''] = args;
    if (flag !== '-v') return refuse(io, 'command', 'only -v is known here');
    if (!Object.hasOwn(BUILTINS, name) && !Object.hasOwn(env.machine.commands, name)) return 1;
    io.out.write(`${name}\n`);
    return 0;
  },
  timeout: async (args, env, io) => {
    const [seconds = '', name = '', ...rest] = args;
    if (!/^\d+(\.\d+)?$/.test(seconds)) return refuse(io, 'timeout', `invalid time interval '${seconds}'`, 125);
    // what a command prints after it was ended is lost
    const limit = { over: false };
    const sink = (inner: Io['out']) => ({ write: (text: string) => void (limit.over || inner.write(text)) });
    const running = env.shell.execute(env, name, rest, { ...io, out: sink(io.out), err: sink(io.err) });
    const ended = await within(Number(seconds) * 1000, Promise.resolve(running));
    limit.over = ended === undefined;
    return ended ?? 124;
  },
  mktemp: (args, env, io) => {
    if (args.join() !== '-d') return refuse(io, 'mktemp', 'only -d is known here');
    const folder = `/tmp/tmp.${randomBytes(5).toString('hex')}`;
    env.machine.files.set(`${folder}/.`, '');
    io.out.write(`${folder}\n`);
    return 0;
  },
  // no signal comes here: what a client can ask for is that some are passed over
  trap: (args, _env, io) => (args[0] === '' ? 0 : refuse(io, 'trap', 'only ignored signals are known here')),
  umask: (args, _env, io) => (args[0] === '077' ? 0 : refuse(io, 'umask', 'only 077 is known here')),
  kill: ([flag, pid = ''], env, io) => {
    if (flag !== '-0') return refuse(io, 'bash: kill', 'only -0 is known here');
    return env.shell.isRunning(Number(pid)) ? 0 : refuse(io, 'bash: kill', `(${pid}) - No such process`);
  },
  wc: (args, _env, io) => {
    if (args.join() !== '-l') return refuse(io, 'wc', 'only -l of standard input is known here');
    io.out.write(`${io.stdin.split('\n').length - 1}\n`);
    return 0;
  },
  sed: (args, env, io) => {
    const [program, ...files] = args;
    if (program !== 's/ *$//') return refuse(io, 'sed', 'only the end of lines is known here');
    return eachFile('sed', files, env, io, (text) => text.replaceAll(/ +$/gm, ''));
  },
  shift: (_args, env) => {
    env.args.splice(1, 1);
    return 0;
  },
  rm: (args, env, io) => {
    const flags = args.filter((each) => /^-[rf]+$/.test(each)).join('');
    const force = flags.includes('f');
    let status = 0;
    for (const name of args.filter((each) => !/^-[rf]+$/.test(each))) {
      if (name.startsWith('-')) return refuse(io, 'rm', `invalid option -- '${name.slice(1)}'`);
      if (flags.includes('r') && removeTree(env, name)) continue;
      if (env.machine.files.delete(resolvePath(env, name)) || force) continue;
      status = refuse(io, 'rm', `cannot remove '${name}': No such file or directory`);
    }
    return status;
  },
  sh,
  '/bin/sh': sh,
  bash: sh,
  grep,
  date,
  awk: (args, env, io) => {
    // the one awk program a client uses (docs/reference/xcat.md 6.1)
    if (args.join('\0') !== ['-F.', '{print $1}', '/proc/uptime'].join('\0'))
      return refuse(io, 'awk', 'syntax error', 2);
    io.out.write(`${Math.floor((Date.now() - env.machine.bootTime().getTime()) / 1000)}\n`);
    return 0;
  },
};

/** Folders are not kept: a file below one is enough for it to be there. */
function removeTree({ machine, ...env }: Environment, name: string): boolean {
  const root = `${resolvePath({ machine, ...env }, name)}/`;
  const inside = [...machine.files.keys()].filter((path) => path.startsWith(root));
  for (const path of inside) machine.files.delete(path);
  return inside.length > 0;
}

function refuse(io: Io, name: string, text: string, status = 1): number {
  io.err.write(`${name}: ${text}\n`);
  return status;
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', '\\': '\\' };

function decodeEscapes(text: string): string {
  return text.replaceAll(/\\([ntra\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}

function echo(args: string[], _env: Environment, io: Io): number {
  let newline = '\n';
  let escapes = false;
  let at = 0;
  for (; /^-[en]+$/.test(args[at] ?? ''); at++) {
    if (args[at]?.includes('n')) newline = '';
    if (args[at]?.includes('e')) escapes = true;
  }
  const text = args.slice(at).join(' ');
  io.out.write((escapes ? decodeEscapes(text) : text) + newline);
  return 0;
}

function printf(args: string[], _env: Environment, io: Io): number {
  const [format, ...values] = args;
  if (format === undefined) return refuse(io, 'bash: printf', 'usage: printf [-v var] format [arguments]', 2);
  const text = decodeEscapes(format);
  let rest = values;
  do {
    const before = rest.length;
    io.out.write(
      text.replaceAll(/%([sd%])/g, (_, kind: string) => {
        if (kind === '%') return '%';
        const value = rest[0] ?? (kind === 'd' ? '0' : '');
        rest = rest.slice(1);
        return kind === 'd' ? String(Number.parseInt(value, 10) || 0) : value;
      }),
    );
    if (rest.length === before) break;
  } while (rest.length > 0);
  return 0;
}

function evaluate(args: string[], env: Environment): boolean {
  if (args[0] === '!') return !evaluate(args.slice(1), env);
  const [left = '', operator = '', right = ''] = args;
  if (args.length === 1) return left !== '';
  const file = env.machine.files.get(resolvePath(env, operator));
  if (args.length === 2) {
    if (left === '-n') return operator !== '';
    if (left === '-z') return operator === '';
    if (left === '-s') return file !== undefined && file !== '';
    if (left === '-e' || left === '-f' || left === '-r') return file !== undefined;
    return false;
  }
  const [a, b] = [Number(left), Number(right)];
  const outcomes: Record<string, boolean> = {
    '=': left === right,
    '==': left === right,
    '!=': left !== right,
    '-eq': a === b,
    '-ne': a !== b,
    '-lt': a < b,
    '-le': a <= b,
    '-gt': a > b,
    '-ge': a >= b,
  };
  return args.length === 3 && (outcomes[operator] ?? false);
}

function eachFile(name: string, files: string[], env: Environment, io: Io, use: (text: string) => string): number {
  if (files.length === 0) io.out.write(use(io.stdin));
  let status = 0;
  for (const file of files) {
    const text = file === '-' ? io.stdin : env.machine.files.get(resolvePath(env, file));
    if (text === undefined) status = refuse(io, name, `${file}: No such file or directory`);
    else io.out.write(use(text));
  }
  return status;
}

function lines(
  name: string,
  args: string[],
  env: Environment,
  io: Io,
  select: (all: string[], count: number) => string[],
): number {
  const joined = args[0] === '-n' ? [`-${args[1] ?? ''}`, ...args.slice(2)] : args;
  const count = /^-n?(\d+)$/.exec(joined[0] ?? '');
  if (!count && joined[0]?.startsWith('-')) return refuse(io, name, `invalid option ${joined[0]}`);
  return eachFile(name, count ? joined.slice(1) : joined, env, io, (text) =>
    select(text.match(/[^\n]*\n|[^\n]+$/g) ?? [], Number(count?.[1] ?? 10)).join(''),
  );
}

async function sh(args: string[], env: Environment, io: Io): Promise<number> {
  const child = fork(env);
  if (args[0] === '-c') {
    child.args = args.slice(2);
    return env.shell.runText(child, args[1] ?? '', io);
  }
  const name = args[0] ?? '';
  const text = env.machine.files.get(resolvePath(env, name));
  if (text === undefined) return refuse(io, 'sh', `${name}: No such file or directory`, 127);
  child.args = args;
  return env.shell.runText(child, text, io);
}

function grep(args: string[], env: Environment, io: Io): number {
  const letters = args.filter((each) => /^-\w+$/.test(each)).join('');
  const wrong = /[^-qviEFc]/.exec(letters);
  if (wrong) return refuse(io, 'grep', `invalid option -- '${wrong[0]}'`, 2);
  const [pattern = '', ...files] = args.filter((each) => !/^-\w+$/.test(each));
  const source = letters.includes('F')
    ? pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    : letters.includes('E')
      ? pattern
      : pattern.replaceAll(/[+?{}()|]/g, '\\$&');
  const regex = new RegExp(source, letters.includes('i') ? 'i' : '');
  let hits = 0;
  const status = eachFile('grep', files, env, io, (text) => {
    const all = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    const found = all.filter((line) => regex.test(line.replace(/\n$/, '')) !== letters.includes('v'));
    hits += found.length;
    return /[qc]/.test(letters) ? '' : found.join('');
  });
  if (letters.includes('c')) io.out.write(`${hits}\n`);
  return status !== 0 ? 2 : Number(hits === 0);
}

function date(args: string[], env: Environment, io: Io): number {
  const at = args.indexOf('-d');
  const when = at >= 0 ? (args[at + 1] ?? '') : null;
  // seconds since boot subtracted from now must give the same time on every call (docs/reference/xcat.md 6.1)
  if (when !== null && !/^\d+ second ago$/.test(when)) return refuse(io, 'date', `invalid date '${when}'`);
  const time = when === null ? new Date() : env.machine.bootTime();
  const format = args.find((each) => each.startsWith('+'))?.slice(1) ?? '%Y-%m-%d %H:%M:%S';
  const iso = time.toISOString();
  const parts: Record<string, string> = {
    Y: iso.slice(0, 4),
    m: iso.slice(5, 7),
    d: iso.slice(8, 10),
    H: iso.slice(11, 13),
    M: iso.slice(14, 16),
    S: iso.slice(17, 19),
    s: String(Math.floor(time.getTime() / 1000)),
  };
  io.out.write(`${format.replaceAll(/%(\w)/g, (_, letter: string) => parts[letter] ?? `%${letter}`)}\n`);
  return 0;
}
