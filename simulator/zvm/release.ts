import { z } from 'zod';
import { UsageError } from '../../command-line/program.ts';

export const RELEASES = ['6.3', '6.4', '7.1', '7.3', '7.4', '7.5'] as const;
export type Release = (typeof RELEASES)[number];
export const Release = z.enum(RELEASES);

/** The releases that an option `--release 6.3,7.4` names. Throws a UsageError for another one. */
export function releasesOf(text: string): Release[] {
  return text.split(',').map((each) => {
    const { data } = Release.safeParse(each);
    if (data === undefined) throw new UsageError(`--release ${each}: must be one of ${RELEASES.join(', ')}`);
    return data;
  });
}

const keyword = z.enum(['PORTNUMBER', 'PORTTYPE', 'VLAN', 'PROMISCUOUS', 'NOPROMISCUOUS', 'PQUPLINKTX']);
const milliseconds = z.number().int().nonnegative();

/** All that differs between releases, and each question that only a z/VM can answer: both answers are here. */
export const Behaviour = z.strictObject({
  /** directory network authorization; `absent` where the APARs are not applied (docs/reference/zvm.md 5.3) */
  dna: z.enum(['absent', 'enabled', 'disabled']),
  /** user-based and port-based VSWITCHes take the same commands (docs/reference/zvm.md 5.6) */
  commonModel: z.boolean(),
  /** keywords besides the old ones that `Image_Definition_Update_DM -k NICDEF=…` takes (docs/reference/zvm.md 5.4) */
  nicdefKeywords: z.array(keyword),
  /** what several `-k NICDEF=…` are for DirMaint (docs/reference/zvm.md 5.4) */
  nicdefsAtOnce: z.enum(['sequence', 'transaction', 'firstOnly']),
  /** whether NICDEF with a VSWITCH and none of the new operands authorises by itself (docs/reference/zvm.md 8) */
  nicdefAlone: z.enum(['refused', 'authorises']),
  /** who wins when NICDEF and grant both name a VLAN (docs/reference/zvm.md 8) */
  vlanWinner: z.enum(['nicdef', 'grant']),
  /** COUPLE of a running guest goes by the directory as it is now, not as it was at logon (docs/reference/zvm.md 5.5) */
  coupleReadsDirectory: z.boolean(),
  /** a grant of a userid that is authorised already (docs/reference/smcli.md 5.2) */
  regrant: z.enum(['reexecute', 'reject', 'keeps']),
  /** the same, for a NIC whose right is in the directory (docs/reference/zvm.md 5.7) */
  dnaRegrant: z.enum(['drops', 'keeps']),
  /** what becomes of connections by a revoke (docs/reference/zvm.md 3.4) */
  revoke: z.enum(['keeps', 'uncouples']),
  /** the same, for a NIC whose right is in the directory (docs/reference/zvm.md 5.7) */
  dnaRevoke: z.enum(['keeps', 'uncouples']),
  /** DNA is disabled while NICs are coupled by it (docs/reference/zvm.md 8) */
  dnaDisable: z.enum(['keeps', 'uncouples']),
  /** CP shows the port of a NIC that NICDEF authorises as an authorisation, and lets it be modified (docs/reference/zvm.md 5.6) */
  dnaPorts: z.enum(['hidden', 'listed']),
  /** QUERY VSWITCH DETAILS says the VLAN and port type of an adapter (docs/reference/zvm.md 5.6) */
  adapterVlan: z.enum(['shown', 'hidden']),
  /** immediate functions on a guest that is off (docs/reference/zvm.md 2.2) */
  loggedOff: z.enum(['200/12', '8/45']),
  /** NICDEF for a vdev that is in the entry (docs/reference/smcli.md 5.1) */
  nicdefUpdate: z.enum(['conflict', 'replace']),
  /** functions on VSWITCHes that succeed answer 0/40, 0/44 (docs/reference/smcli.md 1.1) */
  informative: z.boolean(),
  /** a MAC that another NIC of the system has (docs/reference/zvm.md 1.4) */
  duplicateMac: z.enum(['accepted', 'refused']),
  /** the pause of DirMaint between two requests (docs/reference/zvm.md 6) */
  directoryIntervalMs: milliseconds,
  /** the same while SSI members read the source directory (docs/reference/zvm.md 6) */
  clusterIntervalMs: milliseconds,
  /** DirMaint's time for one change */
  directoryMs: milliseconds,
  /** DirMaint's time for Image_Replace_DM; that of one change where it is not said */
  replaceMs: milliseconds.optional(),
});
export type Behaviour = z.infer<typeof Behaviour>;

/** The answers that are asked for otherwise than the release gives them. */
export const Asked = Behaviour.partial();
export type Asked = z.infer<typeof Asked>;

const COMMON: Behaviour = {
  dna: 'absent',
  commonModel: false,
  nicdefKeywords: [],
  nicdefsAtOnce: 'sequence',
  nicdefAlone: 'refused',
  vlanWinner: 'nicdef',
  coupleReadsDirectory: false,
  regrant: 'reexecute',
  dnaRegrant: 'drops',
  revoke: 'keeps',
  dnaRevoke: 'keeps',
  dnaDisable: 'keeps',
  dnaPorts: 'hidden',
  adapterVlan: 'shown',
  loggedOff: '200/12',
  nicdefUpdate: 'conflict',
  informative: false,
  duplicateMac: 'accepted',
  directoryIntervalMs: 0,
  clusterIntervalMs: 0,
  directoryMs: 0,
};

const AUTHORIZING: Partial<Behaviour> = {
  dna: 'enabled',
  commonModel: true,
  nicdefKeywords: [],
  coupleReadsDirectory: true,
};
/** DVHWAIT_BATCH_INTERVAL as it is shipped up to 7.1 */
const UNTUNED = { directoryIntervalMs: 1000 };
/** DVHWAIT_CLUSTER_INTERVAL: shipped up to 7.1, and as advised */
const CLUSTER_UNTUNED = { clusterIntervalMs: 15_000 };
const CLUSTER_TUNED = { clusterIntervalMs: 1000 };

const BY_RELEASE: Record<Release, Partial<Behaviour>> = {
  '6.3': {},
  '6.4': { ...UNTUNED, ...CLUSTER_UNTUNED },
  '7.1': { ...AUTHORIZING, ...UNTUNED, ...CLUSTER_UNTUNED },
  '7.3': { ...AUTHORIZING, ...CLUSTER_TUNED },
  '7.4': { ...AUTHORIZING, ...CLUSTER_TUNED },
  '7.5': { ...AUTHORIZING, ...CLUSTER_TUNED },
};

/** The behaviour of a release, with what is asked for otherwise. 6.4 with DNA is 6.4 with the APARs: it behaves as 7.1 does. */
export function behaviourOf(release: Release, asked: Asked): Behaviour {
  const applied = asked.dna !== undefined && asked.dna !== 'absent' ? AUTHORIZING : {};
  const said = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  return Behaviour.parse({ ...COMMON, ...BY_RELEASE[release], ...applied, ...said });
}

/** The words for a release in QUERY CPLEVEL and smcli; the service level is one of the time. */
export function levelOf(release: Release): string {
  const [version, level] = release.split('.');
  const service: Record<Release, string> = {
    '6.3': '1401',
    '6.4': '1901',
    '7.1': '1901',
    '7.3': '2301',
    '7.4': '2401',
    '7.5': '2501',
  };
  return `z/VM Version ${version} Release ${level}.0, service level ${service[release]}`;
}
