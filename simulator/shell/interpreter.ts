import { BUILTINS, SHELLS_OWN } from './builtins.ts';
import type { Environment, Io, Machine, Sink } from './machine.ts';
import { fork, MOST_ARGUMENT_BYTES, resolvePath, ShellExit } from './machine.ts';
import type { AndOr, Command, Pipeline, Redirect, Script, Word } from './parser.ts';
import { parseShell, ShellSyntaxError } from './parser.ts';

const CANNOT_EXECUTE = 126;

let nextPid = 4000;
/** shells that have not ended */
const running = new Set<number>();

/** Runs a script on a simulated machine and collects what it prints. Never starts a process. */
export async function runShell(
  machine: Machine,
  text: string,
  variables: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string; status: number }> {
  const out = collector();
  const err = collector();
  const env: Environment = {
    machine,
    variables: new Map(Object.entries({ HOME: '/root', ...variables })),
    args: [],
    pid: nextPid++,
    cwd: '/root',
    status: 0,
    jobs: [],
    shell: { execute, runText, isRunning: (pid) => running.has(pid) },
  };
  running.add(env.pid);
  try {
    const status = await runText(env, text, { stdin: '', out, err });
    await Promise.all(env.jobs);
    return { stdout: out.text(), stderr: err.text(), status };
  } finally {
    running.delete(env.pid);
  }
}

/** Runs script text in this environment as a shell of its own. */
async function runText(env: Environment, text: string, io: Io): Promise<number> {
  let script: Script;
  try {
    script = parseShell(text);
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    io.err.write(`bash: -c: ${error.message}\n`);
    return 2;
  }
  return inSubshell(env, script, io);
}

function collector(): Sink & { text(): string } {
  const pieces: string[] = [];
  return { write: (text) => void pieces.push(text), text: () => pieces.join('') };
}

async function inSubshell(env: Environment, script: Script, io: Io): Promise<number> {
  try {
    return await runScript(env, script, io);
  } catch (error) {
    if (error instanceof ShellExit) return error.status;
    throw error;
  }
}

async function runScript(env: Environment, script: Script, io: Io): Promise<number> {
  for (const item of script) {
    if (item.background) {
      const child = fork(env);
      env.jobs.push(
        inSubshell(child, [{ ...item, background: false }], { ...io, stdin: '' }).then(async () => {
          await Promise.all(child.jobs);
        }),
      );
      env.status = 0;
    } else env.status = await runAndOr(env, item, io);
  }
  return env.status;
}

async function runAndOr(env: Environment, item: AndOr, io: Io): Promise<number> {
  for (const { operator, pipeline } of item.steps) {
    if ((operator === '&&' && env.status !== 0) || (operator === '||' && env.status === 0)) continue;
    env.status = await runPipeline(env, pipeline, io);
  }
  return env.status;
}

async function runPipeline(env: Environment, pipeline: Pipeline, io: Io): Promise<number> {
  let status = 0;
  let stdin = io.stdin;
  for (const [index, command] of pipeline.commands.entries()) {
    if (pipeline.commands.length === 1) {
      status = await runCommand(env, command, io);
      break;
    }
    const last = index === pipeline.commands.length - 1;
    const pipe = collector();
    const stage = { kind: 'group' as const, subshell: true, body: wrap(command), redirects: [] };
    status = await runCommand(env, stage, { stdin, out: last ? io.out : pipe, err: io.err });
    stdin = pipe.text();
  }
  return pipeline.negated ? Number(status === 0) : status;
}

function wrap(command: Command): Script {
  return [{ steps: [{ operator: null, pipeline: { negated: false, commands: [command] } }], background: false }];
}

async function runCommand(env: Environment, command: Command, outer: Io): Promise<number> {
  const io = await redirect(env, command.redirects, outer);
  if (io === null) return 1;
  switch (command.kind) {
    case 'group':
      return command.subshell ? inSubshell(fork(env), command.body, io) : runScript(env, command.body, io);
    case 'if':
      for (const { test, body } of command.branches)
        if ((await runScript(env, test, io)) === 0) return runScript(env, body, io);
      return command.otherwise ? runScript(env, command.otherwise, io) : 0;
    case 'case': {
      const subject = await expandOne(env, command.subject, io);
      for (const { patterns, body } of command.arms)
        for (const pattern of patterns)
          if (globPattern(await expandPattern(env, pattern, io)).test(subject)) {
            env.status = 0;
            return runScript(env, body, io);
          }
      return 0;
    }
    case 'simple':
      return runSimple(env, command, io);
  }
}

async function runSimple(env: Environment, command: Extract<Command, { kind: 'simple' }>, io: Io): Promise<number> {
  const argv: string[] = [];
  for (const word of command.words) argv.push(...(await expand(env, word, io)));
  const substitutions = command.assignments.some(([, word]) => word.some((part) => part.kind === 'command'));
  const before = new Map(env.variables);
  for (const [name, word] of command.assignments) env.variables.set(name, await expandOne(env, word, io));
  const name = argv[0];
  if (name === undefined) return substitutions ? env.status : 0;
  try {
    return await execute(env, name, argv.slice(1), io);
  } finally {
    if (command.assignments.length > 0) env.variables = before;
  }
}

