import type { HostRules } from '../host/host.ts';
import { type Refusal, refusal } from '../planning/refusal.ts';
import { refuseFlat } from '../planning/unattainable.ts';
import { vlansOf } from '../port/port.ts';
import type { VswitchName } from '../text/identifiers.ts';
import type { Network } from './network.ts';
import { vlanSetWords } from './vlan-set.ts';
import { hasNoVlan, type Vswitch } from './vswitch.ts';

/**
 * Why a port cannot have this network on this VSWITCH: the VSWITCH is not there or not in the host's configuration, is of the wrong kind,
 * or the VLAN is outside the host's ranges. `at` comes before the field, as in `ports.0.`. Empty when it can.
 */
export function refuseNetwork(
  name: VswitchName,
  network: Network,
  at: string,
  { vswitches, rules }: { vswitches: readonly Vswitch[]; rules: HostRules },
): Refusal[] {
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined) {
    const reason = `VSWITCH ${name} is not defined on ${rules.host}`;
    const usable = vswitches.filter((other) => rules.vswitches.some((each) => each.vswitch === other.name));
    const others = usable.map((each) => each.name).join(', ');
    return [refusal(`${at}vswitch`, reason, others === '' ? 'define it' : `define it, or use one of ${others}`)];
  }
  if (vswitch.unclear !== undefined) {
    const advice = `check it by CP QUERY VSWITCH ${name} DETAILS, or use another VSWITCH`;
    return [refusal(`${at}vswitch`, `VSWITCH ${name} of ${rules.host}: ${vswitch.unclear}`, advice)];
  }
  const allowed = rules.vswitches.find((candidate) => candidate.vswitch === name);
  if (allowed === undefined) {
    const advice = `add it to vswitch_mappings, flat_networks or network_vlan_ranges of ${rules.host}`;
    return [refusal(`${at}vswitch`, `VSWITCH ${name} is not in the configuration of ${rules.host}`, advice)];
  }
  if (network.type === 'flat') {
    if (hasNoVlan(vswitch)) return [refuseFlat(`${at}network`, name)];
    if (allowed.flat) return [];
    const advice = 'add its physical network to flat_networks';
    return [refusal(`${at}network.type`, `VSWITCH ${name} is not configured for flat networks`, advice)];
  }
  const field = `${at}network.${network.type === 'vlan' ? 'segmentationId' : 'segmentationIds'}`;
  if (!vswitch.vlanAware) {
    const reason = `VSWITCH ${name} is VLAN-unaware: z/VM refuses a VLAN on it (SMAPI 396/2846)`;
    return [refusal(field, reason, 'use a flat network there, or a VLAN-aware VSWITCH')];
  }
  const outside = vlansOf(network).filter(
    (vlan) => !allowed.vlanRanges.some((range) => range.from <= vlan && vlan <= range.to),
  );
  if (outside.length > 0) {
    const ranges = allowed.vlanRanges.map((range) => `${range.from}–${range.to}`).join(', ') || 'none';
    const reason = `VLAN ${outside.join(', ')} is outside the ranges of ${name} on ${rules.host}: ${ranges}`;
    return [refusal(field, reason, 'use a VLAN of these ranges, or extend network_vlan_ranges')];
  }
  if (vswitch.portSelection === 'USERBASED' && vlanSetWords(vlansOf(network)) === undefined) {
    const reason = `VSWITCH ${name} is user-based: z/VM takes at most 4 VLANs or 2 ranges of them for a userid`;
    return [refusal(field, reason, 'use fewer VLANs or contiguous ranges, or a port-based VSWITCH')];
  }
  return [];
}
