import { isUserid } from '../directory/nicdef.ts';
import type { EventLog } from '../events.ts';
import type { FaultBoard } from '../faults.ts';
import { Semaphore, sleep } from '../flow.ts';
import type { Settings } from '../options.ts';
import type { Code } from '../zvm/codes.ts';
import { OK } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import { relocate } from '../zvm/relocation.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { ADAPTER_FUNCTIONS } from './adapter.ts';
import { DIRECTORY_ADAPTER_FUNCTIONS } from './adapter-directory.ts';
import { ENTRY_FUNCTIONS } from './entry.ts';
import type { Kind, SmcliCall, SmcliFunction, Surroundings, Unsent } from './function.ts';
import { operand } from './function.ts';
import { HOST_FUNCTIONS } from './host.ts';
import { IMAGE_FUNCTIONS } from './image.ts';
import { checkOperands, parseOptions, type SmcliResult } from './options.ts';
import { STATISTICS_FUNCTIONS } from './statistics.ts';
import { answerWith, conclude, lacksField, render, type SmcliAnswer } from './text.ts';
import { VSWITCH_FUNCTIONS } from './vswitch.ts';
import { VSWITCH_SET_FUNCTIONS } from './vswitch-set.ts';

const FUNCTIONS: Record<string, SmcliFunction> = {
  ...VSWITCH_FUNCTIONS,
  ...VSWITCH_SET_FUNCTIONS,
  ...ADAPTER_FUNCTIONS,
  ...DIRECTORY_ADAPTER_FUNCTIONS,
  ...ENTRY_FUNCTIONS,
  ...HOST_FUNCTIONS,
  ...STATISTICS_FUNCTIONS,
  ...IMAGE_FUNCTIONS,
};

const RETURN_CODE_HEADER = '--addRCheader';
const TIMEOUT = '--timeout';

/** The smcli of one zHCP (docs/reference/smcli.md 1.1): argument rules, authorisation, parallelism and the form of the output. */
export class Smcli {
  private readonly system: ZvmSystem;
  private readonly settings: Settings;
  private readonly events: EventLog;
  private readonly faults: FaultBoard;
  private readonly servers: Semaphore;
  private nextOperation = 1;

  constructor(system: ZvmSystem, settings: Settings, events: EventLog, faults: FaultBoard) {
    this.system = system;
    this.settings = settings;
    this.events = events;
    this.faults = faults;
    this.servers = new Semaphore(settings.smapiParallelism);
  }

  /** Runs `smcli <argv…>`; answers what it prints and the exit status. */
  async run(kind: Kind, given: readonly string[], process: Surroundings): Promise<SmcliResult> {
    const { argv, header } = kind === 'zthin' ? withoutLongOptions(given) : { argv: given, header: false };
    const [name = '', ...rest] = argv;
    const spec = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    const unsent = (wrong: Unsent) => this.unsent(given, wrong, header);
    if (!spec || (spec.only ?? kind) !== kind) return unsent({ stdout: 'ERROR: Unsupported API function name\n' });
    const parsed = parseOptions(spec, rest, kind);
    if ('wrong' in parsed) return unsent(parsed.wrong);
    const call: SmcliCall = { system: this.system, kind, process, ...parsed, target: parsed.flags.get('T') ?? '' };
    const wrong = spec.check?.(call);
    if (wrong) return unsent(wrong);
    this.events.counters.smapiCalls++;
    return this.servers.use(async () => {
      if (this.settings.smapiMs > 0) await sleep(this.settings.smapiMs);
      const answer = await this.act(name, spec, call);
      const code = 'data' in answer ? OK : 'failed' in answer ? answer.failed : answer.code;
      const [rc, rs] = code;
      this.events.record('smcli', { system: this.system.zhcpNode, argv: [...given], rc, rs });
      const stdout = render(answer, { name, kind, header });
      return { stdout, stderr: '', status: rc === 0 && rs === 0 && !lacksField(stdout) ? 0 : 1 };
    });
  }

  /** smcli's own refusal: SMAPI is not asked. */
  private unsent(argv: readonly string[], wrong: Unsent, header: boolean): SmcliResult {
    this.events.record('smcli', { system: this.system.zhcpNode, argv: [...argv], rc: null, rs: null });
    const first = header ? '24 0 0 (details) Input error\n' : '';
    return { stderr: '', status: 1, ...wrong, stdout: `${first}${wrong.stdout ?? ''}` };
  }

