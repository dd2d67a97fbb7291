import { messageOf } from '../../command-line/program.ts';
import type { EventLog } from '../events.ts';
import { type FaultBoard, FaultRuleSchema } from '../faults.ts';
import type { ManagementNode } from '../xcat/management-node.ts';
import type { Guest, Nic } from '../zvm/guest.ts';
import { Asked, Release } from '../zvm/release.ts';
import { relocate } from '../zvm/relocation.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import type { Vswitch } from '../zvm/vswitch.ts';
import { effectiveVlans } from '../zvm/vswitch.ts';
import { addDevice, changeEntry, changeProfile, changeSubconfig } from './entries.ts';
import { restoreSnapshot, Snapshot, takeSnapshot } from './snapshot.ts';

/** All that is behind the HTTP server. */
export type Inside = { mn: ManagementNode; events: EventLog; faults: FaultBoard };
type Answer = { status: number; body: unknown };

const NOT_FOUND: Answer = { status: 404, body: { error: 'not found' } };

/** The control API below /simulator: what tests and demos use to look inside and to break things. */
export function answerControl(inside: Inside, method: string, url: URL, body: string): Answer {
  const { mn, events, faults } = inside;
  const [, , area, ...rest] = url.pathname.split('/');
  const route = `${method} ${area ?? ''}`;
  if (route === 'GET state') return ok(describeState(inside));
  if (route === 'GET snapshot') return ok(takeSnapshot(mn));
  if (route === 'GET events') return ok(events.since(Number(url.searchParams.get('since') ?? '0')));
  if (route === 'GET counters') return ok({ ...events.counters });
  if (route === 'GET faults') return ok(faults.list());
  if (route === 'DELETE faults') return faults.remove(rest[0]) || rest[0] === undefined ? ok({}) : NOT_FOUND;
  const parsed = parse(body);
  if (parsed === undefined) return { status: 400, body: { error: 'the body is not JSON' } };
  if (route === 'PUT snapshot') return restore(mn, parsed);
  if (route === 'POST faults') {
    const rule = FaultRuleSchema.safeParse(parsed);
    return rule.success
      ? { status: 201, body: { id: faults.add(rule.data) } }
      : { status: 400, body: { error: rule.error.issues } };
  }
  if (route === 'POST restart') {
    mn.restart();
    return ok({});
  }
  if (route === 'POST systems') {
    const system = mn.systemOf(rest[0] ?? '');
    if (!system) return NOT_FOUND;
    const answer = changeSystem(mn, system, rest.slice(1), parsed);
    // the management node goes down with the system that carries it (docs/reference/zvm.md 4.1)
    if (rest[1] === 'ipl' && system === mn.systems[0]) mn.restart();
    return answer;
  }
  return NOT_FOUND;
}

function restore(mn: ManagementNode, body: unknown): Answer {
  const snapshot = Snapshot.safeParse(body);
  if (!snapshot.success) return { status: 400, body: { error: snapshot.error.issues } };
  try {
    restoreSnapshot(mn, snapshot.data);
    return ok({});
  } catch (error) {
    return { status: 409, body: { error: messageOf(error) } };
  }
}

