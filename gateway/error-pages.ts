import type { Context } from 'hono';
import { readErrorDocs } from '../client/error-docs.ts';
import type { ErrorSection } from '../domain/text/error-sections.ts';
import { notFound } from './http/problem.ts';
import type { App } from './http/routing.ts';

/** The documentation about errors as HTML: `/errors` has all names, `/errors/{name}` the section of one. It needs no token. */
export function errorRoutes(app: App): void {
  app.get('/errors', async (context) => {
    const lists = [...(await readErrorDocs()).values()].map(
      (sections) =>
        `<ul>${sections.flatMap(({ names }) => names.map((name) => `<li>${linkTo(name)}</li>`)).join('')}</ul>`,
    );
    return page(context, 'Errors', lists.join(''));
  });
  app.get('/errors/:name', async (context) => {
    const name = context.req.param('name');
    const found = [...(await readErrorDocs()).values()].flat().find(({ names }) => names.includes(name));
    if (found === undefined) throw notFound(`error ${name}`);
    return page(context, name, sectionHtml(found));
  });
}

function page(context: Context, title: string, body: string): Response | Promise<Response> {
  return context.html(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escaped(title)} · networking-zvm</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/page/errors.css" />
  </head>
  <body>
    <nav><a href="/">The picture</a> <a href="/errors">All errors</a></nav>
    <main>
      <h1>${escaped(title)}</h1>
      ${body}
    </main>
  </body>
</html>
`);
}

/** Each line of a section is a point of a list. */
function sectionHtml({ names, text }: ErrorSection): string {
  const others = names.length > 1 ? `<p>${names.map(escaped).join(', ')}</p>` : '';
  const points = text
    .split(/^- /m)
    .flatMap((point) => (point.trim() === '' ? [] : [`<li>${inline(point.trim())}</li>`]));
  return `${others}<ul class="points">${points.join('')}</ul>`;
}

/** Code, bold and links; a link to another section leads to its page, one to other documents is their name. */
function inline(markdown: string): string {
  return escaped(markdown)
    .replaceAll(/\[([^\]]+)\]\(([^)]*)\)/g, (_whole, text: string, target: string) => {
      const [, name] = /#(.+)$/.exec(target) ?? [];
      if (name !== undefined) return linkTo(text);
      return target.startsWith('../') ? text : `<a href="/errors">${text}</a>`;
    })
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/\*([^*]+)\*/g, '<em>$1</em>');
}

function linkTo(name: string): string {
  return `<a href="/errors/${encodeURIComponent(name)}">${escaped(name)}</a>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
