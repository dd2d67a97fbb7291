import type { RepairFailure, RepairSubject } from '../operations/requests.ts';
import type { PortId, Userid } from '../text/identifiers.ts';

const NOUNS: Readonly<Record<RepairSubject['kind'], string>> = {
  guest: 'guest',
  port: 'port',
  vswitch: 'VSWITCH',
  uplinks: 'uplinks of VSWITCH',
  node: 'node',
  missingNode: 'node of guest',
  dhcpNode: 'DHCP node',
  managementNetwork: 'management network',
  neutron: 'Neutron',
};

/** The thing that a repair is about, in words: `port 0000…`, `DHCP node`. */
export function subjectText(about: RepairSubject): string {
  const name = nameOf(about);
  return name === undefined ? NOUNS[about.kind] : `${NOUNS[about.kind]} ${name}`;
}

/** A failed repair as a line, by the thing that it is about as far as that is known. */
export function failureText({ about, reason }: { about?: RepairSubject | undefined; reason: string }): string {
  return about === undefined ? reason : `${subjectText(about)}: ${reason}`;
}

/** Equal for the same thing, and for no other of the host. */
export function subjectKey(about: RepairSubject): string {
  return `${about.kind}/${nameOf(about) ?? ''}`;
}

function nameOf(about: RepairSubject): string | undefined {
  if ('userid' in about) return about.userid;
  if ('portId' in about) return about.portId;
  if ('vswitch' in about) return about.vswitch;
  return 'node' in about ? about.node : undefined;
}

/** Guests and ports, each by its own name. */
export type GuestsAndPorts = { userids: ReadonlySet<Userid>; portIds: ReadonlySet<PortId> };

/** The guests and the ports that failures are about. */
export function subjectsOf(failures: readonly Pick<RepairFailure, 'about'>[]): GuestsAndPorts {
  return {
    userids: new Set(failures.flatMap(({ about }) => (about.kind === 'guest' ? [about.userid] : []))),
    portIds: new Set(failures.flatMap(({ about }) => (about.kind === 'port' ? [about.portId] : []))),
  };
}

/** True when the port, or the guest that has it, is among them. */
export function concerns(
  { userids, portIds }: GuestsAndPorts,
  { portId, userid }: { portId: PortId; userid?: Userid | undefined },
): boolean {
  return portIds.has(portId) || (userid !== undefined && userids.has(userid));
}
