import { z } from 'zod';

/** Operands of NICDEF that came with directory network authorization (docs/reference/zvm.md 5.1). */
export const NICDEF_KEYWORDS = [
  'PORTNUMBER',
  'PORTTYPE',
  'VLAN',
  'PROMISCUOUS',
  'NOPROMISCUOUS',
  'PQUPLINKTX',
] as const;
export type NicdefKeyword = (typeof NICDEF_KEYWORDS)[number];

const fate = z.enum(['keeps', 'uncouples']);
const milliseconds = z.number().int().nonnegative();

/**
 * Answers of a z/VM system to questions that no document answers (docs/reference/zvm.md 8), from a probe or the configuration. An absent
 * answer is not known.
 */
export const ProbedBehaviour = z
  .object({
    /** VLAN and port type of a NICDEF are written by keywords of Image_Definition_Update_DM, or only by Image_Replace_DM. */
    nicdefWrite: z.enum(['keywords', 'replace']),
    /** The keywords that Image_Definition_Update_DM takes in a NICDEF besides those of z/VM 6.3. */
    nicdefKeywords: z.array(z.enum(NICDEF_KEYWORDS)),
    /** Several NICDEFs of one call are one transaction of DirMaint, several, or only the first is carried out. */
    nicdefsAtOnce: z.enum(['transaction', 'sequence', 'firstOnly']),
    /** A NICDEF for a device that has one is refused, or replaces it. */
    nicdefUpdate: z.enum(['conflict', 'replace']),
    /** A NICDEF with a VSWITCH and without operands of directory network authorization authorises by itself. */
    nicdefAlone: z.enum(['authorises', 'refused']),
    /** The VLAN that counts when NICDEF and grant name different ones. */
    vlanWinner: z.enum(['nicdef', 'grant']),
    /** COUPLE of a running guest goes by its directory entry as it is now. */
    coupleReadsDirectory: z.boolean(),
    /** A grant of a userid that is authorised: drops its NICs, is refused, or does nothing to them. */
    regrant: z.enum(['reexecute', 'reject', 'keeps']),
    /** The effect of such a grant on a NIC whose right is in the directory. */
    dnaRegrant: z.enum(['drops', 'keeps']),
    /** The effect of a revoke on a coupled NIC. */
    revoke: fate,
    /** The same on a NIC whose right is in the directory. */
    dnaRevoke: fate,
    /** The port of a NIC whose right is in the directory is among those that CP lists as authorised. */
    dnaPorts: z.enum(['listed', 'hidden']),
    /** A user-based VSWITCH takes port numbers. */
    portNumbersOnUserBased: z.boolean(),
    /** QUERY VSWITCH DETAILS tells the VLAN of an adapter. */
    adapterVlan: z.enum(['shown', 'hidden']),
    /** Virtual_Network_VLAN_Query_Stats tells the VLAN of a NIC. */
    vlanStatistics: z.enum(['shown', 'hidden']),
    /** The code of immediate functions on a guest that is logged off. */
    loggedOff: z.enum(['200/12', '8/45']),
    /** VSWITCHes that are made and deleted answer 0/40 and 0/44. */
    informative: z.boolean(),
    /** A MAC that another NIC has. */
    duplicateMac: z.enum(['accepted', 'refused']),
    /** Milliseconds that DirMaint takes for one change after a rest. */
    directoryChangeMs: milliseconds,
    /** Milliseconds that a change takes longer right after another one. */
    directoryPauseMs: milliseconds,
    /** Milliseconds to lock, read, replace and unlock an entry. */
    directoryReplaceMs: milliseconds,
  })
  .partial();
export type ProbedBehaviour = z.infer<typeof ProbedBehaviour>;

export type BehaviourName = keyof ProbedBehaviour;

/** Answers of probes, each with the time when it was given. They hold for the level of z/VM at which they were given. */
export const ProbeRecord = z.object({
  level: z.string(),
  found: ProbedBehaviour,
  at: z.partialRecord(ProbedBehaviour.keyof(), z.iso.datetime()),
});
export type ProbeRecord = z.infer<typeof ProbeRecord>;

/** The answers' names, as tables and the picture say them. */
export const BEHAVIOUR_NAMES = {
  nicdefWrite: 'VLANs are written to NICDEF by',
  nicdefKeywords: 'keywords of NICDEF that SMAPI takes',
  nicdefsAtOnce: 'several NICDEFs in one call',
  nicdefUpdate: 'a NICDEF for a device that has one',
  nicdefAlone: 'a NICDEF with a VSWITCH alone',
  vlanWinner: 'the VLAN that counts when NICDEF and grant name one',
  coupleReadsDirectory: 'COUPLE reads the directory',
  regrant: 'a second grant',
  dnaRegrant: 'a second grant, on a NIC authorised by the directory',
  revoke: 'a revoke',
  dnaRevoke: 'a revoke, on a NIC authorised by the directory',
  dnaPorts: 'the port of a NIC authorised by the directory',
  portNumbersOnUserBased: 'port numbers on a user-based VSWITCH',
  adapterVlan: 'the VLAN of an adapter in QUERY VSWITCH DETAILS',
  vlanStatistics: 'the VLAN of a NIC in Virtual_Network_VLAN_Query_Stats',
  loggedOff: 'the code for a guest that is logged off',
  informative: 'informative reason codes of VSWITCH functions',
  duplicateMac: 'a MAC that another NIC has',
  directoryChangeMs: 'one change of the directory',
  directoryPauseMs: 'pause of DirMaint between two changes',
  directoryReplaceMs: 'replacement of a directory entry',
} as const satisfies Record<BehaviourName, string>;

/** An answer as it is shown: `yes`, `VLAN, PORTTYPE`, `250 ms`. */
export function behaviourText(value: ProbedBehaviour[BehaviourName]): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return `${value} ms`;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return value ?? 'unknown';
}
