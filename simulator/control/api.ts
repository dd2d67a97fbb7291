import { nicdefStatements } from '../directory/nicdef.ts';
import type { EventLog } from '../events.ts';
import { type FaultBoard, FaultRuleSchema } from '../faults.ts';
import type { ManagementNode } from '../xcat/management-node.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import type { Vswitch } from '../zvm/vswitch.ts';
import { effectiveVlans } from '../zvm/vswitch.ts';
import { addDevice, changeEntry, changeProfile } from './entries.ts';
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
    const answer = changeSystem(system, rest.slice(1), parsed);
    // contract 10: the management node goes down with the system that carries it
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
    return { status: 409, body: { error: error instanceof Error ? error.message : String(error) } };
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

function changeSystem(system: ZvmSystem, [first, userid, ...more]: string[], body: unknown): Answer {
  const [action] = more;
  if (first === 'ipl') {
    const autolog = typeof body === 'object' && body !== null && 'autolog' in body ? body.autolog !== false : true;
    system.reIpl(autolog);
    return ok({ iplTime: system.iplTime });
  }
  if (first === 'reachable' || first === 'unreachable') {
    system.reachable = first === 'reachable';
    return ok({});
  }
  if (first === 'profiles') return changed(changeProfile(system, userid ?? '', body), () => ({}));
  if (first === 'vswitches') return changeUplink(system, [userid, ...more]);
  const guest = first === 'guests' ? system.guest(userid ?? '') : undefined;
  if (!guest) return NOT_FOUND;
  if (action === 'lock' || action === 'unlock') guest.locked = action === 'lock';
  else if (action === 'logon') system.logon(guest);
  else if (action === 'logoff') system.logoff(guest);
  else if (action === 'directory') return changed(changeEntry(guest, body), () => describeGuest(guest));
  else if (action === 'devices') return changed(addDevice(guest, body), () => describeGuest(guest));
  else return NOT_FOUND;
  return ok(describeGuest(guest));
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
    const { zhcpUserid, iplTime, reachable } = system;
    const described = {
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

function describeGuest(guest: Guest): unknown {
  const { loggedOn, locked, nicdefs, statements, profile, nics, devices } = guest;
  const directory = nicdefs.map((each) => ({
    ...each,
    vswitch: each.lan?.owner === 'SYSTEM' ? each.lan.name : null,
    text: nicdefStatements(each).join('\n'),
  }));
  return { loggedOn, locked, directory, statements, profile, nics, devices };
}
