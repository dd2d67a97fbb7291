import { defined } from '../../../domain/defined.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import type { Absence } from '../../../domain/guest/absence.ts';
import type { GuestState, LiveNic, Nicdef, RecordedPort } from '../../../domain/guest/guest.ts';
import type { ConfiguredRules } from '../../../domain/host/host.ts';
import type { HostCapabilities } from '../../../domain/host/host-capabilities.ts';
import type { PlanningContext } from '../../../domain/planning/planning-context.ts';
import { refusal } from '../../../domain/planning/refusal.ts';
import { type MacPrefix, macFromId } from '../../../domain/port/mac.ts';
import { PortId, type Userid } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { type BackendError, notDefined } from '../../backend-error.ts';
import type { Reading } from '../../reading.ts';
import { nodeOf } from '../node-name.ts';
import { oddRows, type Place, recordedPorts } from '../record/recorded-ports.ts';
import type { NicRow } from '../rest/client.ts';
import { type GuestLook, vdevOf } from './guest-look.ts';

/** The result of one reading for all guests of a host. */
export type HostView = {
  rules: ConfiguredRules;
  capabilities: HostCapabilities;
  vswitches: readonly Vswitch[];
  placed: ReadonlyMap<PortId, Place>;
  registered: ReadonlySet<Userid>;
  rows: ReadonlyMap<Userid, readonly NicRow[]>;
  macsInUse: PlanningContext['macsInUse'];
  portsInEntries: NonNullable<PlanningContext['portsInEntries']>;
};

/** One guest as z/VM has it, or why it could not be read. */
export type GuestOutcome = { look: Omit<GuestLook, 'rows'>; findings: readonly Finding[] } | { failure: BackendError };

/** The part of one guest in a reading. Throws a BackendError when it, or the MAC prefix, is not known. */
export function readingOf(view: HostView, userid: Userid, outcome: GuestOutcome | undefined): Reading {
  const { registered, vswitches, placed, macsInUse, portsInEntries, capabilities } = view;
  const macPrefix = view.rules.wantedMacPrefix;
  if (macPrefix === undefined) throw withoutPrefix(userid);
  if (outcome === undefined) throw new Error(`${userid} was not asked for`);
  if ('failure' in outcome) throw outcome.failure;
  const { directory, live, devices } = outcome.look;
  const rows = view.rows.get(userid) ?? [];
  const recorded = recordedPorts({ userid, rows, directory: directory ?? [] }, { vswitches, placed, macPrefix });
  const absence = absenceOf(registered.has(userid), directory !== undefined, live !== undefined);
  const findings = [...outcome.findings];
  return {
    guest: {
      userid,
      names: [nodeOf(userid)],
      loggedOn: live !== undefined,
      recorded,
      directory: withoutBare(directory ?? [], recorded),
      live: (live ?? []).map((nic) => withMac(nic, { userid, directory, vswitches, macPrefix }, findings)),
      devices,
      ...defined({ absence }),
      feilong: { registered: registered.has(userid), rows: rowsOf(rows) },
    },
    vswitches,
    capabilities,
    rules: { ...view.rules, macPrefix, liveMac: false },
    macsInUse,
    portsInEntries,
    addressesInUse: new Map(),
    findings,
    recordFindings: oddRows({ userid, rows, directory }),
  };
}

function rowsOf(rows: readonly NicRow[]): NonNullable<GuestState['feilong']>['rows'] {
  return rows.flatMap((row) => {
    const vdev = vdevOf(row);
    return vdev === undefined ? [] : [{ vdev, ...defined({ portId: PortId.safeParse(row.port ?? '').data }) }];
  });
}

function withoutPrefix(userid: Userid): BackendError {
  const advice = "set base_mac to z/VM's USER prefix (QUERY VMLAN)";
  return notDefined(`read ${userid}`, [refusal('host', 'Feilong does not tell the MAC prefix of z/VM', advice)]);
}

function absenceOf(registered: boolean, inDirectory: boolean, loggedOn: boolean): Absence | undefined {
  if (inDirectory) return undefined;
  return { kind: registered ? 'undefined' : 'unknown', remains: loggedOn };
}

/** The statement of a NIC that Nova has made and nobody has wired belongs to its row: taken away, it would take the row along. */
function withoutBare(directory: readonly Nicdef[], recorded: readonly RecordedPort[]): Nicdef[] {
  const unwired = recorded.filter((port) => port.vswitch === undefined && port.unreadable === undefined);
  return directory.filter((nic) => nic.vswitch !== undefined || !unwired.some(({ vdev }) => vdev === nic.vdev));
}

type Around = {
  userid: Userid;
  directory: readonly Nicdef[] | undefined;
  vswitches: readonly Vswitch[];
  macPrefix: MacPrefix;
};

/**
 * A coupled NIC with its MAC. One that was made while the guest runs has an address of CP's until the next logon, and no call of Feilong gives it
 * another: that is said, and does not count as wrong.
 */
function withMac(nic: LiveNic, { userid, directory = [], vswitches, macPrefix }: Around, findings: Finding[]): LiveNic {
  const { mac } =
    vswitches.flatMap((vswitch) => vswitch.nics).find((other) => other.userid === userid && other.vdev === nic.vdev) ??
    {};
  const { macId } = directory.find((each) => each.vdev === nic.vdev) ?? {};
  if (mac === undefined) return nic;
  const atLogon = macId === undefined ? mac : macFromId(macPrefix, macId);
  if (mac === atLogon) return { ...nic, mac };
  findings.push({
    of: `guest ${userid}, NIC ${nic.vdev}`,
    reason: `it has the MAC ${mac} until the next logon, then ${atLogon}`,
  });
  return nic;
}
