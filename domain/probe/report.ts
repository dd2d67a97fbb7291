import type { ProbeRecord } from '../host/probed-behaviour.ts';
import type { Userid, VswitchName } from '../text/identifiers.ts';
import type { ProbeAnswer } from './course.ts';
import type { QuestionId } from './questions.ts';
import type { ProbeScene } from './scene.ts';

/** A question before it is asked. */
export type PlannedQuestion = {
  id: QuestionId;
  asks: string;
  /** All that will be done to z/VM for it. */
  does: string;
  /** The reason why it will not be asked, as far as that is known before. */
  why?: string;
};

/** A probe before it begins. */
export type ProbePlan = {
  scene: ProbeScene;
  /** The guest's directory entry before. */
  mark: string;
  directoryAuthorizes: boolean;
  level: string;
  questions: PlannedQuestion[];
};

/** The report of a probe. */
export type ProbeReport = {
  userid: Userid;
  vswitch: VswitchName;
  /** The level of z/VM, `7.4, service level 2401, network service Base`. */
  level: string;
  answers: (ProbeAnswer & { asks: string })[];
  notAsked: { question: QuestionId; asks: string; why: string }[];
  /** Something that no answer explains; the questions after it were not asked. */
  surprise?: { question: QuestionId; asks: string; saw: string };
  record: ProbeRecord;
};
