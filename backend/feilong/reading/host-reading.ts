import { defined } from '../../../domain/defined.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import { macsInEntries, portsInEntries } from '../../../domain/guest/entry-nics.ts';
import { type HostCapabilities, withConfigured } from '../../../domain/host/host-capabilities.ts';
import type { MacInUse } from '../../../domain/port/mac.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { BackendError } from '../../backend-error.ts';
import { type HostReading, type HostRecord, type HostRequest, NOTHING_RECORDED } from '../../reading.ts';
import { parseDirectory } from '../../zvm/directory-parser.ts';
import type { AboutHost, FeilongHost } from '../feilong-host.ts';
import { nodeOf } from '../node-name.ts';
import { hidesPorts, oddRows, recordedPorts, rowsByGuest } from '../record/recorded-ports.ts';
import { lookAtZvm } from './guest-look.ts';
import { type GuestOutcome, type HostView, readingOf } from './guest-reading.ts';
import { readVswitches } from './vswitches.ts';

/**
 * Read all that decisions about guests look at: Feilong's tables, the host's VSWITCHes, and the entry and the live NICs of each guest that is
 * asked for. A survey of a host is 5 calls and one for each VSWITCH, however many guests it has; a guest in full is two more. Throws a
 * BackendError when the host cannot be read; `read` throws it for one guest.
 */
export async function readHost(host: FeilongHost, request: HostRequest): Promise<HostReading> {
  const { userids, survey = false, entriesOf = [] } = request;
  const { feilong, rules, entries } = host;
  const [reading, registered, rows, about, inDirectory, ofGuests] = await Promise.all([
    readVswitches(feilong),
    feilong.guests(),
    feilong.nics(),
    survey ? host.about.read() : host.about.known(),
    survey ? directoryUserids(host) : NOT_ASKED,
    Promise.all(userids.map(async (userid) => [userid, await outcomeOf(host, userid)] as const)),
    Promise.all(entriesOf.map((userid) => noteEntry(host, userid))),
  ]);
  const { vswitches, findings } = reading;
  const capabilities = capabilitiesOf(about, rules.capabilities);
  const prefix = rules.wantedMacPrefix;
  const macs = [...macsOnVswitches(vswitches), ...(prefix === undefined ? [] : macsInEntries(entries.known, prefix))];
  const view: HostView = {
    rules,
    capabilities,
    vswitches,
    placed: host.placed,
    registered: new Set(useridsIn(registered)),
    rows: rowsByGuest(rows),
    macsInUse: Map.groupBy(macs, ({ mac }) => mac),
    portsInEntries: portsInEntries(entries.known),
  };
  const outcomes = new Map(ofGuests);
  const record = survey ? recordOf(view, inDirectory.userids) : NOTHING_RECORDED;
  return {
    vswitches,
    members: [],
    agent: about.userid,
    server: survey ? { userid: about.userid, here: true } : undefined,
    ...record,
    findings: [...findings, ...record.findings, ...(survey ? [...about.findings, ...inDirectory.findings] : [])],
    iplTime: survey ? about.iplTime : undefined,
    capabilities,
    read(userid) {
      const read = readingOf(view, userid, outcomes.get(userid));
      entries.note(userid, read.guest.directory, read.guest.recorded);
      return read;
    },
  };
}

/** Read Feilong's tables, and the VSWITCHes, whose authorisations have the VLANs of ports. */
export async function readRecord(host: FeilongHost): Promise<HostRecord> {
  const { feilong, rules } = host;
  const [{ vswitches }, registered, rows, inDirectory] = await Promise.all([
    readVswitches(feilong),
    feilong.guests(),
    feilong.nics(),
    directoryUserids(host),
  ]);
  const source = { vswitches, placed: host.placed, rules };
  return recordOf(
    { ...source, registered: new Set(useridsIn(registered)), rows: rowsByGuest(rows) },
    inDirectory.userids,
  );
}

type Tables = Pick<HostView, 'rules' | 'vswitches' | 'placed' | 'registered' | 'rows'>;

