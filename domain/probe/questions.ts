import { NICDEF_KEYWORDS } from '../host/probed-behaviour.ts';
import type { Facts, Finding, Question } from './question.ts';

const DONE = 'done';
/** The codes of a COUPLE that is not authorised. */
const NOT_AUTHORISED = '212/8';

/**
 * The questions that nobody could answer without a z/VM (docs/reference/zvm.md 8), in the order in which they are asked: the directory
 * alone, VSWITCHes, a running guest, and last those that may log it off. A later one may use the answers before it.
 */
export const QUESTIONS = {
  nicdefUpdate: {
    asks: 'What does a NICDEF for a device do that has one?',
    does: ({ userid }) => `defines a NIC in the directory entry of ${userid} twice, and removes it`,
    needs: [],
    answers: [
      {
        when: { first: DONE, again: '404/4', statement: 'first' },
        finds: { nicdefUpdate: 'conflict' },
        says: 'it is refused, 404/4',
      },
      {
        when: { first: DONE, again: DONE, statement: 'second' },
        finds: { nicdefUpdate: 'replace' },
        says: 'it replaces the one before',
      },
    ],
  },
  nicdefsAtOnce: {
    asks: 'What are several NICDEFs in one call?',
    does: ({ userid }) =>
      `defines two NICs in the directory entry of ${userid} by one call, and two more of which the second cannot be; removes them`,
    needs: [],
    answers: [
      { when: { given: 'first' }, finds: { nicdefsAtOnce: 'firstOnly' }, says: 'only the first is carried out' },
      {
        when: { given: 'both', left: 'first' },
        finds: { nicdefsAtOnce: 'sequence' },
        says: 'they are carried out one after another: the first stays when the second fails',
      },
      {
        when: { given: 'both', left: 'none' },
        finds: { nicdefsAtOnce: 'transaction' },
        says: 'they are one transaction: nothing stays when one fails',
      },
    ],
  },
  nicdefKeywords: {
    asks: 'Which keywords does SMAPI take in a NICDEF?',
    does: ({ userid }) =>
      `defines a NIC in the directory entry of ${userid} with ${NICDEF_KEYWORDS.join(', ')}, one after another, reads it back and removes it`,
    needs: [],
    answers: keywordsTaken,
  },
  directoryTimes: {
    asks: 'How long does DirMaint take?',
    does: ({ userid }) =>
      `changes the directory entry of ${userid} eight times, after a rest and at once, and takes the changes back`,
    needs: [],
    answers: timesTaken,
  },
  directoryReplace: {
    asks: 'Can an entry be replaced under a lock?',
    does: ({ userid }) =>
      `locks the directory entry of ${userid}, replaces it by itself and one NIC more, unlocks it, and removes the NIC`,
    needs: [],
    answers: replaced,
  },
  informative: {
    asks: 'Do functions on VSWITCHes inform by a reason code?',
    does: () => 'makes a second VSWITCH without an uplink, and deletes it',
    needs: ['ownVswitch'],
    answers: [
      { when: { create: DONE, delete: DONE }, finds: { informative: false }, says: 'they answer 0/0' },
      { when: { create: '0/40', delete: '0/44' }, finds: { informative: true }, says: 'they answer 0/40 and 0/44' },
    ],
  },
  portNumbersOnUserBased: {
    asks: 'Does a user-based VSWITCH take port numbers?',
    does: ({ userid, vswitch }) => `gives a port of ${vswitch} to ${userid}, and takes it away`,
    needs: [],
    answers: [
      { when: { give: DONE, listed: 'yes' }, finds: { portNumbersOnUserBased: true }, says: 'it does' },
      {
        when: { give: ['396/2838', '396/3022', '396/3033'], listed: 'no' },
        finds: { portNumbersOnUserBased: false },
        says: 'it does not',
      },
    ],
  },
  vlanTold: {
    asks: 'Does z/VM tell the VLAN of a NIC?',
    does: ({ userid, vswitch }) =>
      `grants ${userid} a VLAN of ${vswitch}, couples a new NIC there, and asks CP and SMAPI for its VLAN`,
    needs: ['running'],
    answers: [
      ...(['shown', 'hidden'] as const).flatMap((adapterVlan) =>
        (['shown', 'hidden'] as const).map((vlanStatistics) => ({
          when: { couple: DONE, details: adapterVlan, statistics: vlanStatistics },
          finds: { adapterVlan, vlanStatistics },
          says: `QUERY VSWITCH DETAILS ${tells(adapterVlan)}, Virtual_Network_VLAN_Query_Stats ${tells(vlanStatistics)}`,
        })),
      ),
    ],
  },
  duplicateMac: {
    asks: 'Is a MAC taken that another NIC has?',
    does: ({ userid }) => `defines two NICs with one MAC on running ${userid}, and removes them`,
    needs: ['running'],
    answers: [
      { when: { first: DONE, second: DONE }, finds: { duplicateMac: 'accepted' }, says: 'it is' },
      {
        when: { first: DONE, second: ['396/2797', '204/4'] },
        finds: { duplicateMac: 'refused' },
        says: 'it is refused',
      },
      { when: { first: ['24/610', '24/799'] }, finds: {}, says: 'SMAPI takes no MAC for a running guest' },
    ],
  },
  regrant: {
    asks: 'What does a second grant do to a coupled NIC?',
    does: ({ userid, vswitch }) => `grants ${userid} on ${vswitch}, couples a new NIC, and grants it again`,
    needs: ['running'],
    answers: [
      {
        when: { grant: DONE, couple: DONE, again: DONE, coupled: 'no' },
        finds: { regrant: 'reexecute' },
        says: 'it takes the NIC off the network',
      },
      {
        when: { grant: DONE, couple: DONE, again: '212/44', coupled: 'yes' },
        finds: { regrant: 'reject' },
        says: 'it is refused, 212/44',
      },
      {
        when: { grant: DONE, couple: DONE, again: DONE, coupled: 'yes' },
        finds: { regrant: 'keeps' },
        says: 'nothing',
      },
    ],
  },
  revoke: {
    asks: 'What does a revoke do to a coupled NIC?',
    does: ({ userid, vswitch }) => `grants ${userid} on ${vswitch}, couples a new NIC, and revokes the grant`,
    needs: ['running'],
    answers: [
      {
        when: { grant: DONE, couple: DONE, revoke: DONE, coupled: 'no' },
        finds: { revoke: 'uncouples' },
        says: 'it takes the NIC off the network',
      },
      {
        when: { grant: DONE, couple: DONE, revoke: DONE, coupled: 'yes' },
        finds: { revoke: 'keeps' },
        says: 'nothing: it stays coupled',
      },
    ],
  },
  coupleReadsDirectory: {
    asks: 'Does COUPLE read the directory entry as it is now?',
    does: ({ userid, vswitch }) =>
      `writes a NIC with a VLAN of ${vswitch} into the directory entry of ${userid}, defines it live and couples it without a grant`,
    needs: ['running', 'directoryAuthorization'],
    answers: [
      {
        when: { write: DONE, define: DONE, couple: DONE, vlan: ['as in NICDEF', 'not told'] },
        finds: { coupleReadsDirectory: true },
        says: 'it does: the NIC is coupled by what was written since the logon',
      },
      {
        when: { write: DONE, define: DONE, couple: NOT_AUTHORISED },
        finds: { coupleReadsDirectory: false },
        says: 'it does not: what is written counts at the next logon',
      },
    ],
  },
  nicdefAlone: {
    asks: 'Does a NICDEF with a VSWITCH alone authorise?',
    does: ({ userid, vswitch }) =>
      `writes a NIC on ${vswitch} without a VLAN into the directory entry of ${userid} and has it coupled without a grant`,
    needs: ['running', 'directoryAuthorization', 'nicdefCounts'],
    answers: [
      { when: { write: DONE, couple: DONE }, finds: { nicdefAlone: 'authorises' }, says: 'it does' },
      { when: { write: DONE, couple: NOT_AUTHORISED }, finds: { nicdefAlone: 'refused' }, says: 'it does not' },
    ],
  },
  vlanWinner: {
    asks: 'Which VLAN counts, that of NICDEF or that of the grant?',
    does: ({ userid, vswitch }) =>
      `grants ${userid} one VLAN of ${vswitch}, writes another one into its directory entry, and has the NIC coupled`,
    needs: ['running', 'directoryAuthorization', 'nicdefCounts', 'vlanTold'],
    answers: [
      {
        when: { grant: DONE, write: DONE, couple: DONE, vlan: 'as in NICDEF' },
        finds: { vlanWinner: 'nicdef' },
        says: 'that of NICDEF',
      },
      {
        when: { grant: DONE, write: DONE, couple: DONE, vlan: 'as granted' },
        finds: { vlanWinner: 'grant' },
        says: 'that of the grant',
      },
    ],
  },
  dnaPorts: {
    asks: 'Does CP list the port of a NIC that the directory authorises?',
    does: ({ userid, vswitch }) =>
      `has a NIC of ${userid} coupled to ${vswitch} by its directory entry, and reads the VSWITCH`,
    needs: ['running', 'directoryAuthorization', 'nicdefCounts'],
    answers: [
      { when: { write: DONE, couple: DONE, port: 'listed' }, finds: { dnaPorts: 'listed' }, says: 'it does' },
      { when: { write: DONE, couple: DONE, port: 'hidden' }, finds: { dnaPorts: 'hidden' }, says: 'it does not' },
    ],
  },
  dnaRegrant: {
    asks: 'What does a second grant do to a NIC that the directory authorises?',
    does: ({ userid, vswitch }) =>
      `has a NIC of ${userid} coupled to ${vswitch} by its directory entry, and grants ${userid} twice`,
    needs: ['running', 'directoryAuthorization', 'nicdefCounts'],
    answers: [
      {
        when: { write: DONE, couple: DONE, grant: DONE, between: 'yes', again: DONE, coupled: 'no' },
        finds: { dnaRegrant: 'drops' },
        says: 'it takes the NIC off the network',
      },
      {
        when: { write: DONE, couple: DONE, grant: DONE, between: 'yes', again: [DONE, '212/44'], coupled: 'yes' },
        finds: { dnaRegrant: 'keeps' },
        says: 'nothing',
      },
    ],
  },
  dnaRevoke: {
    asks: 'What does a revoke do to a NIC that the directory authorises?',
    does: ({ userid, vswitch }) =>
      `has a NIC of ${userid} coupled to ${vswitch} by its directory entry, grants ${userid} and revokes it`,
    needs: ['running', 'directoryAuthorization', 'nicdefCounts'],
    answers: [
      {
        when: { write: DONE, couple: DONE, grant: DONE, between: 'yes', revoke: DONE, coupled: 'no' },
        finds: { dnaRevoke: 'uncouples' },
        says: 'it takes the NIC off the network',
      },
      {
        when: { write: DONE, couple: DONE, grant: DONE, between: 'yes', revoke: DONE, coupled: 'yes' },
        finds: { dnaRevoke: 'keeps' },
        says: 'nothing: it stays coupled',
      },
    ],
  },
  loggedOff: {
    asks: 'Which code tells that a guest is logged off?',
    does: ({ userid }) => `asks for the NICs of ${userid} while it is logged off`,
    needs: ['off'],
    answers: [
      { when: { code: '200/12' }, finds: { loggedOff: '200/12' }, says: '200/12' },
      { when: { code: '8/45' }, finds: { loggedOff: '8/45' }, says: '8/45' },
    ],
  },
} as const satisfies Record<string, Question>;

