import type { XcatClient } from '../backend/xcat/rest/client.ts';
import type { HostRules } from '../domain/host/host.ts';
import { refusal } from '../domain/planning/refusal.ts';
import { type PortId, Userid } from '../domain/text/identifiers.ts';
import { createDirectoryEntries, type DirectoryEntries } from './directory-entries.ts';
import { createDirectoryProfiles, type DirectoryProfiles } from './directory-profiles.ts';
import { refusedFailure } from './failures.ts';
import type { NeutronSource } from './neutron-source.ts';

/** One host with its way to z/VM: what the activities of a worker work with. */
export type HostRuntime = {
  rules: Omit<HostRules, 'macPrefix'>;
  xcat: XcatClient;
  zhcp: ZhcpUserid;
  profiles: DirectoryProfiles;
  entries: DirectoryEntries;
  /** Where it is configured. */
  neutron?: NeutronSource;
  /** The QoS policies that ports were last seen with: of each it is said once that it limits nothing. */
  qosPolicies: Map<PortId, string>;
};

/** The zHCP's own userid: the target that SMAPI authorises VSWITCH functions by (contract xcat.md 4.2). */
export type ZhcpUserid = {
  /** Looked up once and kept. Throws a `Refused` failure when xCAT's zvm table has none for the zHCP's node. */
  get(): Promise<Userid>;
  /** What a newer reading of the table says. */
  set(userid: Userid): void;
};

/** Put a host's runtime together. */
export function createHostRuntime(
  rules: HostRuntime['rules'],
  xcat: XcatClient,
  neutron: NeutronSource | undefined,
): HostRuntime {
  const { zhcpNode } = rules;
  let known: Userid | undefined;
  return {
    rules,
    xcat,
    profiles: createDirectoryProfiles(xcat.channel(zhcpNode)),
    entries: createDirectoryEntries(),
    ...(neutron === undefined ? {} : { neutron }),
    qosPolicies: new Map(),
    zhcp: {
      async get() {
        known ??= zhcpUserid(zhcpNode, await xcat.tables.getAttribute('zvm', 'node', zhcpNode, 'userid'));
        return known;
      },
      set(userid) {
        known = userid;
      },
    },
  };
}

/** The userid of the zHCP's node. Throws a `Refused` failure when it has none. */
export function zhcpUserid(zhcpNode: string, text: string | undefined): Userid {
  const userid = Userid.safeParse(text ?? '').data;
  if (userid !== undefined) return userid;
  throw refusedFailure([
    refusal(
      'host',
      `zHCP node ${zhcpNode} has no userid in xCAT's zvm table`,
      'correct xcat_zhcp_nodename, or define the node in xCAT',
    ),
  ]);
}
