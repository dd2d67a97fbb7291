import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ConfigurationError } from '../../configuration/error.ts';
import { loadConfiguration } from '../../configuration/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'policy-file-'));
afterAll(() => rmSync(folder, { recursive: true }));
const EXAMPLE = join(import.meta.dirname, '../../docs/examples/policy.yaml');

const AGENT = `[AGENT]
zvm_xcat_server = 192.0.2.1
zvm_xcat_username = admin
zvm_xcat_password = secret
`;

function load(ini: string, env: Record<string, string> = {}) {
  const file = join(folder, 'agent.ini');
  writeFileSync(file, AGENT + ini);
  return loadConfiguration({ configFiles: [file], configDirs: [], env });
}

function problemsOf(policy: string) {
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, policy);
  try {
    load(`zvm_policy_file = ${file}\n`);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
  }
  throw new Error('the policy has no problem');
}

test('the example of the documentation is a policy, named by the ini or by the environment', () => {
  const [host] = load(`zvm_policy_file = ${EXAMPLE}\n`).hosts;
  expect(host?.policy?.rules.map(({ action }) => action)).toContain('approval');
  expect(load('', { ZVM_POLICY_FILE: EXAMPLE }).hosts[0]?.policy).toEqual(host?.policy);
});

test('without a policy file nothing is governed', () => {
  expect(load('').hosts[0]).not.toHaveProperty('policy');
});

test("each host may have a policy of its own, and the policy_file of OpenStack's services is none", () => {
  const hosts = `[zvm_host:one]\nxcat_zhcp_nodename = z1\nzvm_policy_file = ${EXAMPLE}\n[zvm_host:two]\nxcat_zhcp_nodename = z2\n`;
  const found = load(`policy_file = policy.json\n${hosts}`).hosts;
  expect(found.map(({ policy }) => policy !== undefined)).toEqual([true, false]);
});

test('a mistake is told with the file, its line and the field', () => {
  expect(problemsOf('rules:\n  - name: a\n    action: approval\n    withinHours: 0\n')).toMatchObject([
    { file: join(folder, 'policy.yaml'), line: 4, key: 'rules.0.withinHours' },
  ]);
  expect(problemsOf('rules:\n  - name: a\n    action: agree\n')).toMatchObject([{ key: 'rules.0.action' }]);
  expect(problemsOf('rules:\n  - name: a\n    action: refuse\n    match: {interupts: true}\n')).toMatchObject([
    { line: 4, key: 'rules.0.match.interupts' },
  ]);
});

test.each([
  ['broken YAML', 'rules: [\n'],
  ['a repeated key', 'rules: []\nrules: []\n'],
  ['no object', 'approval\n'],
  ['an empty file', ''],
  [
    'aliases without bounds',
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e'].map((each, i) => `${each}: &${each} [${Array(10).fill(`*${'abcd'[i]}`).join(',')}]`).join('\n')}\n`,
  ],
])('%s is a problem of the file', (_what, text) => {
  expect(problemsOf(text).length).toBeGreaterThan(0);
});

test('a file that is not there is a problem', () => {
  expect(() => load(`zvm_policy_file = ${join(folder, 'none.yaml')}\n`)).toThrow(/none\.yaml: cannot be read/);
});
