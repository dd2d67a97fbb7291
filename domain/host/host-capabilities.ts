import { z } from 'zod';
import { defined } from '../defined.ts';
import type { Finding } from '../drift/finding.ts';
import { ProbedBehaviour } from './probed-behaviour.ts';
import { clusterText, SsiCluster } from './ssi-cluster.ts';

/** A value that z/VM or the configuration has told, or why nobody knows it. It is never guessed. */
function readable<Value extends z.ZodType>(value: Value) {
  return z.discriminatedUnion('state', [
    z.object({ state: z.literal('known'), value, from: z.enum(['z/VM', 'configuration']) }),
    z.object({ state: z.literal('unknown'), reason: z.string() }),
  ]);
}
export type Readable<Value> =
  | { state: 'known'; value: Value; from: 'z/VM' | 'configuration' }
  | { state: 'unknown'; reason: string };

/** A release of z/VM: `7.4`. */
export const ZvmRelease = z.string().regex(/^[1-9]\d?\.\d{1,2}(\.\d{1,2})?$/, 'is not a release of z/VM');

/** Directory network authorization; `absent` where CP does not have it (docs/reference/zvm.md 5.3). */
export const DirectoryNetworkAuthorization = z.enum(['enabled', 'disabled', 'absent']);
export type DirectoryNetworkAuthorization = z.infer<typeof DirectoryNetworkAuthorization>;

/** SMAPI's functional level, as smcli names it: `V7.2`, also for later ones (docs/reference/zvm.md 5.3). */
export const SmapiLevel = z.string().regex(/^V\d{1,2}\.\d{1,2}$/, 'is not a functional level of SMAPI');

/** The program that stands for smcli on the zHCP: xCAT's own, or the later one of Feilong. */
export const SmcliKind = z.enum(['xcat', 'feilong']);
export type SmcliKind = z.infer<typeof SmcliKind>;

export { ProbedBehaviour };

/** All that is known of the levels of a host. Whatever depends on a release of z/VM goes by this record. */
export const HostCapabilities = z.object({
  release: readable(ZvmRelease),
  /** CP's service level: `2401`. */
  serviceLevel: readable(z.string()),
  /** The newest network APAR of CP, `Base` without any; it includes all before it. */
  networkService: readable(z.string()),
  directoryNetworkAuthorization: readable(DirectoryNetworkAuthorization),
  smapiLevel: readable(SmapiLevel),
  smcli: readable(SmcliKind),
  /** Absent of a system that is no member of an SSI cluster. */
  ssi: SsiCluster.optional(),
  behaviour: ProbedBehaviour.optional(),
  /** Where each answer comes from: the configuration, or a probe at that time. */
  behaviourFrom: z
    .partialRecord(ProbedBehaviour.keyof(), z.union([z.literal('configuration'), z.iso.datetime()]))
    .optional(),
});
export type HostCapabilities = z.infer<typeof HostCapabilities>;

/** Values of the configuration, which hold whatever z/VM answers. */
export const ConfiguredCapabilities = z
  .object({
    release: ZvmRelease,
    directoryNetworkAuthorization: DirectoryNetworkAuthorization,
    smapiLevel: SmapiLevel,
    smcli: SmcliKind,
    behaviour: ProbedBehaviour,
  })
  .partial();
export type ConfiguredCapabilities = z.infer<typeof ConfiguredCapabilities>;

/** The values that every host has, known or not. */
export type HostLevel = Exclude<keyof HostCapabilities, 'behaviour' | 'behaviourFrom' | 'ssi'>;

/** Names of the values, as findings, lists and the picture say them. */
export const CAPABILITY_NAMES = {
  release: 'z/VM release',
  serviceLevel: 'CP service level',
  networkService: 'network service of CP',
  directoryNetworkAuthorization: 'directory network authorization',
  smapiLevel: 'SMAPI level',
  smcli: 'smcli',
} as const satisfies Record<HostLevel, string>;

const NAMED = Object.entries(CAPABILITY_NAMES) as [HostLevel, string][];

/** The record with the values of the configuration in place of those that z/VM told. */
export function withConfigured(read: HostCapabilities, configured: ConfiguredCapabilities = {}): HostCapabilities {
  const { release, directoryNetworkAuthorization, smapiLevel, smcli, behaviour } = configured;
  return {
    ...read,
    ...defined({
      release: byConfiguration(release),
      directoryNetworkAuthorization: byConfiguration(directoryNetworkAuthorization),
      smapiLevel: byConfiguration(smapiLevel),
      smcli: byConfiguration(smcli),
      behaviour: behaviour === undefined ? undefined : { ...read.behaviour, ...behaviour },
    }),
  };
}

function byConfiguration<Value>(value: Value | undefined): Readable<Value> | undefined {
  return value === undefined ? undefined : { state: 'known', value, from: 'configuration' };
}

/** A finding for each value that nobody knows. */
export function unknownCapabilities(capabilities: HostCapabilities): Finding[] {
  return NAMED.flatMap(([key, of]) => {
    const value = capabilities[key];
    return value.state === 'known' ? [] : [{ of, reason: value.reason }];
  });
}

/** The values by name, as they are shown: `7.4`, `enabled (configured)`, `unknown`. */
export function capabilityTexts(capabilities: HostCapabilities): [name: string, text: string][] {
  const { ssi } = capabilities;
  return [
    ...NAMED.map(([key, name]): [string, string] => [name, capabilityText(capabilities[key])]),
    ...(ssi === undefined ? [] : [['SSI cluster', clusterText(ssi)] satisfies [string, string]]),
  ];
}

/** One value as it is shown. */
export function capabilityText(value: Readable<string>): string {
  if (value.state === 'unknown') return 'unknown';
  return value.from === 'configuration' ? `${value.value} (configured)` : value.value;
}

/** True where a NICDEF may name a port number: everywhere but where CP is known not to have directory network authorization. */
export function nicdefTakesPortNumber(capabilities: HostCapabilities | undefined): boolean {
  const value = capabilities?.directoryNetworkAuthorization;
  return value?.state !== 'known' || value.value !== 'absent';
}

/** True where z/VM takes the right of a NIC to its VLAN from its directory entry; false where that is not known. */
export function directoryAuthorizes(capabilities: HostCapabilities | undefined): boolean {
  const value = capabilities?.directoryNetworkAuthorization;
  return value?.state === 'known' && value.value === 'enabled';
}
