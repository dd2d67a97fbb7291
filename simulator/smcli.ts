import type { Code } from './codes.ts';
import { describe, OK } from './codes.ts';
import { isUserid } from './directory.ts';
import type { EventLog } from './events.ts';
import type { FaultBoard } from './faults.ts';
import { Semaphore, sleep } from './flow.ts';
import type { Guest } from './guest.ts';
import type { Settings } from './options.ts';
import { ADAPTER_FUNCTIONS } from './smcli-adapter.ts';
import { DIRECTORY_FUNCTIONS } from './smcli-directory.ts';
import { IMAGE_FUNCTIONS } from './smcli-image.ts';
import { lacksField } from './smcli-text.ts';
import { VSWITCH_FUNCTIONS } from './smcli-vswitch.ts';
import { VSWITCH_SET_FUNCTIONS } from './smcli-vswitch-set.ts';
import type { ZvmSystem } from './zvm-system.ts';

export type SmcliCall = {
  system: ZvmSystem;
  /** values of single-letter options */
  flags: ReadonlyMap<string, string>;
  /** values of -k, in order */
  operands: readonly (readonly [key: string, value: string])[];
  target: string;
};

/** What a function did: data of a query, or a status text with its codes. */
export type SmcliAnswer = { data: string } | { status: string; code: Code } | { failed: Code };

export type SmcliFunction = {
  options: string;
  required: string;
  /** keys -k may name; a trailing `!` marks the required ones */
  operands?: readonly string[];
  /** how many -k it takes */
  mostOperands?: number;
  /** the text before Done or Failed; queries have none */
  status?: (call: SmcliCall) => string;
} /** on the system: -T is only an authorisation target (contract 4.2) */ & (
  | { scope: 'any'; run: (call: SmcliCall) => Code | string }
  /** on a definition of the directory, which need not be a user's */
  | { scope: 'definition'; run: (call: SmcliCall) => Code | string }
  | { scope: 'live'; run: (call: SmcliCall, guest: Guest) => Code | string }
  | { scope: 'directory'; run: (call: SmcliCall, guest: Guest) => Code }
);

const FUNCTIONS: Record<string, SmcliFunction> = {
  ...VSWITCH_FUNCTIONS,
  ...VSWITCH_SET_FUNCTIONS,
  ...ADAPTER_FUNCTIONS,
  ...DIRECTORY_FUNCTIONS,
  ...IMAGE_FUNCTIONS,
};

const PROGRAM = '/opt/zhcp/bin/smcli';
/** smcli's INVALID_DATA as an exit status */
const INVALID_DATA = 254;

export type SmcliResult = { stdout: string; stderr: string; status: number };

/** The value of one -k operand. */
export function operand(call: SmcliCall, key: string): string | undefined {
  return call.operands.find(([each]) => each === key)?.[1];
}

/** The smcli of one zHCP (contract 4.1): argument rules, authorisation, parallelism and the form of the output. */
export class Smcli {
  private readonly system: ZvmSystem;
  private readonly settings: Settings;
  private readonly events: EventLog;
  private readonly faults: FaultBoard;
  private readonly servers: Semaphore;
  private readonly dirmaint: Semaphore;
  private nextOperation = 1;

  constructor(system: ZvmSystem, settings: Settings, events: EventLog, faults: FaultBoard) {
    this.system = system;
    this.settings = settings;
    this.events = events;
    this.faults = faults;
    this.servers = new Semaphore(settings.smapiParallelism);
    this.dirmaint = new Semaphore(settings.directoryParallelism);
  }

  /** Runs `smcli <argv…>`; answers what it prints and the exit status. */
  async run(argv: readonly string[]): Promise<SmcliResult> {
    const [name = '', ...rest] = argv;
    const spec = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (!spec) return this.unsent(argv, { stdout: 'ERROR: Unsupported API function name\n' });
    const parsed = parseOptions(spec, rest);
    if ('wrong' in parsed) return this.unsent(argv, parsed.wrong);
    const call: SmcliCall = { system: this.system, ...parsed, target: parsed.flags.get('T') ?? '' };
    this.events.counters.smapiCalls++;
    return this.servers.use(async () => {
      if (this.settings.smapiMs > 0) await sleep(this.settings.smapiMs);
      const answer = await this.act(name, spec, call);
      const code = 'data' in answer ? OK : 'failed' in answer ? answer.failed : answer.code;
      const [rc, rs] = code;
      this.events.record('smcli', { system: this.system.zhcpNode, argv: [...argv], rc, rs });
      const stdout = render(answer);
      return { stdout, stderr: '', status: rc === 0 && rs === 0 && !lacksField(stdout) ? 0 : 1 };
    });
  }

  /** smcli's own refusal: SMAPI is not asked. */
  private unsent(argv: readonly string[], wrong: Partial<SmcliResult>): SmcliResult {
    this.events.record('smcli', { system: this.system.zhcpNode, argv: [...argv], rc: null, rs: null });
    return { stdout: '', stderr: '', status: 1, ...wrong };
  }

