import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The imports that each folder may make: other folders whole, or their types alone (docs/architecture.md). */
const MAY: Record<string, { code: string[]; types: string[]; packages: RegExp }> = {
  'command-line': { code: [], types: [], packages: /^node:.*$/ },
  domain: { code: [], types: [], packages: /^(zod|croner)$/ },
  workflows: { code: ['domain', 'temporal-config'], types: [], packages: /^(zod|@temporalio\/(workflow|common))$/ },
  'temporal-config': { code: [], types: [], packages: /^@temporalio\/common$/ },
  'temporal-config/dev-server': {
    code: ['temporal-config'],
    types: [],
    packages: /^(zod|node:.*|@temporalio\/(client|common|core-bridge|envconfig|testing|worker))$/,
  },
  activities: {
    code: ['backend', 'neutron', 'domain', 'temporal-config'],
    types: ['workflows'],
    packages: /^(zod|node:(crypto|timers\/promises|zlib)|@temporalio\/(activity|common))$/,
  },
  backend: { code: ['domain'], types: [], packages: /^node:(timers\/promises|diagnostics_channel)$/ },
  'backend/http': { code: ['backend', 'domain'], types: [], packages: /^(undici|node:.*)$/ },
  'backend/zvm': { code: ['backend', 'domain'], types: [], packages: /^zod$/ },
  'backend/feilong': { code: ['backend', 'backend/http', 'backend/zvm', 'domain'], types: [], packages: /^zod$/ },
  'backend/xcat': {
    code: ['backend', 'backend/http', 'backend/zvm', 'domain'],
    types: [],
    packages: /^(zod|undici|csv-parse\/sync|node:.*)$/,
  },
  neutron: { code: ['domain'], types: [], packages: /^(zod|amqplib|undici|node:.*)$/ },
  simulator: { code: ['command-line'], types: ['domain'], packages: /^(zod|node:.*)$/ },
  client: {
    code: ['domain', 'temporal-config'],
    types: ['workflows'],
    packages:
      /^(zod|csv-parse|yaml|node:(crypto|fs|path|zlib|(fs|stream|timers)\/promises)|@temporalio\/(client|common|envconfig|proto)|@opentelemetry\/api)$/,
  },
  configuration: { code: ['domain', 'neutron'], types: [], packages: /^(zod|yaml|node:.*)$/ },
  gateway: {
    code: ['client', 'domain', 'temporal-config'],
    types: [],
    packages:
      /^(zod|hono.*|@hono\/.*|amaro|jose|prom-client|rate-limiter-flexible|swagger-ui-dist.*|pino|node:.*|@opentelemetry\/api|@temporalio\/(client|common))$/,
  },
  cli: {
    code: ['client', 'command-line', 'configuration', 'domain', 'temporal-config'],
    types: [],
    packages: /^(zod|commander|yaml|log-update|@bomb\.sh\/tab.*|node:.*|@temporalio\/(client|common))$/,
  },
  // It is packed by itself: whatever it takes of the project does not come along.
  'extensions/client/src': { code: [], types: [], packages: /^openapi-fetch$/ },
  runtime: {
    code: [
      'activities',
      'backend',

      'backend/feilong',
      'backend/http',
      'backend/xcat',
      'client',
      'command-line',
      'configuration',
      'domain',
      'gateway',
      'neutron',
      'temporal-config',
      'temporal-config/dev-server',
      'workflows',
    ],
    types: [],
    packages: /.*/,
  },
  demo: {
    code: [
      'client',
      'command-line',
      'configuration',
      'domain',
      'neutron',
      'runtime',
      'simulator',
      'temporal-config',
      'temporal-config/dev-server',
      'workflows',
    ],
    types: [],
    packages: /.*/,
  },
  'demo/feilong': {
    code: [
      'client',
      'command-line',
      'configuration',
      'demo',
      'domain',
      'runtime',
      'temporal-config',
      'temporal-config/dev-server',
    ],
    types: [],
    packages: /.*/,
  },
  // The checker judges from outside: of the product it knows how to start it, Temporal's names, and how Feilong's own server is started.
  chaos: {
    code: ['command-line', 'demo/feilong', 'temporal-config', 'temporal-config/dev-server'],
    types: [],
    packages: /^(zod|node:.*|@temporalio\/(client|common))$/,
  },
};

