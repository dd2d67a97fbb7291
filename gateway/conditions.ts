import type { Context } from 'hono';
import { digestOf } from '../client/digest.ts';
import { Problem } from './problem.ts';

// Conditional requests, RFC 9110 section 13.

/** The strong tag of what a caller is shown. */
export function etagOf(body: unknown): string {
  return `"${digestOf(body).slice(0, 32)}"`;
}

/** The answer with its ETag; 304 when the caller has it already. */
export function tagged(context: Context, body: unknown): Response {
  const tag = etagOf(body);
  context.header('etag', tag);
  context.header('cache-control', 'private, no-cache');
  const known = context.req.header('if-none-match');
  if (known !== undefined && (known.trim() === '*' || tagsOf(known).some((each) => weak(each) === tag)))
    return context.body(null, 304);
  return context.json(body as never);
}

/** True when a change is asked for only if things are so or so. */
export function isConditional(context: Context): boolean {
  return context.req.header('if-match') !== undefined || context.req.header('if-none-match') !== undefined;
}

/** Throws a Problem when `If-Match` or `If-None-Match` do not hold for what there is; undefined: there is nothing. */
export function checkConditions(context: Context, current: unknown): void {
  const tag = current === undefined ? undefined : etagOf(current);
  const wanted = context.req.header('if-match')?.trim();
  // A weak tag never matches here: it does not say that nothing has changed.
  if (wanted !== undefined && (tag === undefined || (wanted !== '*' && !tagsOf(wanted).includes(tag))))
    throw changed(tag === undefined ? 'there is no such thing' : 'it is not as it was when the ETag was read', tag);
  const unwanted = context.req.header('if-none-match')?.trim();
  if (unwanted === undefined || tag === undefined) return;
  if (unwanted === '*' || tagsOf(unwanted).some((each) => weak(each) === tag))
    throw changed('it is there already', tag);
}

function changed(detail: string, etag: string | undefined): Problem {
  return new Problem(412, 'changed', 'It is not as the request says', detail, etag === undefined ? {} : { etag });
}

function tagsOf(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

function weak(tag: string): string {
  return tag.replace(/^W\//, '');
}
