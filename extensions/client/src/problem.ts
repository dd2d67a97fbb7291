import type { components } from './api.js';

type Problem = components['schemas']['Problem'];

/** A field of a request that was not accepted, with the reason and the way out. */
export type FieldProblem = NonNullable<Problem['errors']>[number];

/** An answer of the API that is none of success. `kind` is what programs decide by. */
export class ZvmProblem extends Error {
  override readonly name = 'ZvmProblem';
  readonly status: number;
  /** `refused`, `failed`, `forbidden`, `changed` … as docs/errors of networking-zvm lists them; `http` of an answer that is not the API's own. */
  readonly kind: string;
  readonly errors: readonly FieldProblem[];
  /** The operation that it is about. */
  readonly operation: string | undefined;
  readonly advice: string | undefined;
  /** URL of the page about it. */
  readonly page: string;
  /** The whole problem; undefined of an answer that is not the API's own. */
  readonly problem: Problem | undefined;

  constructor(answer: { url: string; status: number }, problem: Problem | undefined) {
    super(problem === undefined ? `${answer.url} answered ${answer.status}` : `${problem.title}: ${problem.detail}`);
    this.status = answer.status;
    this.kind = problem?.type.split('/').at(-1) ?? 'http';
    this.errors = problem?.errors ?? [];
    this.operation = problem?.operation;
    this.advice = problem?.advice;
    const base = answer.url.replace(/\/v1\/.*$/, '');
    const page = problem?.page ?? this.errors[0]?.page ?? this.kind;
    this.page = `${base}/errors/${page}`;
    this.problem = problem;
  }
}

/** The problem that an answer tells. */
export async function problemOf(answer: Response): Promise<ZvmProblem> {
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') === true;
  return new ZvmProblem(answer, isProblem ? await answer.json() : undefined);
}