type Import = { from: string; to: string; typeOnly: boolean };

/** The folder with a rule that holds this file. */
function areaOf(file: string): string {
  const areas = Object.keys(MAY).filter((area) => file.startsWith(`${area}/`));
  return areas.sort((a, b) => b.length - a.length)[0] ?? file.split('/')[0] ?? '';
}

function importsOf(folder: string): Import[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && areaOf(join(folder, name)) === folder,
  );
  return files.flatMap((file) => {
    const from = join(folder, file);
    const text = readFileSync(join(ROOT, from), 'utf8');
    const imports = [...text.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+'([^']+)'|\bimport\('([^']+)'\)/gm)];
    return imports.map(([, type, to, lazy = '']) => ({ from, to: to ?? lazy, typeOnly: type !== undefined }));
  });
}

test.each(Object.keys(MAY))('%s imports only what lies below it', (folder) => {
  const rule = MAY[folder];
  const found = importsOf(folder);
  expect(found.length).toBeGreaterThan(0);
  const wrong = found.filter(({ from, to, typeOnly }) => {
    if (!to.startsWith('.')) return rule?.packages.test(to) !== true;
    const target = areaOf(relative(ROOT, join(ROOT, dirname(from), to)));
    if (target === folder || rule?.code.includes(target) === true) return false;
    return !(typeOnly && rule?.types.includes(target) === true);
  });
  expect(wrong).toEqual([]);
});

/** Files of the product that import each other in a circle, as chains. */
function circles(): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of Object.keys(MAY).flatMap(importsOf)) {
    if (to.startsWith('.')) targets.set(from, [...(targets.get(from) ?? []), join(dirname(from), to)]);
  }
  const found: string[][] = [];
  const finished = new Set<string>();
  const visit = (file: string, chain: string[]): void => {
    const at = chain.indexOf(file);
    if (at >= 0) found.push([...chain.slice(at), file]);
    if (at >= 0 || finished.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...chain, file]);
    finished.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

test('no file imports itself by way of others', () => {
  expect(circles()).toEqual([]);
});

const CODE = /\.(ts|js|mjs|cjs|css)$/;
const NOT_OURS = /(^|\/)(node_modules|dist|\.git)\//;

test('no comment begins with a question word', () => {
  const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(
    (name) => CODE.test(name) && !NOT_OURS.test(name),
  );
  expect(files.length).toBeGreaterThan(100);
  const wrong = files.flatMap((file) => {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
    return lines
      .filter((line) => /^\s*(\/\/|\/?\*+) *(What|Who|Whoever|Which)\b/.test(line))
      .map((line) => `${file}: ${line}`);
  });
  expect(wrong).toEqual([]);
});

const STRING = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/.source;
const EXPRESSION = /\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}/.source;
const TEXT = new RegExp(`/\\*[\\s\\S]*?\\*/|//.*|${STRING}|\`(?:\\\\[\\s\\S]|${EXPRESSION}|[^\\\\\`])*\``, 'g');

/** Code without comments and texts; of templates the expressions stay. */
function namesIn(code: string): string {
  return code.replaceAll(TEXT, (text) => {
    const expressions = text.startsWith('`') ? text.match(new RegExp(EXPRESSION, 'g')) : null;
    return ` ${(expressions ?? []).map((each) => namesIn(each.slice(2, -1))).join(' ')} `;
  });
}

test('the names of expressions in texts count, their words do not', () => {
  const code = "a(`of @{b.rows} row @{c ? `column @{d}` : 'table'}`); // xcat".replaceAll('@', '$');
  expect(namesIn(code).match(/\w+/g)).toEqual(['a', 'b', 'rows', 'c', 'd']);
});

test('no name in the domain is about rows, columns or tables, or xCAT', () => {
  const files = readdirSync(join(ROOT, 'domain'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(50);
  const wrong = files.flatMap((file) => {
    const names = namesIn(readFileSync(join(ROOT, 'domain', file), 'utf8')).match(/[A-Za-z]+/g) ?? [];
    const words = names.flatMap((name) => name.split(/(?<=[a-z])(?=[A-Z])/));
    const found = words.filter((word) => /^(rows?|columns?|tables?|xcat)$/i.test(word));
    return [...new Set(found)].map((word) => `domain/${file}: ${word}`);
  });
  expect(wrong).toEqual([]);
});
