import type { Context } from 'hono';
import { digestOf } from '../client/digest.ts';
import { Problem } from './problem.ts';

// Conditional requests, RFC 9110 section 13.

/** The tag of a representation: another state has another tag. */
export function tagOf(body: unknown): string {
  return digestOf(body).slice(0, 32);
}

/** A tag as a strong ETag. */
function quoted(tag: string): string {
  return `"${tag}"`;
}

/** The answer with its ETag; 304 when the caller has it already. Throws a Problem when it is asked for only as it was, and is not so any more. */
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

/** True when a request has preconditions. */
export function isConditional(context: Context): boolean {
  return context.req.header('if-match') !== undefined || context.req.header('if-none-match') !== undefined;
}

/**
 * Throws a Problem when `If-Match` or `If-None-Match` do not hold for what there is, by its tag; undefined: there is nothing. Answers the tag
 * that it has to have still when it is changed, null when there has to be nothing, undefined when it need not stay as it is.
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
    throw changed('it is there already', etag);
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
  if (etag === undefined) return 'there is no such thing';
  if (wanted !== '*' && tagsOf(wanted).length === 0) return 'If-Match has no ETag: its double quotes belong to it';
  return 'it is not as it was when the ETag was read';
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