  private async act(name: string, spec: SmcliFunction, call: SmcliCall): Promise<SmcliAnswer> {
    const users = [call.target, operand(call, 'grant_userid'), operand(call, 'revoke_userid')];
    users.push(operand(call, 'portnum')?.split(' ')[1], call.flags.get('I'), call.flags.get('U'));
    const injected = this.faults.smapi(name, users);
    if (injected?.when === 'before') return answerWith(spec, call, injected.code);
    const wrongAfter = injected?.code;
    const syntax = checkOperands(spec, call);
    if (syntax) return answerWith(spec, call, syntax);
    if (call.target !== '' && !isUserid(call.target)) return answerWith(spec, call, [24, 110]);
    const guest = this.system.guest(call.target);
    if (spec.scope === 'any' || spec.scope === 'definition') {
      // that there is no such user comes before what it may do (contract 10): only where it is not the user who counts, 100/8
      if (spec.scope === 'any' && spec.required.includes('T') && !guest) return answerWith(spec, call, [100, 8]);
      const result = spec.run(call);
      return wrongAfter ? answerWith(spec, call, wrongAfter) : conclude(spec, call, result);
    }
    if (spec.scope === 'live') {
      if (!guest) return answerWith(spec, call, [200, 4]);
      if (!guest.loggedOn) return answerWith(spec, call, this.system.loggedOffCode());
      const result = spec.run(call, guest);
      return wrongAfter ? answerWith(spec, call, wrongAfter) : conclude(spec, call, result);
    }
    if (!guest) return answerWith(spec, call, [400, 4]);
    const done = await this.update(guest, () => spec.run(call, guest));
    return wrongAfter ? answerWith(spec, call, wrongAfter) : answerWith(spec, call, done);
  }

  /** Contract 5.8: the directory manager locks the user while it works. */
  private async update(guest: Guest, work: () => Code): Promise<Code> {
    if (guest.locked || guest.updating) return [400, 12];
    guest.updating = true;
    const carryOut = () =>
      this.dirmaint.use(async () => {
        if (this.settings.directoryMs > 0) await sleep(this.settings.directoryMs);
        guest.updating = false;
        return work();
      });
    if (!this.settings.directoryAsync) return carryOut();
    const operation = this.nextOperation++;
    void carryOut().then((code) => this.system.log('asynchronous', { userid: guest.userid, operation, code }));
    return [592, operation];
  }
}

function conclude(spec: SmcliFunction, call: SmcliCall, result: Code | string): SmcliAnswer {
  return typeof result === 'string' ? { data: result } : answerWith(spec, call, result);
}

function answerWith(spec: SmcliFunction, call: SmcliCall, code: Code): SmcliAnswer {
  return spec.status ? { status: spec.status(call), code } : { failed: code };
}

function render(answer: SmcliAnswer): string {
  if ('data' in answer) return answer.data;
  const [code, text, query] = 'failed' in answer ? [answer.failed, '', true] : [answer.code, answer.status, false];
  const [rc, rs] = code;
  if (rc === 0 && rs === 0) return `${text}Done\n`;
  const word = rc === 592 ? 'Started' : 'Failed';
  return `${text}${word}\n  Return Code: ${rc}\n  Reason Code: ${rs}\n  Description: ${describe(code, query)}\n`;
}

type Parsed = { flags: Map<string, string>; operands: [string, string][] };

/**
 * getopt: each option takes one word, words that belong to no option are ignored (contract 4.3, -r). What it does not know it says itself, on
 * stderr (contract 10).
 */
function parseOptions(spec: SmcliFunction, argv: string[]): Parsed | { wrong: Partial<SmcliResult> } {
  const flags = new Map<string, string>();
  const operands: [string, string][] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') continue;
    const letter = word[1] ?? '';
    if (letter === 'h') return { wrong: { stdout: 'NAME\n  smcli\n\nSYNOPSIS\n  see the contract\n' } };
    if (!spec.options.includes(letter))
      return { wrong: { stderr: letter === '?' ? '' : `${PROGRAM}: invalid option -- '${letter}'\n` } };
    const value = word.length > 2 ? word.slice(2) : argv[++at];
    if (value === undefined) return { wrong: { stderr: `${PROGRAM}: option requires an argument -- '${letter}'\n` } };
    if (letter !== 'k') flags.set(letter, value);
    else {
      if (operands.length === spec.mostOperands)
        return { wrong: { stdout: 'ERROR: Too many -k values entered\n', status: INVALID_DATA } };
      const [key = '', ...rest] = value.split('=');
      operands.push([key, rest.join('=')]);
    }
  }
  const missing = [...spec.required].some((each) => (each === 'k' ? operands.length === 0 : !flags.has(each)));
  // the functions that take -k begin with a blank line
  const blank = spec.operands === undefined ? '' : '\n';
  return missing ? { wrong: { stdout: `${blank}ERROR: Missing required options\n` } } : { flags, operands };
}

/** SMAPI's own check of keywords: a syntax error names the parameter it stumbled over (contract 4.6, 24/nn). */
function checkOperands(spec: SmcliFunction, call: SmcliCall): Code | null {
  if (!spec.operands) return null;
  const known = spec.operands.map((each) => each.replace('!', ''));
  for (const [index, [key, value]] of call.operands.entries()) {
    const repeated = key !== 'NICDEF' && call.operands.findIndex(([each]) => each === key) !== index;
    if (!known.includes(key) || repeated || value === '') return [24, (index + 2) * 100 + 10];
  }
  const missing = spec.operands.filter((each) => each.endsWith('!') && !operand(call, each.slice(0, -1)));
  return missing.length > 0 ? [24, 201] : null;
}
