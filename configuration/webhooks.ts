import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { EVENT_NAMES, type EventName, WebhookName } from '../domain/notifications/notification.ts';
import { HostName } from '../domain/text/identifiers.ts';
import type { ConfigurationProblem } from './error.ts';
import type { HostReader } from './host-reader.ts';
import type { IniSource } from './ini-source.ts';
import type { Setting } from './schema.ts';
import type { Secrets } from './secrets.ts';

/** A receiver of notifications. Its secret is in the file, read at each delivery, or in `secret`. */
export type WebhookConfiguration = {
  name: string;
  url: string;
  secretFile?: string;
  secret?: string;
  events: readonly EventName[];
  caFile?: string;
};

/** The hosts of a webhook; undefined for all. */
export type Webhook = WebhookConfiguration & { hosts: readonly string[] | undefined };

const PREFIX = 'zvm_webhook:';
/** As the Standard Webhooks specification demands at least. */
const SHORTEST_SECRET = 24;

const Url = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}, 'is not a URL of http or https without user and password');

function listOf<Item>(one: (name: string) => Item | undefined): z.ZodType<Item[], string> {
  return z.string().transform((text, context): Item[] =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .flatMap((name) => {
        const item = one(name);
        if (item === undefined) context.addIssue(`has the invalid entry ${JSON.stringify(name)}`);
        return item ?? [];
      }),
  );
}

function settingsOf(section: string) {
  const setting = <T>(key: string, schema: z.ZodType<T, string>, allowed: string, isSecret = false): Setting<T> => ({
    ...{ key, sections: [section], schema, allowed },
    show: (text) => (isSecret ? undefined : text),
  });
  const events = listOf((name) => EVENT_NAMES.find((event) => event === name));
  return {
    // Of some receivers the URL itself is the secret.
    url: setting('url', Url, 'https://… or http://…, or url_file', true),
    secret: setting('secret', z.string(), 'secret_file, or ZVM_WEBHOOK_SECRET_<NAME> in the environment', true),
    events: setting('events', events, EVENT_NAMES.join(', ')),
    hosts: setting(
      'hosts',
      listOf((name) => HostName.safeParse(name).data),
      'names of hosts, with commas between',
    ),
    caFile: setting('ca_file', z.string(), 'path of a PEM file'),
  };
}
const KEYS = new Set(['url', 'url_file', 'secret_file', 'events', 'hosts', 'ca_file']);

/** The webhooks of the sections `[zvm_webhook:<name>]`. */
export function readWebhooks(
  source: IniSource,
  reader: HostReader,
  secrets: Secrets,
  problems: ConfigurationProblem[],
): Webhook[] {
  return source.sectionsOf(PREFIX).flatMap(({ name, file, line, section, keys }) => {
    const place = { file, line, section };
    for (const key of keys.filter((each) => !KEYS.has(each)))
      problems.push({ ...place, key, problem: 'is no key of a webhook', allowed: [...KEYS].join(', ') });
    if (WebhookName.safeParse(name).success) return [readWebhook(name, section, reader, secrets)];
    problems.push({ ...place, problem: 'does not name a webhook', allowed: `[${PREFIX}<name>] of a–z, 0–9, _ and -` });
    return [];
  });
}

function readWebhook(name: string, section: string, reader: HostReader, secrets: Secrets): Webhook {
  const settings = settingsOf(section);
  const variable = name.toUpperCase().replaceAll('-', '_');
  const url = reader.readRequired(
    settings.url,
    '',
    secrets.override(reader, settings.url, `ZVM_WEBHOOK_URL_${variable}`),
  );
  if (!Url.safeParse(url).success && reader.find(settings.url) === undefined && url !== '')
    reader.report(settings.url, 'is not a URL of http or https without user and password');
  const secretFile = secrets.fileOf(reader, settings.secret);
  const secret = reader.readRequired(
    settings.secret,
    '',
    secrets.override(reader, settings.secret, `ZVM_WEBHOOK_SECRET_${variable}`),
  );
  if (secret !== '' && secret.split('\n').some((line) => line.trim().length < SHORTEST_SECRET))
    reader.report(settings.secret, `is shorter than ${SHORTEST_SECRET} characters`);
  return {
    ...{ name, url },
    ...(secretFile === undefined ? { secret } : { secretFile }),
    events: reader.read(settings.events) ?? EVENT_NAMES,
    hosts: reader.read(settings.hosts),
    ...defined({ caFile: reader.read(settings.caFile) }),
  };
}
