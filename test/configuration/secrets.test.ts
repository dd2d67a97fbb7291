import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigurationError } from '../../configuration/error.ts';
import { loadConfiguration } from '../../configuration/load.ts';
import { EVENT_NAMES } from '../../domain/notifications/notification.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  writeFileSync(join(folder, 'xcat-password'), 'Hush-1 \n');
  writeFileSync(join(folder, 'broker'), 'rabbit://u:Hush-2@broker/\n');
  writeFileSync(join(folder, 'hook'), 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const ACCESS = '[AGENT]\nzvm_xcat_server = mn\nzvm_xcat_username = admin\n';
const HOOK = '[zvm_webhook:ops]\nurl = https://ops.example/hook?key=Hush-3\nsecret_file = hook\n';

function load(text: string, env: Record<string, string> = { CREDENTIALS_DIRECTORY: folder }) {
  const file = join(folder, 'zvm.ini');
  writeFileSync(file, text);
  return loadConfiguration({ configFiles: [file], configDirs: [], env });
}

function problemOf(text: string, env?: Record<string, string>): string {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error('no ConfigurationError was thrown');
}

test('secrets come from files, and from credentials of systemd by their name', () => {
  const { hosts, neutron, secretFiles } = load(
    `[DEFAULT]\ntransport_url_file = ${folder}/broker\n${ACCESS}zvm_xcat_password_file = xcat-password\n`,
  );
  expect(hosts[0]?.xcat?.password).toBe('Hush-1 ');
  expect(neutron?.bus?.transport.brokers).toMatchObject([{ host: 'broker', password: 'Hush-2' }]);
  expect(secretFiles?.toSorted()).toEqual([join(folder, 'broker'), join(folder, 'xcat-password')]);
});

test('the environment stands above a file, and a file above the key itself', () => {
  const text = `${ACCESS}zvm_xcat_password = old\nzvm_xcat_password_file = xcat-password\n`;
  expect(load(text).hosts[0]?.xcat?.password).toBe('Hush-1 ');
  const env = { CREDENTIALS_DIRECTORY: folder, ZVM_XCAT_PASSWORD: 'of the environment' };
  expect(load(text, env).hosts[0]?.xcat?.password).toBe('of the environment');
});

test('a file of a secret that cannot be read is named, with the key', () => {
  const text = `${ACCESS}zvm_xcat_password_file = ${folder}/absent\n`;
  expect(problemOf(text)).toMatch(
    /zvm\.ini:4: \[AGENT\] zvm_xcat_password_file: \S+\/absent cannot be read \(ENOENT\)/,
  );
  expect(problemOf(`${ACCESS}zvm_xcat_password_file = xcat-password\n`, {})).toContain('no credentials of systemd');
});

const WITH_PASSWORD = `${ACCESS}zvm_xcat_password = Hush-1\n`;
const TWO_HOSTS = '[zvm_host:zvm1]\nxcat_zhcp_nodename = a\n[zvm_host:zvm2]\nxcat_zhcp_nodename = b\n';

test('a webhook is for the hosts and events that it names; without a word for all', () => {
  const own =
    '[zvm_webhook:few]\nurl = http://few.example/\nsecret_file = hook\nhosts = zvm2\nevents = drift.found, host.back\n';
  const { hosts } = load(`${WITH_PASSWORD}${TWO_HOSTS}${HOOK}${own}`);
  const named = hosts.map(({ webhooks = [] }) => webhooks.map(({ name, events }) => [name, events]));
  expect(named).toEqual([
    [['ops', EVENT_NAMES]],
    [
      ['ops', EVENT_NAMES],
      ['few', ['drift.found', 'host.back']],
    ],
  ]);
});

test.each([
  ['an unknown event', `${HOOK}events = drift.lost\n`, 'events: "drift.lost" has the invalid entry "drift.lost"'],
  ['a misspelt key', `${HOOK}event = drift.found\n`, 'event: is no key of a webhook'],
  ['a name with a slash', HOOK.replace('ops', 'o/ps'), 'does not name a webhook'],
  ['no secret', HOOK.replace(/secret_file.*\n/, ''), 'secret: is missing'],
  ['a secret that anybody guesses', `${HOOK}`, 'is shorter than 24 characters'],
  ['another scheme', HOOK.replace('https:', 'file:'), 'url: is not a URL of http or https'],
  ['a user in its URL', HOOK.replace('ops.example', 'u:Hush-4@ops.example'), 'without user and password'],
])('a webhook with %s is a problem', (kind, text, problem) => {
  const env: Record<string, string> = { CREDENTIALS_DIRECTORY: folder };
  if (kind.startsWith('a secret')) env.ZVM_WEBHOOK_SECRET_OPS = 'short';
  const message = problemOf(`${WITH_PASSWORD}${text}`, env);
  expect(message).toContain(problem);
  expect(message).not.toMatch(/Hush/);
});
