import { z } from 'zod';
import type { Feilong } from '../demo/feilong/server.ts';
import type { GuestPlace } from './places.ts';
import { ZHCP_NODE } from './places.ts';
import { grantsOf, type SimulatorState } from './simulator.ts';

const Answer = z.object({
  output: z.array(
    z.object({
      userid: z.string(),
      interface: z.string(),
      switch: z.string().nullable(),
      port: z.string().nullable(),
    }),
  ),
});

/**
 * The state with Feilong's rows, read by its own API, in the place of xCAT's. They have no VLAN, which the guest's grant alone tells, and no admin
 * state: a port whose NIC is on no VSWITCH is down.
 */
export async function withFeilongsRows(
  state: SimulatorState,
  feilong: Feilong | undefined,
  guests: readonly GuestPlace[],
): Promise<SimulatorState> {
  if (feilong === undefined) return state;
  const headers = { 'x-auth-token': await tokenOf(feilong) };
  const { output } = Answer.parse(await (await fetch(`${feilong.url}/guests/nics`, { headers })).json());
  const places = guests.flatMap((guest) => guest.ports);
  const system = state.systems[ZHCP_NODE];
  const rows = output.map((row) => {
    const vswitch = row.switch ?? places.find(({ portId }) => portId === row.port)?.vswitch ?? '';
    const [grant] = system === undefined ? [] : grantsOf(system, vswitch, row.userid);
    return {
      port: row.port,
      node: row.userid.toLowerCase(),
      interface: row.interface,
      switch: vswitch,
      vlan: grant?.join('+') ?? null,
      disable: row.switch === null ? '1' : null,
    };
  });
  return { ...state, tables: { switch: rows, mac: [] } };
}

async function tokenOf({ url, token = '' }: Feilong): Promise<string> {
  const answer = await fetch(`${url}/token`, { method: 'POST', headers: { 'x-admin-token': token } });
  return answer.headers.get('x-auth-token') ?? '';
}
