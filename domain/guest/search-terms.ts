import type { Change, RestoredPort } from '../operations/requests.ts';
import { vlansOf } from '../port/port.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import type { Network } from '../vswitch/network.ts';
import { shortVlans } from '../vswitch/vlan-set.ts';
import { portsOfChange } from './change-ports.ts';

/** Search terms of a run beside host and userid; VLANs as texts, `flat` for none. */
export type PortSearchTerms = { portIds: string[]; vswitches: string[]; vlans: string[] };

/** A port as far as a request or a record describes it. */
type Said = { portId: PortId; vswitch?: VswitchName | undefined; network?: Network | undefined };

// A search attribute holds 2 KB: more VLANs than these are said as ranges.
const MOST_VLANS = 150;

/** The search terms of a change, as far as the request has them. */
export function searchTermsOfChange(change: Change): PortSearchTerms {
  switch (change.kind) {
    case 'createPort':
      return searchTermsOfPorts([change.port]);
    case 'attachNic':
    case 'wirePorts':
      return searchTermsOfPorts(change.ports);
    case 'setPorts':
      return mergedSearchTerms(searchTermsOfPorts(change.ports), {
        ...{ portIds: change.removed ?? [], vswitches: [], vlans: [] },
      });
    case 'reconcile': {
      const vswitches = [...change.unrecorded.map((nic) => nic.vswitch), ...change.left];
      return mergedSearchTerms(searchTermsOfPorts(change.ports), {
        portIds: change.removed ?? [],
        vswitches,
        vlans: [],
      });
    }
    case 'changeVlan':
      return searchTermsOfPorts([change]);
    case 'restore':
      return searchTermsOfRestored(change.ports);
    default:
      return { portIds: portsOfChange(change), vswitches: [], vlans: [] };
  }
}

/** The search terms of ports. */
export function searchTermsOfPorts(ports: readonly Said[]): PortSearchTerms {
  return distinct({
    portIds: ports.map((port) => port.portId),
    vswitches: ports.flatMap((port) => port.vswitch ?? []),
    vlans: vlanTexts(ports.flatMap((port) => port.network ?? [])),
  });
}

/** The search terms of ports that go back to what they were. */
export function searchTermsOfRestored(ports: readonly RestoredPort[]): PortSearchTerms {
  return searchTermsOfPorts(
    ports.map(({ portId, before }) => ({ portId, ...(typeof before === 'string' ? {} : before) })),
  );
}

/** Both. */
export function mergedSearchTerms(one: PortSearchTerms, other: PortSearchTerms): PortSearchTerms {
  return distinct({
    portIds: [...one.portIds, ...other.portIds],
    vswitches: [...one.vswitches, ...other.vswitches],
    vlans: [...one.vlans, ...other.vlans],
  });
}

function distinct({ portIds, vswitches, vlans }: PortSearchTerms): PortSearchTerms {
  return { portIds: [...new Set(portIds)], vswitches: [...new Set(vswitches)], vlans: [...new Set(vlans)] };
}

function vlanTexts(networks: readonly Network[]): string[] {
  const flat = networks.some((network) => network.type === 'flat') ? ['flat'] : [];
  const vlans = [...new Set(networks.flatMap(vlansOf))].sort((one, other) => one - other);
  return [...flat, ...(vlans.length > MOST_VLANS - flat.length ? shortVlans(vlans) : vlans.map(String))];
}
