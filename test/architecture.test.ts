import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** What each folder may import: of others whole, or types alone (docs/architecture.md). */
const MAY: Record<string, { code: string[]; types: string[]; packages: RegExp }> = {
  network: { code: [], types: [], packages: /^zod$/ },
  workflows: { code: ['network', 'temporal-config'], types: [], packages: /^(zod|@temporalio\/(workflow|common))$/ },
  'temporal-config': { code: [], types: [], packages: /^@temporalio\/common$/ },
  activities: {
    code: ['xcat', 'neutron', 'network', 'temporal-config'],
    types: ['workflows'],
    packages: /^(zod|node:(crypto|zlib)|@temporalio\/(activity|common))$/,
  },
  xcat: { code: ['network'], types: [], packages: /^(zod|undici|csv-parse\/sync|node:.*)$/ },
  neutron: { code: ['network'], types: [], packages: /^(zod|amqplib|undici|node:.*)$/ },
  simulator: { code: [], types: ['network'], packages: /^(zod|node:.*)$/ },
  client: {
    code: ['network', 'temporal-config'],
    types: ['workflows'],
    packages: /^(zod|csv-parse|node:(crypto|zlib|(stream|timers)\/promises)|@temporalio\/(client|common|envconfig))$/,
  },
  configuration: { code: ['network', 'neutron'], types: [], packages: /^(zod|node:.*)$/ },
  gateway: {
    code: ['client', 'network', 'temporal-config'],
    types: [],
    packages:
      /^(zod|hono.*|@hono\/.*|prom-client|rate-limiter-flexible|swagger-ui-dist.*|pino|node:.*|@temporalio\/(client|common))$/,
  },
  cli: {
    code: ['client', 'configuration', 'network', 'temporal-config'],
    types: [],
    packages: /^(zod|commander|cli-table3|log-update|@bomb\.sh\/tab.*|node:.*|@temporalio\/(client|common))$/,
  },
  workers: {
    code: [
      'activities',
      'client',
      'configuration',
      'gateway',
      'network',
      'neutron',
      'simulator',
      'temporal-config',
      'workflows',
      'xcat',
    ],
    types: [],
    packages: /.*/,
  },
  // It judges from outside: of the product it knows how to start it, and Temporal's names.
  chaos: {
    code: ['temporal-config', 'workers'],
    types: [],
    packages: /^(zod|node:.*|@temporalio\/(client|common))$/,
  },
};

type Import = { from: string; to: string; typeOnly: boolean };

function importsOf(folder: string): Import[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.flatMap((file) => {
    const from = join(folder, file);
    const text = readFileSync(join(ROOT, from), 'utf8');
    return [...text.matchAll(/^(import|export)\s+(type\s+)?[^;]*?from\s+'([^']+)'/gm)].map((match) => ({
      from,
      to: match[3] ?? '',
      typeOnly: match[2] !== undefined,
    }));
  });
}

test.each(Object.keys(MAY))('%s imports only what lies below it', (folder) => {
  const rule = MAY[folder];
  const found = importsOf(folder);
  expect(found.length).toBeGreaterThan(0);
  const wrong = found.filter(({ from, to, typeOnly }) => {
    if (!to.startsWith('.')) return rule?.packages.test(to) !== true;
    const target = relative(ROOT, join(ROOT, dirname(from), to)).split('/')[0] ?? '';
    if (target === folder || rule?.code.includes(target) === true) return false;
    return !(typeOnly && rule?.types.includes(target) === true);
  });
  expect(wrong).toEqual([]);
});
