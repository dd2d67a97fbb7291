import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { App } from '../http/routing.ts';

const PAGE = join(import.meta.dirname, 'page');
// A build has Swagger UI's files beside its own (packaging/build.ts).
const SWAGGER = import.meta.url.endsWith('.ts')
  ? dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  : PAGE;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** URL path → file. The pages need no other host. A build has its modules as JavaScript, compiled. */
function files(folder: string): Map<string, string> {
  const page = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|js|css)$/.test(name));
  return new Map([
    ['/', join(folder, 'index.html')],
    ['/docs', join(folder, 'docs.html')],
    ...page.map((name): [string, string] => [`/page/${name}`, join(folder, name)]),
    ...['swagger-ui.css', 'swagger-ui-bundle.js'].map((name): [string, string] => [
      `/page/${name}`,
      join(SWAGGER, name),
    ]),
  ]);
}

/** A file as browsers take it: TypeScript without its types, each statement on the line that it has in the file. */
async function forBrowsers(file: string): Promise<Buffer<ArrayBuffer> | string> {
  if (!file.endsWith('.ts')) return readFile(file);
  const { transformSync } = await import('amaro');
  return transformSync(await readFile(file, 'utf8'), { mode: 'strip-only' }).code;
}

/** The picture at `/` and the page to browse the API at `/docs`. A file that was read is kept in memory; one that could not be read is tried again. */
export function pageRoutes(app: App, folder = PAGE): void {
  const served = new Map<string, Awaited<ReturnType<typeof forBrowsers>>>();
  for (const [path, file] of files(folder)) {
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    app.get(path, async (context) => {
      const content = served.get(file) ?? (await forBrowsers(file));
      served.set(file, content);
      return context.body(content, 200, { 'content-type': type, 'cache-control': 'no-cache' });
    });
  }
}
