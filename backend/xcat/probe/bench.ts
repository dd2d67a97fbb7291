import { setTimeout as pause } from 'node:timers/promises';
import type { LiveNic, Nicdef } from '../../../domain/guest/guest.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import { devicesOfScene, isOnScene, type ProbeScene, SECOND_VSWITCH } from '../../../domain/probe/scene.ts';
import type { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import type { Cancellation } from '../../backend.ts';
import { BackendError } from '../../backend-error.ts';
import { isPassing } from '../../zvm/return-codes.ts';
import { entryIn } from '../reading/entry-reading.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { Command, CommandOutcome } from '../zhcp/channel.ts';
import { editedEntry, nicdefStatement } from '../zhcp/entry-form.ts';
import { REPLACEMENT, replaceEntry } from '../zhcp/entry-replacement.ts';
import type { DirectoryNic } from '../zhcp/nicdef.ts';
import { answered, failureOf, functionOf } from '../zhcp/smapi-outcome.ts';
import * as smcli from '../zhcp/smcli.ts';
import { parseDirectory, parseLiveNics, parseVswitches } from '../zhcp/smcli-parsers.ts';
import { logOff, logOn, unlockEntry } from './commands.ts';
import { markOf } from './entry-mark.ts';

/** The codes of a guest that is logged off (docs/reference/zvm.md 2.2). */
const LOGGED_OFF = ['200/12', '8/45'];
const LOOK_AGAIN_MS = 500;
/** A guest is logged on or off, and a change of the directory comes, within this time or not at all. */
const MOST_LOOKS = 240;

/** SMAPI's answer to a change, `done` or `212/44`, and how long it took in milliseconds. */
export type Answer = { code: string; milliseconds: number };

/** The tools of a probe on its scene: single commands, readings, and the way back. */
export class Bench {
  readonly scene: ProbeScene;
  readonly #host: XcatHost;
  readonly #cancellation: Cancellation;

  constructor(host: XcatHost, scene: ProbeScene, cancellation: Cancellation) {
    this.#host = host;
    this.scene = scene;
    this.#cancellation = cancellation;
  }

  /** Have SMAPI do something, and tell its code. Throws a BackendError when it says nothing, or that it is busy. */
  async answerTo(command: Command): Promise<Answer> {
    const begun = performance.now();
    const outcome = await this.#run(command);
    const milliseconds = Math.round(performance.now() - begun);
    return { code: codeOf(command, outcome), milliseconds };
  }

  async code(command: Command): Promise<string> {
    return (await this.answerTo(command)).code;
  }

  /** The same for a change of the directory; one that DirMaint carries out later is waited for until `isThere`. */
  async change(command: Command, isThere: (nics: readonly Nicdef[]) => boolean): Promise<string> {
    const code = await this.code(command);
    if (!code.startsWith('592/')) return code;
    return (await this.#until(async () => isThere(await this.nicdefs()))) ? 'done' : code;
  }

  /** The output of a query. */
  async output(operation: string, command: Command): Promise<string> {
    return answered(operation, await this.#run(command));
  }

  zhcp(): Promise<Userid> {
    return this.#host.zhcp.get();
  }

  /** The NICs of the guest's directory entry. */
  async nicdefs(): Promise<Nicdef[]> {
    return parseDirectory(await this.output('read the directory entry', smcli.queryDirectory(this.scene.userid)));
  }

  async nicdef(vdev: Vdev): Promise<Nicdef | undefined> {
    return (await this.nicdefs()).find((nic) => nic.vdev === vdev);
  }

  async mark(): Promise<string> {
    const output = await this.output('read the directory entry', smcli.queryDirectory(this.scene.userid));
    return markOf(output, devicesOfScene(this.scene));
  }

  /** The NICs of the running guest; undefined while it is logged off. */
  async live(): Promise<LiveNic[] | undefined> {
    const command = smcli.queryLiveNics(this.scene.userid);
    const outcome = await this.#run(command);
    const code = codeOf(command, outcome);
    if (LOGGED_OFF.includes(code)) return undefined;
    // A running guest without NICs (docs/reference/smcli.md 5.1).
    return code === '212/8' ? [] : parseLiveNics(answered('read live NICs', outcome));
  }

  /** `yes` when the NIC is coupled to the VSWITCH of the scene. */
  async coupled(vdev: Vdev): Promise<'yes' | 'no'> {
    const nic = (await this.live())?.find((each) => each.vdev === vdev);
    return nic?.vswitch === this.scene.vswitch ? 'yes' : 'no';
  }

  async vswitches(): Promise<Vswitch[]> {
    const command = smcli.queryVswitches(await this.zhcp(), '*');
    // smcli ends with 1 after a complete answer where a VSWITCH without a controller is among them (docs/reference/smcli.md 1.2).
    const outcome = await this.#run(command);
    if (outcome.ran && !/^\s*Return Code: /m.test(outcome.output)) return parseVswitches(outcome.output);
    return parseVswitches(answered('read VSWITCHes', outcome));
  }

  async vswitch(): Promise<Vswitch | undefined> {
    return (await this.vswitches()).find(({ name }) => name === this.scene.vswitch);
  }

  /** Log the guest on or off, and wait until it is. */
  async power(state: 'on' | 'off'): Promise<void> {
    const { userid } = this.scene;
    const isSo = async () => ((await this.live()) === undefined) === (state === 'off');
    if (await isSo()) return;
    const command = state === 'on' ? logOn(userid) : logOff(userid);
    const code = await this.code(command);
    const already = state === 'on' ? ['200/8'] : LOGGED_OFF;
    if (code !== 'done' && !already.includes(code)) throw stopped(`log ${userid} ${state}`, `SMAPI answered ${code}`);
    if (!(await this.#until(isSo))) throw stopped(`log ${userid} ${state}`, 'it is not so after two minutes');
  }

  async relogon(): Promise<void> {
    await this.power('off');
    await this.power('on');
  }

  /** Take away all that questions may have left: live NICs, NICs in the directory, grants, port numbers, the second VSWITCH. */
  async clear(): Promise<void> {
    const { userid, vswitch: name } = this.scene;
    const zhcp = await this.zhcp();
    for (const { vdev, vswitch } of (await this.live()) ?? []) {
      if (!isOnScene(this.scene, vdev)) continue;
      if (vswitch !== undefined) await this.code(smcli.uncouple(userid, vdev));
      await this.#gone(`detach NIC ${vdev} from ${userid}`, smcli.removeLiveNic(userid, vdev), [
        '204/8',
        ...LOGGED_OFF,
      ]);
    }
    await this.#clearEntry();
    const vswitches = await this.vswitches();
    for (const { portNumber } of vswitches
      .find((each) => each.name === name)
      ?.authorisations.filter((each) => each.userid === userid) ?? [])
      if (portNumber === undefined)
        await this.#gone(`revoke ${userid} on ${name}`, smcli.revoke(zhcp, name, userid), ['212/8']);
      else
        await this.#gone(
          `take port ${portNumber} of ${name} from ${userid}`,
          smcli.removePort(zhcp, name, portNumber),
          ['212/8'],
        );
    if (vswitches.some((each) => each.name === SECOND_VSWITCH)) await this.deleteVswitch(SECOND_VSWITCH);
  }

  async #clearEntry(): Promise<void> {
    const { userid } = this.scene;
    const left = (await this.nicdefs()).filter(({ vdev }) => isOnScene(this.scene, vdev));
    for (const { vdev } of left) {
      const isGone = (nics: readonly Nicdef[]) => !nics.some((nic) => nic.vdev === vdev);
      const remove = () => this.change(smcli.removeNicFromDirectory(userid, vdev), isGone);
      const what = `remove NIC ${vdev} from the directory of ${userid}`;
      const code = await remove().catch(async (error: unknown) => {
        // A lock that an edit has left, whose zHCP was cut off.
        if (!(error instanceof BackendError) || error.rc !== 400) throw error;
        await this.code(unlockEntry(userid));
        return remove();
      });
      if (code !== 'done' && code !== '404/8') throw stopped(what, `SMAPI answered ${code}`);
    }
    if (left.length > 0) await this.#putOnline();
  }

  async makeVswitch(name: VswitchName): Promise<string> {
    const settings = { transport: 'ETHERNET', vlanAware: true, portSelection: 'USERBASED', rdevs: [] } as const;
    return this.code(smcli.createVswitch(await this.zhcp(), { ...settings, name }));
  }

  async deleteVswitch(name: VswitchName): Promise<void> {
    await this.#gone(`delete VSWITCH ${name}`, smcli.deleteVswitch(await this.zhcp(), name), ['212/40', '0/44']);
  }

  /** Write a NIC into the directory entry, in place of all others of the scene, by replacing the entry. */
  async writeNic(nic: DirectoryNic): Promise<string> {
    const { userid } = this.scene;
    const { nics, form } = entryIn(userid, await this.#run(smcli.queryDirectory(userid)));
    const others = nics.filter(({ vdev }) => isOnScene(this.scene, vdev)).map(({ vdev }) => [vdev, undefined] as const);
    const edit = new Map<Vdev, string | undefined>([...others, [nic.vdev, nicdefStatement(nic)]]);
    const command = replaceEntry(userid, form, editedEntry(form, edit));
    const code = await this.change(command, (written) => written.some(({ vdev }) => vdev === nic.vdev));
    if (code === 'done') await this.#putOnline();
    return code;
  }

  /** Where DirMaint does not do it by itself. */
  async #putOnline(): Promise<void> {
    if (this.#host.rules.directoryOnline) await this.code(smcli.bringDirectoryOnline(this.scene.userid));
  }

  async #gone(what: string, command: Command, already: readonly string[]): Promise<void> {
    const code = await this.code(command);
    if (code !== 'done' && !already.includes(code)) throw stopped(what, `SMAPI answered ${code}`);
  }

  async #run(command: Command): Promise<Extract<CommandOutcome, { ran: true }>> {
    const { stop, leave } = this.#cancellation;
    stop.throwIfAborted();
    const { xcat, rules } = this.#host;
    const [outcome] = await xcat.channel(rules.zhcpNode).run([command], { signal: leave });
    if (outcome?.ran !== true) throw failureOf('ask z/VM', outcome);
    return outcome;
  }

  async #until(isSo: () => Promise<boolean>): Promise<boolean> {
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      if (await isSo()) return true;
      await pause(LOOK_AGAIN_MS, undefined, { signal: this.#cancellation.stop });
    }
    return false;
  }
}

/** `done`, or the codes that SMAPI printed. Throws a BackendError where there are none, and where the next try may have another answer. */
function codeOf(command: Command, outcome: Extract<CommandOutcome, { ran: true }>): string {
  const [, rc, rs = '0'] = /^\s*Return Code: (-?\d{1,9})(?:\s+Reason Code: (-?\d{1,9}))?/m.exec(outcome.output) ?? [];
  if (rc === undefined && outcome.exitStatus === 0) return 'done';
  const { exitStatus } = outcome;
  if (exitStatus === REPLACEMENT.changed || exitStatus === REPLACEMENT.underWay)
    throw stopped(`ask z/VM by ${functionOf(command)}`, 'somebody else changes the directory entry');
  if (rc === undefined || isPassing(Number(rc), Number(rs)))
    throw failureOf(`ask z/VM by ${functionOf(command)}`, outcome, functionOf(command));
  return `${rc}/${rs}`;
}

function stopped(operation: string, reason: string): BackendError {
  return new BackendError({ code: 'smapi', operation, message: `${operation}: ${reason}`, retryable: true });
}
