import type { ProbedBehaviour } from '../host/probed-behaviour.ts';
import { type Facts, findingOf, type Need } from './question.ts';
import { type QuestionId, questionOf } from './questions.ts';
import type { ProbeScene } from './scene.ts';

/** An answer of z/VM to one question, with the facts that it was read from. */
export type ProbeAnswer = { question: QuestionId; facts: Facts; finds: ProbedBehaviour; says: string };

/** The outcome of one question. */
export type QuestionOutcome =
  | { kind: 'answered'; answer: ProbeAnswer }
  | { kind: 'notAsked'; question: QuestionId; why: string }
  /** No answer explains the facts: nothing more is asked. */
  | { kind: 'surprise'; question: QuestionId; facts: Facts };

/** The circumstances of a probe that do not change while it runs. */
export type Circumstances = {
  scene: ProbeScene;
  /** z/VM has directory network authorization, and it is enabled. */
  directoryAuthorizes: boolean;
};

/** Why a question cannot be asked with these answers so far, as a sentence; undefined when it can. */
export function whyNotAsked(id: QuestionId, known: ProbedBehaviour, circumstances: Circumstances): string | undefined {
  return questionOf(id)
    .needs.map((need) => unmet(need, known, circumstances))
    .find((reason) => reason !== undefined);
}

function unmet(need: Need, known: ProbedBehaviour, { scene, directoryAuthorizes }: Circumstances): string | undefined {
  const { userid, wasRunning, mayLogOff, isOwnVswitch } = scene;
  switch (need) {
    case 'running':
      return wasRunning || mayLogOff ? undefined : `${userid} is logged off, and may not be logged on`;
    case 'off':
      return !wasRunning || mayLogOff ? undefined : `${userid} is logged on, and may not be logged off`;
    case 'directoryAuthorization':
      return directoryAuthorizes ? undefined : 'z/VM has no directory network authorization, or it is not enabled';
    case 'nicdefCounts':
      return known.coupleReadsDirectory === true || mayLogOff
        ? undefined
        : `a NICDEF counts at the next logon, and ${userid} may not be logged off`;
    case 'vlanTold':
      return known.adapterVlan === 'hidden' && known.vlanStatistics === 'hidden'
        ? 'z/VM does not tell the VLAN of a NIC'
        : undefined;
    case 'ownVswitch':
      return isOwnVswitch ? undefined : 'the VSWITCH is not one that the probe has made';
  }
}

/** The outcome of a question that was asked. */
export function outcomeOf(question: QuestionId, facts: Facts): QuestionOutcome {
  const answer = answerOf(question, facts);
  return answer === undefined ? { kind: 'surprise', question, facts } : { kind: 'answered', answer };
}

/** The answer that the facts give; undefined for a surprise. */
export function answerOf(question: QuestionId, facts: Facts): ProbeAnswer | undefined {
  const finding = findingOf(questionOf(question), facts);
  return finding === undefined ? undefined : { question, facts, ...finding };
}