function changed(problem: string | null, describe: () => unknown): Answer {
  return problem === null ? ok(describe()) : { status: 400, body: { error: problem } };
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function parse(body: string): unknown {
  if (body === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** `vswitches/<name>/uplinks/<rdev>/fail` or `/restore` */
function changeUplink(system: ZvmSystem, [name = '', , rdev = '', action]: (string | undefined)[]): Answer {
  const vswitch = system.vswitch(name);
  if (!vswitch || (action !== 'fail' && action !== 'restore')) return NOT_FOUND;
  return system.setUplink(vswitch, rdev.toUpperCase(), action === 'restore') ? ok(describeVswitch(vswitch)) : NOT_FOUND;
}

function changeSystem(mn: ManagementNode, system: ZvmSystem, rest: string[], body: unknown): Answer {
  const [first, name = '', ...more] = rest;
  switch (first) {
    case 'ipl': {
      const autolog = typeof body === 'object' && body !== null && 'autolog' in body ? body.autolog !== false : true;
      system.reIpl(autolog);
      return ok({ iplTime: system.iplTime });
    }
    case 'reachable':
    case 'unreachable':
      system.reachable = first === 'reachable';
      return ok({});
    case 'dna':
      if (name !== 'enable' && name !== 'disable') return NOT_FOUND;
      system.setDna(name === 'enable');
      return ok({});
    case 'behaviour':
      return changed(changeBehaviour(system, body), () => ({ release: system.release, ...system.behaviour }));
    case 'profiles':
      return changed(changeProfile(system, name, body), () => ({}));
    case 'subconfigs':
      return changed(changeSubconfig(system, name, body), () => ({}));
    case 'vswitches':
      return changeUplink(system, [name, ...more]);
    case 'guests':
      return changeGuest(mn, system, [name, ...more], body);
    default:
      return NOT_FOUND;
  }
}

/** `behaviour`: the release and the answers that differ from it; what is not named stays. Answers what is wrong. */
function changeBehaviour(system: ZvmSystem, body: unknown): string | null {
  const { data, error } = Asked.extend({ release: Release.optional() }).safeParse(body);
  if (data === undefined) return error.message;
  const { release = system.release, ...asked } = data;
  system.behave(release, { ...system.asked, ...asked });
  return null;
}

function changeGuest(mn: ManagementNode, system: ZvmSystem, rest: string[], body: unknown): Answer {
  const [userid = '', action, to = ''] = rest;
  const guest = system.guest(userid);
  if (!guest) return NOT_FOUND;
  const describe = () => describeGuest(guest);
  switch (action) {
    case 'lock':
    case 'unlock':
      guest.entry.lock = action === 'lock' ? 'administrator' : 'none';
      return ok(describe());
    case 'logon':
      system.logon(guest);
      return ok(describe());
    case 'logoff':
      system.logoff(guest);
      return ok(describe());
    case 'relocate':
      return changed(relocate(system, mn.systemOf(to), guest.userid), describe);
    case 'directory':
      return changed(changeEntry(guest, body), describe);
    case 'devices':
      return changed(addDevice(guest, body), describe);
    default:
      return NOT_FOUND;
  }
}

function describeState({ mn }: Inside): unknown {
  const tables = Object.fromEntries(mn.tables.names().map((name) => [name, mn.tables.list(name)]));
  const systems = mn.systems.map((system) => {
    const guests = [...system.guests.values()];
    const named = (service: boolean) =>
      Object.fromEntries(
        guests.filter((each) => each.service === service).map((each) => [each.userid, describeGuest(each)]),
      );
    const vswitches = [...system.vswitches.values()].map((each) => [each.name, describeVswitch(each)]);
    const { zhcpUserid, iplTime, reachable, release } = system;
    const described = {
      release,
      zhcpUserid,
      iplTime,
      reachable,
      vswitches: Object.fromEntries(vswitches),
      guests: named(false),
    };
    return [system.zhcpNode, { ...described, serviceMachines: named(true) }];
  });
  return { tables, nodes: [...mn.nodes.keys()], systems: Object.fromEntries(systems) };
}

function describeVswitch(vswitch: Vswitch): unknown {
  const { authorisations, ports, ...plain } = vswitch;
  const users = new Map<string, { vlans: number[]; persist: boolean }>();
  for (const [userid, grant] of authorisations)
    users.set(userid, { vlans: effectiveVlans(vswitch, grant), persist: grant.persist });
  for (const port of ports.values()) {
    const vlans = [...(users.get(port.userid)?.vlans ?? []), ...effectiveVlans(vswitch, port)];
    users.set(port.userid, { vlans, persist: port.persist });
  }
  const shown = [...ports].map(([number, port]) => [
    number,
    { userid: port.userid, vlans: effectiveVlans(vswitch, port) },
  ]);
  return { ...plain, authorisations: Object.fromEntries(users), ports: Object.fromEntries(shown) };
}

function describeGuest({ loggedOn, entry, nics, devices }: Guest): unknown {
  const directory = entry.nicdefs.map(({ written, ...each }) => ({
    ...each,
    vswitch: each.lan?.owner === 'SYSTEM' ? each.lan.name : null,
    text: written?.join('\n'),
  }));
  const { statements, profile, lock } = entry;
  return { loggedOn, locked: lock !== 'none', directory, statements, profile, nics: nics.map(describeNic), devices };
}

function describeNic({ nicdef: _nicdef, ...nic }: Nic): unknown {
  return nic;
}
