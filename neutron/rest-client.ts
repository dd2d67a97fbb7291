import { readFileSync } from 'node:fs';
import { Agent, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { NeutronError } from './errors.ts';
import { type Fetch, Keystone, type KeystoneCredentials, reasonOf } from './keystone.ts';
import { NetworkDictionary, type NeutronNetwork, PortDictionary } from './messages.ts';

export type RestOptions = {
  /** `http://controller:9696`, with or without `/v2.0`. */
  url: string;
  auth: { strategy: 'noauth' } | ({ strategy: 'keystone' } & KeystoneCredentials);
  timeoutMs: number;
  caFile?: string;
};

const IDS_IN_QUERY = 50;
const PAGE = 500;
const MOST_PAGES = 1_000;

/** A read-only client of Neutron's REST API for ports and networks. */
export class NeutronRest {
  readonly #base: string;
  readonly #timeoutMs: number;
  readonly #agent: Agent;
  readonly #keystone: Keystone | undefined;

  constructor({ url, auth, timeoutMs, caFile }: RestOptions) {
    this.#base = `${url.replace(/\/+$/, '').replace(/\/v2\.0$/, '')}/v2.0`;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent(caFile === undefined ? {} : { connect: { ca: readFileSync(caFile) } });
    this.#keystone =
      auth.strategy === 'keystone' ? new Keystone(auth, (url, init) => this.#fetch(url, init)) : undefined;
  }

  /** All ports bound to a host, without their segments. */
  async portsOfHost(host: string): Promise<NeutronPort[]> {
    const ports = await this.#list('ports', new URLSearchParams({ 'binding:host_id': host }), PortDictionary);
    return ports.filter((port) => port.host === host);
  }

  /** Ports by id, without their segments. */
  ports(portIds: readonly PortId[]): Promise<NeutronPort[]> {
    return this.#byId('ports', portIds, PortDictionary);
  }

  /** Networks by id, with their segments, which Neutron shows only to an administrator. */
  networks(ids: readonly string[]): Promise<NeutronNetwork[]> {
    return this.#byId('networks', ids, NetworkDictionary);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #byId<Item>(kind: string, ids: readonly string[], schema: z.ZodType<Item>): Promise<Item[]> {
    const all = [...new Set(ids)];
    const found: Item[] = [];
    for (let at = 0; at < all.length; at += IDS_IN_QUERY) {
      const query = new URLSearchParams(all.slice(at, at + IDS_IN_QUERY).map((id): [string, string] => ['id', id]));
      found.push(...(await this.#list(kind, query, schema)));
    }
    return found;
  }

  async #list<Item>(kind: string, query: URLSearchParams, schema: z.ZodType<Item>): Promise<Item[]> {
    const Page = z.object({
      [kind]: z.array(schema),
      [`${kind}_links`]: z.array(z.object({ rel: z.string() })).optional(),
    });
    const found: Item[] = [];
    query.set('limit', String(PAGE));
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await this.#get(`/${kind}`, query);
      const parsed = Page.safeParse(answer);
      if (!parsed.success)
        throw new NeutronError('bad-answer', `GET /v2.0/${kind}`, parsed.error.issues[0]?.message ?? 'unreadable');
      const items = parsed.data[kind] as Item[];
      found.push(...items);
      const links = parsed.data[`${kind}_links`] as { rel: string }[] | undefined;
      const last = z
        .array(z.object({ id: z.string() }))
        .safeParse((answer as Record<string, unknown>)[kind])
        .data?.at(-1);
      if (last === undefined || links?.some(({ rel }) => rel === 'next') !== true) break;
      query.set('marker', last.id);
    }
    return found;
  }

  async #get(path: string, query: URLSearchParams, again = true): Promise<unknown> {
    const operation = `GET /v2.0${path}`;
    const token = await this.#keystone?.token();
    let answer: Response;
    let text: string;
    try {
      answer = await this.#fetch(`${this.#base}${path}?${query}`, {
        headers: { accept: 'application/json', ...defined({ 'x-auth-token': token }) },
      });
      text = await answer.text();
    } catch (error) {
      throw new NeutronError('unreachable', operation, reasonOf(error));
    }
    if (answer.status === 401 && this.#keystone !== undefined && again) {
      this.#keystone.forget();
      return this.#get(path, query, false);
    }
    if (answer.status === 401 || answer.status === 403)
      throw new NeutronError('unauthorised', operation, `HTTP ${answer.status}`);
    if (!answer.ok)
      throw new NeutronError(answer.status >= 500 ? 'unreachable' : 'bad-answer', operation, `HTTP ${answer.status}`);
    try {
      return JSON.parse(text);
    } catch {
      throw new NeutronError('bad-answer', operation, 'the answer is not JSON');
    }
  }

  async #fetch(...[url, init]: Parameters<Fetch>): Promise<Response> {
    const options = { ...init, signal: AbortSignal.timeout(this.#timeoutMs), dispatcher: this.#agent };
    return (await undiciFetch(url, options as Parameters<typeof undiciFetch>[1])) as unknown as Response;
  }
}
