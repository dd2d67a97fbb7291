import type { Cancellation, ZvmBackend } from '../backend/backend.ts';
import { levelOf } from '../domain/host/host-behaviour.ts';
import { directoryAuthorizes } from '../domain/host/host-capabilities.ts';
import { Change } from '../domain/operations/requests.ts';
import { refusal, refusalsOf } from '../domain/planning/refusal.ts';
import { outcomeOf, type QuestionOutcome, whyNotAsked } from '../domain/probe/course.ts';
import { QUESTION_IDS, questionOf } from '../domain/probe/questions.ts';
import { foundBy } from '../domain/probe/record.ts';
import type { ProbePlan } from '../domain/probe/report.ts';
import { sceneFor } from '../domain/probe/scene.ts';
import type { HostActivities, WaitingPlan } from '../workflows/host-activities.ts';
import { refusedFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { concernedOfProbe, waitFor } from './policy-gate.ts';
import { planIdOf } from './state-tags.ts';

type Input<Name extends 'planProbe' | 'askProbe' | 'restoreProbe'> = Parameters<HostActivities[Name]>[0];

/** Choose the scene of a probe. Throws a `Refused` failure for a guest or a VSWITCH that is not expendable, and a level that cannot be read. */
export async function planProbe(
  host: HostRuntime,
  input: Input<'planProbe'>,
  signal: AbortSignal,
): Promise<ProbePlan & { waiting?: WaitingPlan }> {
  const parsed = Change.safeParse(input.change);
  if (!parsed.success) throw refusedFailure(refusalsOf(parsed.error));
  const change = parsed.data;
  if (change.kind !== 'probe') throw new Error(`${change.kind} is no probe`);
  const { userid } = input;
  const [reading, administrators] = await Promise.all([
    host.backend.readHost({ userids: [userid], survey: true, single: true }),
    host.backend.administratorsVswitches(signal),
  ]);
  const level = levelOf(reading.capabilities);
  if (level === undefined)
    throw refusedFailure([
      refusal('host', "z/VM's release and service level cannot be read", 'see the findings of zvmnet hosts'),
    ]);
  const { guest, vswitches } = reading.read(userid);
  const chosen = sceneFor(change, { guest, vswitches, rules: host.rules, agent: reading.agent, administrators });
  if ('refusals' in chosen) throw refusedFailure(chosen.refusals);
  const { scene } = chosen;
  const circumstances = { scene, directoryAuthorizes: directoryAuthorizes(reading.capabilities) };
  // Questions are asked in their own order: later ones use the answers before them.
  const questions = QUESTION_IDS.filter((id) => change.questions.includes(id)).map((id) => {
    const why = whyNotAsked(id, {}, circumstances);
    return { id, asks: questionOf(id).asks, does: questionOf(id).does(scene), ...(why === undefined ? {} : { why }) };
  });
  const plan = planIdOf(questions);
  const wait = waitFor(host, plan, concernedOfProbe(userid, change), input.asks);
  const probe = { ...circumstances, mark: await probingOf(host.backend).mark(scene), level, questions };
  return { ...probe, ...(wait === undefined ? {} : { waiting: { plan, wait } }) };
}

/** Ask one question, unless the answers so far forbid it. */
export async function askProbe(
  backend: ZvmBackend,
  { plan, question, outcomes }: Input<'askProbe'>,
  cancellation: Cancellation,
): Promise<QuestionOutcome> {
  const known = foundBy(outcomes.flatMap((each) => (each.kind === 'answered' ? [each.answer] : [])));
  const why = whyNotAsked(question, known, plan);
  if (why !== undefined) return { kind: 'notAsked', question, why };
  return outcomeOf(question, await probingOf(backend).ask(question, plan.scene, known, cancellation));
}

/** Put all back as it was; answers what is not. */
export function restoreProbe(
  backend: ZvmBackend,
  { plan: { scene, mark } }: Input<'restoreProbe'>,
  cancellation: Cancellation,
): Promise<string[]> {
  return probingOf(backend).restore(scene, mark, cancellation);
}

function probingOf<Asked extends object>({ kind, probing }: { kind: string; probing?: Asked }): Asked {
  if (probing !== undefined) return probing;
  const reason = `the backend ${kind} cannot ask questions`;
  throw refusedFailure([refusal('host', reason, 'use another backend, or configure the behaviour')]);
}