/** Runs one command by its words; 127 when the machine does not have it. */
async function execute(env: Environment, name: string, args: string[], io: Io): Promise<number> {
  if (!SHELLS_OWN.has(name) && args.some((each) => Buffer.byteLength(each) >= MOST_ARGUMENT_BYTES)) {
    io.err.write(`bash: ${name}: Argument list too long\n`);
    return CANNOT_EXECUTE;
  }
  if (Object.hasOwn(BUILTINS, name)) return (await BUILTINS[name]?.(args, env, io)) ?? 0;
  const external = Object.hasOwn(env.machine.commands, name) ? env.machine.commands[name] : undefined;
  if (external) return external(args, io);
  io.err.write(
    name.includes('/') ? `bash: ${name}: No such file or directory\n` : `bash: ${name}: command not found\n`,
  );
  return 127;
}

async function redirect(env: Environment, redirects: Redirect[], outer: Io): Promise<Io | null> {
  const io = { ...outer };
  for (const { fd, mode, target } of redirects) {
    const name = await expandOne(env, target, io);
    if (mode === 'dup') {
      if (fd === 2 && name === '1') io.err = io.out;
      else if (fd === 1 && name === '2') io.out = io.err;
      else {
        io.err.write(`bash: ${name}: Bad file descriptor\n`);
        return null;
      }
      continue;
    }
    const path = resolvePath(env, name);
    const files = env.machine.files;
    if (mode === '<') {
      const text = path === '/dev/null' ? '' : files.get(path);
      if (text === undefined) {
        outer.err.write(`bash: ${name}: No such file or directory\n`);
        return null;
      }
      io.stdin = text;
      continue;
    }
    if (path !== '/dev/null' && (mode === '>' || !files.has(path))) files.set(path, '');
    const sink: Sink =
      path === '/dev/null'
        ? { write: () => undefined }
        : { write: (text) => void files.set(path, (files.get(path) ?? '') + text) };
    if (fd === 2) io.err = sink;
    else io.out = sink;
  }
  return io;
}

async function partText(env: Environment, part: Word[number], io: Io): Promise<string> {
  if (part.kind === 'text') return part.text;
  if (part.kind === 'variable') {
    const value = lookUp(env, part.name);
    return value === '' && part.fallback !== null ? part.fallback : value;
  }
  const out = collector();
  env.status = await inSubshell(fork(env), part.script, { ...io, out });
  return out.text().replace(/\n+$/, '');
}

function lookUp(env: Environment, name: string): string {
  if (name === '?') return String(env.status);
  if (name === '$') return String(env.pid);
  if (name === '!') return String(env.pid + env.jobs.length);
  if (name === '#') return String(Math.max(0, env.args.length - 1));
  if (name === '@') return env.args.slice(1).join(' ');
  if (/^\d+$/.test(name)) return env.args[Number(name)] ?? '';
  return env.variables.get(name) ?? '';
}

/** Unquoted expansions are split at blanks; there is no file name expansion. */
async function expand(env: Environment, word: Word, io: Io): Promise<string[]> {
  const fields: string[] = [];
  let current: string | null = null;
  for (const part of word) {
    if (part.kind === 'variable' && part.name === '@' && part.quoted) {
      // "$@": each argument a field of its own, the outer ones joined to what stands beside them
      const [first, ...more] = env.args.slice(1);
      if (first === undefined) continue;
      current = (current ?? '') + first;
      for (const argument of more) {
        fields.push(current);
        current = argument;
      }
      continue;
    }
    const text = await partText(env, part, io);
    if (part.quoted || part.kind === 'text') {
      current = (current ?? '') + text;
      continue;
    }
    for (const [index, piece] of text.split(/[ \t\n]+/).entries()) {
      if (index > 0 && current !== null) {
        fields.push(current);
        current = null;
      }
      if (piece !== '') current = (current ?? '') + piece;
    }
  }
  if (current !== null) fields.push(current);
  return fields;
}

async function expandOne(env: Environment, word: Word, io: Io): Promise<string> {
  const texts: string[] = [];
  for (const part of word) texts.push(await partText(env, part, io));
  return texts.join('');
}

async function expandPattern(env: Environment, word: Word, io: Io): Promise<string> {
  const texts: string[] = [];
  for (const part of word) {
    const text = await partText(env, part, io);
    texts.push(part.quoted ? text.replaceAll(/[*?[\\]/g, '\\$&') : text);
  }
  return texts.join('');
}

function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/\\[\s\S]|\[[^\]]+\]|[\s\S]/g, (piece) => {
    if (piece === '*') return '[\\s\\S]*';
    if (piece === '?') return '[\\s\\S]';
    if (piece.length > 2 && piece.startsWith('[')) return piece.replace('[!', '[^');
    return (piece.length === 2 ? piece.slice(1) : piece).replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`);
}
