import { gzipSync } from 'node:zlib';
import type { ZvmBackend } from '../backend/backend.ts';
import { coupledAt, coupledUserids, guestsOfMembers } from '../backend/member-places.ts';
import type { HostReading, Reading, RecordedAbsence } from '../backend/reading.ts';
import { defined } from '../domain/defined.ts';
import { type Finding, findingText } from '../domain/drift/finding.ts';
import { misleadingNicdefs } from '../domain/drift/misleading-nicdefs.ts';
import { unclearPorts } from '../domain/drift/unclear-ports.ts';
import { absenceRefusal } from '../domain/guest/absence.ts';
import { absenceLine } from '../domain/guest/absent-guest.ts';
import { serverName } from '../domain/host/host.ts';
import { behaviourTexts } from '../domain/host/host-behaviour.ts';
import { guestViewOf, type HostView, type ShownGuest, vswitchViewOf } from '../domain/host/host-view.ts';
import { type Decision, decide } from '../domain/planning/decision.ts';
import { type PlanRecord, plan } from '../domain/planning/planner.ts';
import { sentence } from '../domain/planning/steps.ts';
import type { NodeName, Userid } from '../domain/text/identifiers.ts';
import { authorisedVlans } from '../domain/vswitch/vswitch.ts';
import type { ShownHost } from '../workflows/host-activities.ts';
import { refusedFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { readInTime } from './reading-in-time.ts';
import { stateTagsOf } from './state-tags.ts';
import { disagreements, readShadow } from './survey-shadow.ts';

/** Read a whole host for a waiting caller: record and z/VM side by side. Throws a BackendError when it cannot be read. */
export function showHost(host: HostRuntime): Promise<ShownHost> {
  return readInTime(`read ${host.rules.host}`, host.backend.kind, () => readShownHost(host));
}

async function readShownHost(host: HostRuntime): Promise<ShownHost> {
  const [reading, shadow] = await Promise.all([
    host.backend.readHost({ userids: [], survey: true, single: true }),
    readShadow(host),
  ]);
  const { recorded, vswitches, nodes, iplTime, capabilities, absent, findings, orphans } = reading;
  const at = coupledAt(reading);
  const networks = new Map(host.rules.vswitches.map((each) => [each.vswitch, each.physicalNetwork]));
  const named = new Map([...nodes].map(([node, userid]) => [userid, node]));
  const guests = [
    // Several nodes may stand for one guest.
    ...[...named].map(([userid, node]) =>
      guestViewOf(userid, node as NodeName, recorded.get(userid) ?? [], { ...at(userid), capabilities }),
    ),
    ...[...absent].map(([userid, { node, why }]) =>
      guestViewOf(
        userid,
        node,
        recorded.get(userid) ?? [],
        { vswitches, capabilities },
        absentWords(userid, why, host.backend),
      ),
    ),
  ];
  const behaviour = behaviourTexts(capabilities);
  const view: HostView = {
    host: host.rules.host,
    iplTime: iplTime ?? null,
    capabilities,
    ...(behaviour.length === 0 ? {} : { behaviour }),
    vswitches: vswitches.map((vswitch) => vswitchViewOf(vswitch, networks.get(vswitch.name))),
    guests: guests.toSorted((one, other) => (one.userid < other.userid ? -1 : 1)),
    ...defined({ visitors: visitorsIn(reading) }),
    findings: limited([
      ...findings,
      ...orphans.map(({ node, reason }) => ({ of: `node ${node}`, reason })),
      ...disagreements(host, reading, shadow),
    ]),
  };
  return {
    host: host.rules.host,
    guests: guests.length,
    ports: guests.reduce((sum, guest) => sum + guest.ports.length, 0),
    drifted: guests.filter((guest) => guest.drift.length > 0).length,
    view: gzipSync(JSON.stringify(view)).toString('base64'),
  };
}

/** Guests of other members that run on the host; undefined on one that is no member of a cluster. */
function visitorsIn(reading: HostReading): HostView['visitors'] {
  if (reading.capabilities.ssi === undefined) return undefined;
  const here = coupledUserids(reading.vswitches);
  return guestsOfMembers(reading)
    .filter(({ userid }) => here.has(userid))
    .map(({ userid, node, member, recorded }) => ({
      ...{ userid, node, belongsTo: member },
      portIds: recorded.map(({ portId }) => portId),
    }));
}

const MOST_FINDINGS = 200;

/** The first of many, with how many there are more. */
function limited(findings: readonly Finding[]): Finding[] {
  const more = findings.length - MOST_FINDINGS;
  return more <= 0
    ? [...findings]
    : [...findings.slice(0, MOST_FINDINGS), { of: 'findings', reason: `and ${more} more` }];
}

function absentWords(userid: Userid, why: RecordedAbsence, { kind }: Pick<ZvmBackend, 'kind'>): string {
  if (why.kind !== 'unknown') return absenceLine(userid, why);
  return `guest ${userid} with ports on this host is not in ${serverName(kind)}`;
}

/**
 * Read one guest in full, for somebody who waits, and what reconciliation would do to it. Throws a `Refused` failure for a guest that is not
 * known, and has no port either.
 */
export function showGuest(host: HostRuntime, userid: Userid): Promise<ShownGuest> {
  return readInTime(`read ${userid}`, host.backend.kind, () => readShownGuest(host, userid));
}

async function readShownGuest(host: HostRuntime, userid: Userid): Promise<ShownGuest> {
  const context = (await host.backend.readHost({ userids: [userid], single: true })).read(userid);
  const { absence, recorded } = context.guest;
  if (absence !== undefined && absence.kind !== 'undefined' && recorded.length === 0)
    throw refusedFailure([absenceRefusal(userid, host.rules, absence)]);
  return shownOf(context, host.backend.planRecord);
}

function problemsOf(decision: Decision): string[] {
  if (!decision.accepted) return decision.refusals.map(({ reason }) => reason);
  return decision.refused.flatMap(({ portId, refusals }) =>
    refusals.map(({ field, reason }) =>
      // A problem of the guest is shown once.
      field === 'userid' || reason.includes(portId) ? reason : `port ${portId}: ${reason}`,
    ),
  );
}

/** A reading of a guest in the form for callers. */
export function shownOf({ guest, findings, recordFindings, ...context }: Reading, planRecord: PlanRecord): ShownGuest {
  const change = { kind: 'reconcile' as const, ports: [], removed: [], unrecorded: [], left: [] };
  const decision = decide(change, { guest, ...context, avoidMacs: new Set() });
  const { userid, names, loggedOn, recorded, directory, live } = guest;
  const shown = {
    userid,
    node: names[0],
    loggedOn,
    record: [...recorded],
    directory: [...directory],
    live: [...live],
    authorisations: context.vswitches.flatMap((vswitch) =>
      vswitch.authorisations
        .filter((entry) => entry.userid === userid)
        .map((entry) => ({
          vswitch: vswitch.name,
          vlans: [...authorisedVlans(vswitch, entry)],
          ...defined({ portNumber: entry.portNumber }),
        })),
    ),
    steps: decision.accepted
      ? plan(decision.desired, guest, context.vswitches, planRecord, context.capabilities).map(sentence)
      : [],
    problems: [
      ...new Set([
        ...[...recordFindings, ...findings, ...misleadingNicdefs(guest, context.capabilities)].map(findingText),
        ...unclearPorts(guest, context.vswitches).map(({ portId, reason }) => `port ${portId}: ${reason}`),
        ...problemsOf(decision),
      ]),
    ],
  };
  const { runsOn } = guest.cluster ?? {};
  // A relocation alone leaves the tags: steps go where the guest is.
  return { ...shown, ...defined({ runsOn }), tags: stateTagsOf(shown) };
}
