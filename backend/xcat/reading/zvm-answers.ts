import { directoryAuthorizes } from '../../../domain/host/host-capabilities.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { HostRequest } from '../../reading.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { Command, CommandOutcome } from '../zhcp/channel.ts';
import {
  endIfLoggedOn,
  endUnlessLoggedOn,
  LOGGED_ON,
  queryActiveDevices,
  queryDirectory,
  queryLiveNics,
  queryNicVlans,
  queryVmlan,
  queryVswitches,
  systemInfo,
} from '../zhcp/smcli.ts';
import type { DeviceOutcomes } from './guest-devices.ts';

/** The answers of a z/VM system, all of one call. */
export type ZvmAnswers = {
  vswitches: CommandOutcome | undefined;
  vmlan: CommandOutcome | undefined;
  /** Of a survey. */
  system: CommandOutcome | undefined;
  ofGuests: ReadonlyMap<Userid, DeviceOutcomes>;
  /** Entries of guests of which nothing else was asked. */
  entries: readonly (readonly [Userid, CommandOutcome | undefined])[];
  levels: readonly (CommandOutcome | undefined)[];
};

/** Ask for VSWITCHes, guests and what else a request names, in one call. */
export async function askZvm(
  host: XcatHost,
  { userids, survey = false, directoryOf = () => true, entriesOf = [] }: HostRequest,
): Promise<ZvmAnswers> {
  const zhcp = await host.zhcp.get();
  const chains: Command[][] = [];
  let asked = 0;
  let outcomes: readonly CommandOutcome[] = [];
  const add = (chain: Command[]) => {
    const from = asked;
    chains.push(chain);
    asked += chain.length;
    return () => outcomes.slice(from, from + chain.length);
  };
  const ask = (command: Command) => {
    const answer = add([command]);
    return () => answer()[0];
  };
  const [vswitches, vmlan] = systemQuestions(zhcp).map(ask);
  const system = survey ? ask(systemInfo()) : undefined;
  const guests = userids.map((userid) => {
    const readsEntry = directoryOf(userid);
    const running = runningQuestions(host, zhcp, userid, { devices: readsEntry, isRunning: false });
    // A chain of its own: it is asked beside the others.
    const entry = readsEntry ? ask(queryDirectory(userid)) : undefined;
    return { userid, running, answers: add(running.chain), entry };
  });
  const entries = entriesOf.map((userid) => ({ userid, entry: ask(queryDirectory(userid)) }));
  const levels = host.levels.due(zhcp, survey).map(ask);
  outcomes = await host.xcat.channel(host.rules.zhcpNode).run(chains, { patient: survey });
  const ofGuests = guests.map(({ userid, running, answers, entry }): [Userid, DeviceOutcomes] => [
    userid,
    // An entry that was not asked for differs from one without an answer.
    { ...running.outcomesIn(answers()), ...(entry && { directory: entry() }) },
  ]);
  return {
    vswitches: vswitches?.(),
    vmlan: vmlan?.(),
    system: system?.(),
    ofGuests: new Map(ofGuests),
    entries: entries.map(({ userid, entry }) => [userid, entry()]),
    levels: levels.map((level) => level()),
  };
}

/** Questions about the system that each reading asks: for its VSWITCHes, and for its VMLAN settings. */
export function systemQuestions(zhcp: Userid): [Command, Command] {
  return [queryVswitches(zhcp, '*'), queryVmlan()];
}

/** Questions about one guest that are asked one after another, each whatever the answers before it; the first ends them for a guest that is logged off. */
type GuestQuestions = {
  chain: Command[];
  outcomesIn(outcomes: readonly CommandOutcome[]): DeviceOutcomes;
};

/** Questions about a guest as it runs: its NICs and their VLANs, and its other devices if so wanted. One that may be logged off is asked for that first. */
function runningQuestions(
  host: XcatHost,
  zhcp: Userid,
  userid: Userid,
  { devices, isRunning }: { devices: boolean; isRunning: boolean },
): GuestQuestions {
  const vlans = vlanQuestions(host, zhcp, userid);
  const active = devices ? [queryActiveDevices(userid)] : [];
  const questions = [...vlans, ...[...active, queryLiveNics(userid)].map(asQuestion)];
  const user = isRunning ? [] : [endUnlessLoggedOn(userid)];
  return {
    chain: [...user, ...questions],
    outcomesIn(outcomes) {
      const answers = outcomes.slice(user.length);
      const nics = answers[vlans.length + active.length];
      return {
        // A guest that is logged off has no NICs, which CP says.
        nics: nics?.ran === true ? nics : outcomes[0],
        ...(vlans.length > 0 && { vlans: answers[0] }),
        ...(devices && { active: answers[vlans.length] }),
      };
    },
  };
}

/** A guest whose chain has ended: `isRunning` by its last steps, and `nics` from before it, where it can only have coupled these. */
type KnownOfGuest = { isRunning: boolean; nics: CommandOutcome | undefined };

/**
 * The questions that tell whether a guest is as its plan wants it, for the chain that has changed it. They leave out other devices of the running
 * guest, by which places for new NICs are found; the directory entry where it is taken as recorded; and NICs that are known.
 */
export function readBackQuestions(
  host: XcatHost,
  zhcp: Userid,
  userid: Userid,
  { directory, ...known }: { directory: boolean } & KnownOfGuest,
): GuestQuestions {
  const entry = directory ? [asQuestion(queryDirectory(userid))] : [];
  const running =
    known.nics === undefined
      ? runningQuestions(host, zhcp, userid, { devices: false, isRunning: known.isRunning })
      : couplingQuestions(host, zhcp, userid, { isRunning: known.isRunning, nics: known.nics });
  return {
    chain: [...entry, ...running.chain],
    outcomesIn(outcomes) {
      const found = running.outcomesIn(outcomes.slice(entry.length));
      return directory ? { ...found, directory: outcomes[0] } : found;
    },
  };
}

/** Questions about a guest whose NICs are known but for their couplings, which the VSWITCHes tell: whether it runs, and only if that is not sure its NICs. */
function couplingQuestions(
  host: XcatHost,
  zhcp: Userid,
  userid: Userid,
  { isRunning, nics }: { isRunning: boolean; nics: CommandOutcome },
): GuestQuestions {
  const vlans = vlanQuestions(host, zhcp, userid);
  const user = isRunning ? [] : [endIfLoggedOn(userid), asQuestion(queryLiveNics(userid))];
  return {
    chain: [...vlans, ...user],
    outcomesIn(outcomes) {
      const [where, asked] = outcomes.slice(vlans.length);
      const isAsKnown = isRunning || (where?.ran === true && where.exitStatus === LOGGED_ON);
      return {
        ...(isAsKnown ? { nics, coupledSince: true } : { nics: asked }),
        ...(vlans.length > 0 && { vlans: outcomes[0] }),
      };
    },
  };
}

/** The question for the VLANs of a guest's NICs. Where grants alone authorise, they say them. */
function vlanQuestions({ levels }: XcatHost, zhcp: Userid, userid: Userid): Command[] {
  const asksVlans = levels.last === undefined || directoryAuthorizes(levels.last);
  return asksVlans ? [asQuestion(queryNicVlans(zhcp, userid))] : [];
}

function asQuestion(command: Command): Command {
  return { ...command, isQuestion: true };
}