export type QuestionId = keyof typeof QUESTIONS;

/** All questions, in the order in which they are asked. */
export const QUESTION_IDS = Object.keys(QUESTIONS) as [QuestionId, ...QuestionId[]];

/** A question that is never asked, and why. */
export const NEVER_ASKED = [
  {
    asks: 'What becomes of NICs that the directory authorises when directory network authorization is disabled?',
    why: 'SET VMLAN DNA changes the whole system, not one guest',
  },
] as const;

/** The definition of a question, for code that is the same for all. */
export function questionOf(id: QuestionId): Question {
  return QUESTIONS[id];
}

function tells(what: 'shown' | 'hidden'): string {
  return what === 'shown' ? 'tells it' : 'does not tell it';
}

/** Each keyword is taken, refused as a syntax error (24), or taken and lost. */
function keywordsTaken(facts: Facts): Finding | undefined {
  const fates = NICDEF_KEYWORDS.map((keyword) => facts[keyword]);
  const isKnown = (fate: string | number | undefined) =>
    fate === 'taken' || fate === 'lost' || /^24\/\d+$/.test(String(fate));
  if (!fates.every(isKnown)) return undefined;
  const taken = NICDEF_KEYWORDS.filter((keyword) => facts[keyword] === 'taken');
  const lost = NICDEF_KEYWORDS.filter((keyword) => facts[keyword] === 'lost');
  const isEnough = taken.includes('VLAN') && taken.includes('PORTTYPE');
  const words = lost.length === 0 ? '' : `; ${lost.join(', ')} without an effect`;
  return {
    finds: { nicdefKeywords: taken, nicdefWrite: isEnough ? 'keywords' : 'replace' },
    says: `${taken.length === 0 ? 'none' : taken.join(', ')}${words}`,
  };
}

function timesTaken({ codes, first, next }: Facts): Finding | undefined {
  if (codes !== DONE || typeof first !== 'number' || typeof next !== 'number') return undefined;
  const directoryPauseMs = Math.max(0, next - first);
  return {
    finds: { directoryChangeMs: first, directoryPauseMs },
    says: `${first} ms for one change, ${directoryPauseMs} ms more right after another one`,
  };
}

function replaced({ replace, statement, milliseconds }: Facts): Finding | undefined {
  if (replace !== DONE || statement !== 'there' || typeof milliseconds !== 'number') return undefined;
  return { finds: { directoryReplaceMs: milliseconds }, says: `yes, in ${milliseconds} ms` };
}
