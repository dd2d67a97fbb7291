import type { Context } from 'hono';
import { digestOf } from '../../client/digest.ts';
import { defined } from '../../domain/defined.ts';
import { Problem } from './problem.ts';

// Conditional requests, RFC 9110 section 13.

/** A tag that differs when the state that callers are shown differs. */
export function tagOf(body: unknown): string {
  return digestOf(body).slice(0, 32);
}

/** A tag as a strong ETag. */
function quoted(tag: string): string {
  return `"${tag}"`;
}

/** The answer with its ETag; 304 when the caller has it already. Throws a Problem when `If-Match` does not hold. */
export function tagged(context: Context, body: unknown, tag = tagOf(body)): Response {
  const etag = quoted(tag);
  context.header('etag', etag);
  context.header('cache-control', 'private, no-cache');
  checkMatch(context, etag);
  const known = context.req.header('if-none-match');
  if (known !== undefined && (known.trim() === '*' || tagsOf(known).some((each) => weak(each) === etag)))
    return context.body(null, 304);
  return context.json(body as never);
}

/** True when the request has `If-Match` or `If-None-Match`. */
export function isConditional(context: Context): boolean {
  return context.req.header('if-match') !== undefined || context.req.header('if-none-match') !== undefined;
}

/**
 * Throws a Problem when `If-Match` or `If-None-Match` does not hold for a resource with this tag; undefined: there is none. Answers the tag that
 * the resource must still have when it is changed, null when it must still be absent, undefined when the request sets no condition.
 */
export function checkConditions(context: Context, tag: string | undefined): string | null | undefined {
  const etag = tag === undefined ? undefined : quoted(tag);
  const wanted = checkMatch(context, etag);
  const unwanted = context.req.header('if-none-match')?.trim();
  if (
    unwanted !== undefined &&
    etag !== undefined &&
    (unwanted === '*' || tagsOf(unwanted).some((each) => weak(each) === etag))
  )
    throw changed('the resource exists already', etag);
  if (tag === undefined) return null;
  return wanted === undefined || wanted === '*' ? undefined : tag;
}

/** Throws a Problem when `If-Match` does not hold; answers what it says. */
function checkMatch(context: Context, etag: string | undefined): string | undefined {
  const wanted = context.req.header('if-match')?.trim();
  // A weak tag never matches here: it does not say that nothing has changed.
  if (wanted !== undefined && (etag === undefined || (wanted !== '*' && !tagsOf(wanted).includes(etag))))
    throw changed(whyUnmatched(wanted, etag), etag);
  return wanted;
}

function whyUnmatched(wanted: string, etag: string | undefined): string {
  if (etag === undefined) return 'the resource does not exist';
  if (wanted !== '*' && tagsOf(wanted).length === 0)
    return 'If-Match holds no ETag: an ETag includes its double quotes';
  return 'the resource has changed since its ETag was read';
}

function changed(detail: string, etag: string | undefined): Problem {
  return new Problem(412, 'changed', 'Precondition failed', detail, defined({ etag }));
}

function tagsOf(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

function weak(tag: string): string {
  return tag.replace(/^W\//, '');
}
