import { z } from 'zod';
import type { RunningKeystone } from '../../../demo/openstack/keystone.ts';

const Service = z.object({ service: z.object({ id: z.string() }) });

/** Add a service to Keystone's catalog, where tempest looks it up. Throws an Error with Keystone's answer. */
export async function register(keystone: RunningKeystone, type: string, url: string): Promise<void> {
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await fetch(`${keystone.url}/v3/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-auth-token': await keystone.token() },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { service } = Service.parse(await post('services', { service: { type, name: type } }));
  for (const kind of ['admin', 'internal', 'public'])
    await post('endpoints', {
      endpoint: { service_id: service.id, interface: kind, url, region_id: 'RegionOne' },
    });
}