  private async act(name: string, spec: SmcliFunction, call: SmcliCall): Promise<SmcliAnswer> {
    const users = [call.target, operand(call, 'grant_userid'), operand(call, 'revoke_userid')];
    users.push(operand(call, 'portnum')?.split(' ')[1], call.flags.get('I'), call.flags.get('U'));
    const injected = this.faults.smapi(name, users);
    const relocation = this.faults.relocation(name, users);
    if (relocation?.when === 'before') this.relocate(relocation);
    if (injected?.when === 'before') return answerWith(spec, call, injected.code);
    const result = await this.carryOut(spec, call);
    if (relocation?.when === 'after') this.relocate(relocation);
    return injected ? answerWith(spec, call, injected.code) : conclude(spec, call, result);
  }

  /** Live guest relocation in between, from whichever member runs the guest. */
  private relocate({ userid, to }: { userid: string; to: string }): void {
    const { members } = this.system;
    const from = members.find((member) => member.guest(userid)?.loggedOn === true) ?? this.system;
    const refused = relocate(
      from,
      members.find(({ zhcpNode }) => zhcpNode === to),
      userid,
    );
    if (refused !== null) from.log('relocation refused', { userid, reason: refused });
  }

  private async carryOut(spec: SmcliFunction, call: SmcliCall): Promise<Code | string> {
    const syntax = checkOperands(spec, call);
    if (syntax) return syntax;
    if (call.target !== '' && !isUserid(call.target)) return [24, 110];
    const guest = this.system.guest(call.target);
    switch (spec.scope) {
      case 'any':
        return spec.required.includes('T') && !guest ? [100, 8] : spec.run(call);
      case 'definition':
        return this.ask(() => spec.run(call));
      case 'live':
        if (!guest) return [200, 4];
        return guest.loggedOn ? spec.run(call, guest) : this.system.loggedOffCode();
      default:
        return guest ? this.update(spec, call, guest) : [400, 4];
    }
  }

  /** A query to DirMaint: it waits for its turn where there is a pause between requests. */
  private async ask<T>(work: () => T): Promise<T> {
    const { intervalMs } = this.system.pace(false);
    return intervalMs === 0 ? work() : this.system.dirmaint.carryOut(1, { intervalMs, serviceMs: 0 }, work);
  }

  /** The directory manager locks the user while it works (docs/reference/zvm.md 2.3). */
  private async update(
    spec: Extract<SmcliFunction, { scope: 'directory' }>,
    call: SmcliCall,
    guest: Guest,
  ): Promise<Code> {
    const { entry } = guest;
    const refused = lockRefusal(guest, spec.lock);
    if (refused) return refused;
    if (spec.lock === 'takes' || spec.lock === 'gives') return this.ask(() => spec.run(call, guest));
    entry.updating = true;
    const pace = this.system.pace(spec.lock === 'needs');
    const carryOut = () =>
      this.system.dirmaint.carryOut(spec.requests?.(call) ?? 1, pace, () => {
        entry.updating = false;
        return spec.run(call, guest);
      });
    if (!this.settings.directoryAsync) return carryOut();
    const operation = this.nextOperation++;
    void carryOut().then((code) => this.system.log('asynchronous', { userid: guest.userid, operation, code }));
    return [592, operation];
  }
}

/** 400/12: another caller has the entry; 400/24: it is not locked, and would have to be (docs/reference/zvm.md 5.4). */
function lockRefusal({ entry }: Guest, lock: 'takes' | 'gives' | 'needs' | undefined): Code | undefined {
  if (entry.updating || entry.lock === 'administrator') return [400, 12];
  const needed = lock === 'gives' || lock === 'needs';
  if (needed) return entry.lock === 'none' ? [400, 24] : undefined;
  return entry.lock === 'none' ? undefined : [400, 12];
}

/** The later smcli takes these anywhere; `--timeout` with the word behind it. */
function withoutLongOptions(given: readonly string[]): { argv: string[]; header: boolean } {
  const argv = given.filter((word) => word !== RETURN_CODE_HEADER);
  const header = argv.length < given.length;
  for (let at = argv.indexOf(TIMEOUT); at >= 0; at = argv.indexOf(TIMEOUT)) argv.splice(at, 2);
  return { argv, header };
}
