import { gzipSync } from 'node:zlib';
import { type Decision, decide } from '../network/decision.ts';
import { guestViewOf, type HostView, type ShownGuest, vswitchViewOf } from '../network/host-view.ts';
import type { NodeName, Userid } from '../network/identifiers.ts';
import { plan } from '../network/planner.ts';
import { sentence } from '../network/steps.ts';
import { authorisedVlans } from '../network/vswitch.ts';
import type { ShownHost } from '../workflows/host-activities.ts';
import { type Reading, readGuests, readHost } from './guest-reading.ts';
import type { HostRuntime } from './host-runtime.ts';
import { stateTagsOf } from './state-tags.ts';

/** Read a whole host: record and z/VM side by side. Throws an XcatError when it cannot be read. */
export async function showHost(host: HostRuntime): Promise<ShownHost> {
  const { recorded, vswitches, nodes, iplTime } = await readHost(host, [], true);
  const networks = new Map(host.rules.vswitches.map((each) => [each.vswitch, each.physicalNetwork]));
  const guests = [...nodes].map(([node, userid]) =>
    guestViewOf(userid, node as NodeName, recorded.get(userid) ?? [], vswitches),
  );
  const view: HostView = {
    host: host.rules.host,
    iplTime: iplTime ?? null,
    vswitches: vswitches.map((vswitch) => vswitchViewOf(vswitch, networks.get(vswitch.name))),
    guests: guests.toSorted((one, other) => (one.userid < other.userid ? -1 : 1)),
  };
  return {
    host: host.rules.host,
    guests: guests.length,
    ports: guests.reduce((sum, guest) => sum + guest.ports.length, 0),
    drifted: guests.filter((guest) => guest.drift.length > 0).length,
    view: gzipSync(JSON.stringify(view)).toString('base64'),
  };
}

/** Read one guest in full, and what reconciliation would do to it. Throws a `Refused` failure for a guest that is not known. */
export async function showGuest(host: HostRuntime, userid: Userid): Promise<ShownGuest> {
  return shownOf((await readGuests(host, [userid]))(userid));
}

function problemsOf(decision: Decision): string[] {
  if (!decision.accepted) return decision.refusals.map(({ reason }) => reason);
  return decision.refused.flatMap(({ portId, refusals }) => refusals.map(({ reason }) => `port ${portId}: ${reason}`));
}

/** A guest that was read, as it is shown. */
export function shownOf({ guest, ...around }: Reading): ShownGuest {
  const change = { kind: 'reconcile' as const, ports: [], removed: [], unrecorded: [], left: [] };
  const decision = decide(change, { guest, ...around, avoidMacs: new Set() });
  const { userid, node, loggedOn, recorded, directory, live } = guest;
  const shown = {
    userid,
    node,
    loggedOn,
    record: [...recorded],
    directory: [...directory],
    live: [...live],
    authorisations: around.vswitches.flatMap((vswitch) =>
      vswitch.authorisations
        .filter((entry) => entry.userid === userid)
        .map((entry) => ({
          vswitch: vswitch.name,
          vlans: [...authorisedVlans(vswitch, entry)],
          ...(entry.portNumber === undefined ? {} : { portNumber: entry.portNumber }),
        })),
    ),
    steps: decision.accepted ? plan(decision.desired, guest, around.vswitches).map(sentence) : [],
    problems: problemsOf(decision),
  };
  return { ...shown, tags: stateTagsOf(shown) };
}
