import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { App } from '../http/routing.ts';

const HERE = join(import.meta.dirname, 'page');
const SWAGGER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** The picture's styles, its script, and the modules that this is made of. */
const PICTURE = [
  'picture.css',
  'legend.css',
  'drawing.css',
  'picture.js',
  'address.js',
  'changes.js',
  'drawing/colours.js',
  'details/detail-parts.js',
  'details/details.js',
  'dom.js',
  'drawing/drawing.js',
  'feed.js',
  'drawing/flash.js',
  'freshness.js',
  'details/guest-details.js',
  'drawing/head.js',
  'host.js',
  'key.js',
  'drawing/layout.js',
  'drawing/legend.js',
  'drawing/looks.js',
  'details/operations.js',
  'reconciled.js',
  'search.js',
  'session.js',
  'drawing/stage.js',
  'times.js',
];

/** URL → file. All that the pages need is served here: they work without any other host. */
const FILES: Readonly<Record<string, string>> = {
  '/': join(HERE, 'index.html'),
  ...Object.fromEntries(PICTURE.map((name) => [`/page/${name}`, join(HERE, name)])),
  '/docs': join(HERE, 'docs.html'),
  '/page/docs.js': join(HERE, 'docs.js'),
  '/page/swagger-ui.css': join(SWAGGER, 'swagger-ui.css'),
  '/page/swagger-ui-bundle.js': join(SWAGGER, 'swagger-ui-bundle.js'),
};

/** The picture at `/` and the page to browse the API at `/docs`. */
export function pageRoutes(app: App): void {
  for (const [path, file] of Object.entries(FILES)) {
    const type = TYPES[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    app.get(path, (context) =>
      context.body(readFileSync(file), 200, { 'content-type': type, 'cache-control': 'no-cache' }),
    );
  }
}
