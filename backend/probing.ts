import type { ProbedBehaviour } from '../domain/host/probed-behaviour.ts';
import type { Facts } from '../domain/probe/question.ts';
import type { QuestionId } from '../domain/probe/questions.ts';
import type { ProbeScene } from '../domain/probe/scene.ts';

/**
 * Questions to z/VM itself on an expendable guest. Each method begins by taking away what an earlier one has left on the scene, so that all may
 * be repeated. A failure is a BackendError.
 */
export type Probing = {
  /** A mark of the guest's directory entry: equal as long as the entry is the same, to the byte, beside the NICs of the scene. */
  mark(scene: ProbeScene): Promise<string>;
  /** Do to z/VM what the question says, and answer what was seen. `known` are the answers so far. */
  ask(question: QuestionId, scene: ProbeScene, known: ProbedBehaviour, signal: AbortSignal): Promise<Facts>;
  /** Put all back as it was; answers what is not, as sentences: none when everything is. */
  restore(scene: ProbeScene, mark: string, signal: AbortSignal): Promise<string[]>;
};
