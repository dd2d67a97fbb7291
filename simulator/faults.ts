import { z } from 'zod';
import type { Code } from './zvm/codes.ts';

const count = z.number().int().nonnegative();

export const FaultRuleSchema = z.strictObject({
  match: z
    .strictObject({ method: z.string().optional(), path: z.string().optional(), command: z.string().optional() })
    .default({}),
  action: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('status'),
      status: z.number().int().min(100).max(599),
      text: z.string().optional(),
      /** `retry-after`, `location` and the like */
      headers: z.record(z.string(), z.string()).optional(),
    }),
    z.strictObject({ kind: z.literal('delay'), ms: count }),
    z.strictObject({ kind: z.literal('drop'), when: z.enum(['before', 'after']) }),
    z.strictObject({ kind: z.literal('garbage') }),
    z.strictObject({ kind: z.literal('truncate') }),
    z.strictObject({
      kind: z.literal('smapi'),
      function: z.string(),
      userid: z.string().optional(),
      rc: z.number().int(),
      rs: z.number().int(),
      /** `after`: the function is carried out, and the code answered all the same */
      when: z.enum(['before', 'after']).default('before'),
    }),
    z.strictObject({
      kind: z.literal('relocate'),
      function: z.string(),
      userid: z.string(),
      /** the zHCP of the member it goes to */
      to: z.string(),
      when: z.enum(['before', 'after']).default('before'),
    }),
    z.strictObject({ kind: z.literal('hold'), when: z.enum(['before', 'after']) }),
  ]),
  times: z.number().int().positive().optional(),
  /** so many that fit are let pass first */
  skip: z.number().int().nonnegative().default(0),
});

export type FaultRule = z.infer<typeof FaultRuleSchema>;
export type FaultAction = FaultRule['action'];
type Armed = { id: string; rule: FaultRule; passed: number; hits: number; held: Set<() => void> };

/** Faults on purpose: rules for HTTP requests and for single smcli functions. */
export class FaultBoard {
  private readonly rules = new Map<string, Armed>();
  private nextId = 1;

  /** Arms a rule and answers its id. */
  add(rule: FaultRule): string {
    const id = String(this.nextId++);
    this.rules.set(id, { id, rule, passed: 0, hits: 0, held: new Set() });
    return id;
  }

  /** Removes one rule, or all of them, and lets held requests go on. Answers whether there was one. */
  remove(id?: string): boolean {
    const gone = [...this.rules.values()].filter((each) => id === undefined || each.id === id);
    for (const armed of gone) {
      this.rules.delete(armed.id);
      for (const release of [...armed.held]) release();
    }
    return gone.length > 0;
  }

  /** All rules with how often each hit and how many requests it holds. */
  list(): (FaultRule & { id: string; hits: number; held: number })[] {
    return [...this.rules.values()].map(({ id, rule, hits, held }) => ({ id, ...rule, hits, held: held.size }));
  }

  /** The first rule that fits an HTTP request; counts as a hit. */
  http(method: string, path: string, command: string): { action: FaultAction; hold: () => Promise<void> } | null {
    for (const armed of this.rules.values()) {
      const { match, action } = armed.rule;
      if (action.kind === 'smapi' || action.kind === 'relocate' || spent(armed)) continue;
      if (match.method !== undefined && match.method.toUpperCase() !== method) continue;
      if (!path.includes(match.path ?? '') || !command.includes(match.command ?? '')) continue;
      if (passes(armed)) continue;
      return { action, hold: () => holdOn(armed) };
    }
    return null;
  }

  /** Where a guest goes before or after a smcli function about it, if a rule says so; counts as a hit. */
  relocation(name: string, users: readonly (string | undefined)[]): Extract<FaultAction, { kind: 'relocate' }> | null {
    for (const armed of this.rules.values()) {
      const { action } = armed.rule;
      if (action.kind !== 'relocate' || spent(armed) || action.function !== name) continue;
      const wanted = action.userid.toUpperCase();
      if (users.some((user) => user?.toUpperCase() === wanted) && !passes(armed)) return action;
    }
    return null;
  }

  /** The code a smcli function is to answer instead of acting, if a rule says so. */
  smapi(name: string, users: readonly (string | undefined)[]): { code: Code; when: 'before' | 'after' } | null {
    for (const armed of this.rules.values()) {
      const { action } = armed.rule;
      if (action.kind !== 'smapi' || spent(armed) || action.function !== name) continue;
      const wanted = action.userid?.toUpperCase();
      if (wanted !== undefined && !users.some((user) => user?.toUpperCase() === wanted)) continue;
      if (passes(armed)) continue;
      return { code: [action.rc, action.rs], when: action.when };
    }
    return null;
  }
}

function spent(armed: Armed): boolean {
  return armed.rule.times !== undefined && armed.hits >= armed.rule.times;
}

/** Counts what fits; the first ones may be let pass. */
function passes(armed: Armed): boolean {
  if (armed.passed < armed.rule.skip) {
    armed.passed++;
    return true;
  }
  armed.hits++;
  return false;
}

function holdOn(armed: Armed): Promise<void> {
  return new Promise((resolve) => {
    const release = () => {
      armed.held.delete(release);
      resolve();
    };
    armed.held.add(release);
  });
}
