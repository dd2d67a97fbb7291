import { isUserid } from '../directory/nicdef.ts';
import type { EventLog } from '../events.ts';
import type { FaultBoard } from '../faults.ts';
import { Semaphore, sleep } from '../flow.ts';
import type { Settings } from '../options.ts';
import type { Code } from '../zvm/codes.ts';
import { OK } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { ADAPTER_FUNCTIONS } from './adapter.ts';
import { DIRECTORY_FUNCTIONS } from './directory.ts';
import type { SmcliCall, SmcliFunction } from './function.ts';
import { operand } from './function.ts';
import { IMAGE_FUNCTIONS } from './image.ts';
import { checkOperands, parseOptions, type SmcliResult } from './options.ts';
import { answerWith, conclude, lacksField, render, type SmcliAnswer } from './text.ts';
import { VSWITCH_FUNCTIONS } from './vswitch.ts';
import { VSWITCH_SET_FUNCTIONS } from './vswitch-set.ts';

const FUNCTIONS: Record<string, SmcliFunction> = {
  ...VSWITCH_FUNCTIONS,
  ...VSWITCH_SET_FUNCTIONS,
  ...ADAPTER_FUNCTIONS,
  ...DIRECTORY_FUNCTIONS,
  ...IMAGE_FUNCTIONS,
};

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
