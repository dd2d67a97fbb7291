import { z } from 'zod';
import { type BehaviourName, ProbedBehaviour } from '../domain/host/probed-behaviour.ts';
import type { HostReader } from './host-reader.ts';
import { AGENT, Flag, type Setting, wholeNumber } from './schema.ts';

const HOUR_MS = 3_600_000;

/** The keys by which a site says how its z/VM behaves: one for each answer of a probe, `zvm_couple_reads_directory` for `coupleReadsDirectory`. */
export const BEHAVIOUR_SETTINGS = (Object.keys(ProbedBehaviour.shape) as BehaviourName[]).map((name) => ({
  name,
  setting: settingOf(name),
}));

/** The answers of the configuration, which hold whatever a probe finds; undefined without any. */
export function readBehaviour(reader: HostReader): ProbedBehaviour | undefined {
  const found = BEHAVIOUR_SETTINGS.map(({ name, setting }) => [name, reader.read(setting)] as const);
  const known = found.filter(([, value]) => value !== undefined);
  return known.length === 0 ? undefined : ProbedBehaviour.parse(Object.fromEntries(known));
}

function settingOf(name: BehaviourName): Setting<unknown> {
  const key = `zvm_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  return { key, sections: AGENT, show: (text) => text, ...formOf(ProbedBehaviour.shape[name].unwrap()) };
}

/** The form of a value as text. */
function formOf(schema: z.ZodType): Pick<Setting<unknown>, 'schema' | 'allowed'> {
  if (schema instanceof z.ZodEnum) return words(schema.options.map(String));
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodEnum)
    return lists(schema.element.options.map(String));
  if (schema instanceof z.ZodBoolean) return { schema: Flag, allowed: 'true or false' };
  return { schema: wholeNumber(0, HOUR_MS), allowed: `0 to ${HOUR_MS} milliseconds` };
}

function words(options: readonly string[]): Pick<Setting<unknown>, 'schema' | 'allowed'> {
  const schema = z.string().transform((text, context) => wordIn(options, text) ?? unknown(context));
  return { schema, allowed: options.join(', ') };
}

function lists(options: readonly string[]): Pick<Setting<unknown>, 'schema' | 'allowed'> {
  const schema = z.string().transform((text, context) => {
    const given = text.split(',').map((word) => word.trim());
    if (given.join() === 'none') return [];
    return given.map((word) => wordIn(options, word) ?? unknown(context));
  });
  return { schema, allowed: `none, or with commas between: ${options.join(', ')}` };
}

function wordIn(options: readonly string[], text: string): string | undefined {
  return options.find((option) => option.toLowerCase() === text.toLowerCase());
}

function unknown(context: z.RefinementCtx): never {
  context.addIssue('is none of the allowed words');
  return z.NEVER;
}