const NOT_ASKED: { userids: readonly Userid[]; findings: readonly Finding[] } = { userids: [], findings: [] };

/** The guests of the user directory. A server that may not ask for them knows the registered ones. */
async function directoryUserids({ feilong }: FeilongHost): Promise<typeof NOT_ASKED> {
  try {
    return { userids: useridsIn(await feilong.directoryUserids()), findings: [] };
  } catch (error) {
    if (!(error instanceof BackendError) || error.retryable || error.code === 'unauthorised') throw error;
    return { userids: [], findings: [{ of: 'user directory', reason: error.message }] };
  }
}

function recordOf({ registered, rows, rules, ...source }: Tables, inDirectory: readonly Userid[]): HostRecord {
  const guests = new Set([...registered, ...inDirectory]);
  const ofGuests = [...rows].map(([userid, all]) => ({ userid, rows: all, directory: undefined }));
  const recorded = new Map(
    ofGuests.flatMap((guest) => {
      const ports = recordedPorts(guest, { ...source, macPrefix: rules.wantedMacPrefix });
      return ports.length === 0 ? [] : [[guest.userid, ports] as const];
    }),
  );
  // Of a registered guest only the directory tells whether it is still there.
  const isGone = (userid: Userid) => !guests.has(userid) || (inDirectory.length > 0 && !inDirectory.includes(userid));
  const gone = [...new Set([...recorded.keys()])].filter(isGone);
  return {
    guests: new Set([...guests].filter((userid) => !gone.includes(userid))),
    nodes: new Map(
      [...registered].filter((userid) => !gone.includes(userid)).map((userid) => [nodeOf(userid), userid]),
    ),
    recorded,
    absent: new Map(gone.map((userid) => [userid, { node: nodeOf(userid), why: { kind: 'unknown' } }])),
    orphans: [],
    hidesPorts: new Set(ofGuests.filter(hidesPorts).map(({ userid }) => userid)),
    nicsOfOthers: new Map(),
    findings: ofGuests.flatMap(oddRows),
  };
}

async function outcomeOf({ feilong }: FeilongHost, userid: Userid): Promise<GuestOutcome> {
  const findings: Finding[] = [];
  try {
    const report = ({ of, reason }: Finding) => findings.push({ of: `guest ${userid}, ${of}`, reason });
    return { look: await lookAtZvm(feilong, userid, undefined, report), findings };
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    return { failure: error };
  }
}

/** An entry that cannot be read, as of a guest that the directory has no more, is as nothing: no decision is about it. */
async function noteEntry({ feilong, entries }: FeilongHost, userid: Userid): Promise<void> {
  try {
    const entry = await feilong.directoryEntry(userid);
    if (entry !== undefined) entries.note(userid, parseDirectory(entry), []);
  } catch (error) {
    // It is said where the guest itself is read.
    if (!(error instanceof BackendError)) throw error;
  }
}

function macsOnVswitches(vswitches: readonly Vswitch[]): MacInUse[] {
  return vswitches.flatMap((vswitch) =>
    vswitch.nics.flatMap(({ userid, vdev, mac }) => (mac === undefined ? [] : [{ mac, owner: userid, vdev }])),
  );
}

function useridsIn(texts: readonly string[]): Userid[] {
  return texts.flatMap((text) => Userid.safeParse(text).data ?? []);
}

const UNTOLD = { state: 'unknown', reason: 'Feilong does not tell it' } as const;

function capabilitiesOf({ release }: AboutHost, configured: Parameters<typeof withConfigured>[1]): HostCapabilities {
  return withConfigured(
    {
      release: release === undefined ? UNTOLD : { state: 'known', value: release, from: 'z/VM' },
      serviceLevel: UNTOLD,
      networkService: UNTOLD,
      directoryNetworkAuthorization: UNTOLD,
      smapiLevel: UNTOLD,
      smcli: { state: 'known', value: 'feilong', from: 'z/VM' },
    },
    defined(configured ?? {}),
  );
}
