import { z } from 'zod';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { PortId, Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { BackendError } from '../../backend-error.ts';
import { FeilongError } from './failure.ts';
import type { FeilongRequest, FeilongTransport } from './transport.ts';

/** A row of Feilong's table of NICs; its key is userid and vdev. */
export type NicRow = z.infer<typeof NicRow>;
const NicRow = z.object({
  userid: z.string(),
  interface: z.string(),
  /** Null until it is coupled. */
  switch: z.string().nullable(),
  /** The id that the NIC was created with, null of one that was only registered. */
  port: z.string().nullable(),
});

const Texts = z.array(z.string());

/** A VSWITCH in Feilong's words: texts, and four lists by name. */
export const VswitchAnswer = z.object({
  real_devices: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  authorized_users: z
    .record(
      z.string(),
      z.object({ port_num: z.string(), prom_mode: z.string(), vlan_ids: z.array(z.coerce.string()) }).loose(),
    )
    .default({}),
  adapters: z.record(z.string(), z.object({ mac: z.string() }).loose()).default({}),
});
export type VswitchAnswer = z.infer<typeof VswitchAnswer> & { texts: ReadonlyMap<string, string> };

/** A NIC of a running guest. One that is not coupled may have no LAN. */
const Adapter = z.object({
  adapter_address: z.string(),
  lan_owner: z.string().optional(),
  lan_name: z.string().optional(),
  mac_address: z.string().optional(),
});
export type Adapter = z.infer<typeof Adapter>;

const HostAnswer = z.object({
  zcc_userid: z.string(),
  hypervisor_version: z.int(),
  ipl_time: z.string(),
});
export type HostAnswer = z.infer<typeof HostAnswer>;

type Abortable = AbortSignal | undefined;

/** Feilong's calls as this project uses them (docs/reference/feilong.md 1.3). All throw a BackendError, or the signal's reason. */
export type FeilongClient = ReturnType<typeof createFeilongClient>;

/** The calls over a transport, which is closed with the client. */
export function createFeilongClient(transport: FeilongTransport) {
  const get = async <T extends z.ZodType>(path: string, type: T, signal?: Abortable): Promise<z.output<T>> =>
    take(`GET ${path}`, type, await transport.request({ method: 'GET', path, signal }));
  const send = async (request: FeilongRequest): Promise<void> => void (await transport.request(request));
  const ofGuest = (userid: Userid, rest = '') => `/guests/${encodeURIComponent(userid)}${rest}`;
  const nicOf = (userid: Userid, vdev: Vdev) => ofGuest(userid, `/nic/${vdev}`);
  const ofVswitch = (name: string) => `/vswitches/${encodeURIComponent(name)}`;
  return {
    /** Also answered while nothing is behind the server. */
    version: async (signal?: Abortable) => (await get('/', z.object({ version: z.string() }), signal)).version,
    host: (signal?: Abortable) => get('/host', HostAnswer, signal),
    /** All userids of the user directory. */
    directoryUserids: (signal?: Abortable) => get('/host/guests', Texts, signal),
    vswitchNames: (signal?: Abortable) => get('/vswitches', Texts, signal),
    /** Undefined when there is none of the name. */
    vswitch: async (name: string, signal?: Abortable): Promise<VswitchAnswer | undefined> => {
      const answer = await unlessMissing(() => get(ofVswitch(name), z.record(z.string(), z.unknown()), signal));
      if (answer === undefined) return undefined;
      const texts = Object.entries(answer).flatMap(([key, text]): [string, string][] =>
        typeof text === 'string' ? [[key, text]] : [],
      );
      return { ...take(`GET ${ofVswitch(name)}`, VswitchAnswer, answer), texts: new Map(texts) };
    },
    createVswitch: (vswitch: object, signal: AbortSignal) =>
      send({ method: 'POST', path: '/vswitches', body: { vswitch }, functionName: CREATE_VSWITCH, signal }),
    deleteVswitch: (name: VswitchName, signal: AbortSignal) =>
      send({ method: 'DELETE', path: ofVswitch(name), signal }),
    /** Exactly one of Feilong's keys: of several it carries out the first, and answers success. */
    changeVswitch: (name: VswitchName, change: object, signal: AbortSignal) =>
      send({ method: 'PUT', path: ofVswitch(name), body: { vswitch: change }, signal }),
    /** Registered guests. */
    guests: (signal?: Abortable) => get('/guests', Texts, signal),
    nics: (signal?: Abortable) => get('/guests/nics', z.array(NicRow), signal),
    nicsOf: (userid: Userid, signal?: Abortable) =>
      get(`/guests/nics?userid=${encodeURIComponent(userid)}`, z.array(NicRow), signal),
    /** The directory entry; undefined when there is none. The caller must not quote it: the password is hidden in it, other secrets are not. */
    directoryEntry: async (userid: Userid, signal?: Abortable): Promise<string | undefined> => {
      const type = z.object({ user_direct: Texts });
      const answer = await unlessCode(['400/4'], () => get(ofGuest(userid, '/user_direct'), type, signal));
      return answer?.user_direct.join('\n');
    },
    /** NICs of the running guest; undefined when it is not logged on, or not there. */
    adapters: async (userid: Userid, signal?: Abortable): Promise<Adapter[] | undefined> => {
      const type = z.object({ adapters: z.array(Adapter) });
      try {
        return (await unlessCode(NOT_RUNNING, () => get(ofGuest(userid, '/adapters'), type, signal)))?.adapters;
      } catch (error) {
        if (hasNoNic(error)) return [];
        throw error;
      }
    },
    /**
     * Make the guest known; NICs of the running guest get rows, with the ports of their MACs. That it has none is answered as a failure, and is
     * none.
     */
    register: (userid: Userid, ports: ReadonlyMap<string, PortId>, signal: AbortSignal) => {
      const port_macs = Object.fromEntries([...ports].map(([mac, portId]) => [macKey(mac), portId]));
      return send({ method: 'POST', path: ofGuest(userid, '/action'), body: { ...REGISTER, port_macs }, signal });
    },
    /** Forget the guest and its rows; z/VM stays as it is. */
    deregister: (userid: Userid, signal: AbortSignal) =>
      send({ method: 'POST', path: ofGuest(userid, '/action'), body: { action: 'deregister_vm' }, signal }),
    createNic: (
      userid: Userid,
      nic: { vdev: Vdev; nic_id?: PortId; mac_addr?: string; active: boolean },
      signal: AbortSignal,
    ) => send({ method: 'POST', path: ofGuest(userid, '/nic'), body: { nic }, signal }),
    deleteNic: (userid: Userid, vdev: Vdev, active: boolean, signal: AbortSignal) =>
      send({ method: 'DELETE', path: nicOf(userid, vdev), body: { active }, signal }),
    couple: (
      userid: Userid,
      vdev: Vdev,
      to: { vswitch: VswitchName; active: boolean; vlan_id?: number },
      signal: AbortSignal,
    ) =>
      send({
        method: 'PUT',
        path: nicOf(userid, vdev),
        body: { info: { couple: true, ...to } },
        functionName: COUPLE,
        signal,
      }),
    uncouple: (userid: Userid, vdev: Vdev, active: boolean, signal: AbortSignal) =>
      send({ method: 'PUT', path: nicOf(userid, vdev), body: { info: { couple: false, active } }, signal }),
    close: () => transport.close(),
  };
}

const REGISTER = { action: 'register_vm', meta: 'networking-zvm', net_set: '1' };
/** The last six digits of a MAC, in capital letters. */
function macKey(mac: string): string {
  return mac.replaceAll(/[:-]/g, '').slice(-6).toUpperCase();
}

const CREATE_VSWITCH = 'Virtual_Network_Vswitch_Create_Extended';
const COUPLE = 'Virtual_Network_Adapter_Connect_Vswitch';
// Not logged on is 200/12 or 8/45, which of them is not known (docs/reference/zvm.md 2.2); 200/4 is of a guest that z/VM does not have.
const NOT_RUNNING = ['200/12', '8/45', '200/4'];

/** A running guest without NICs: z/VM's answer, or Feilong's to an empty one. */
function hasNoNic(error: unknown): boolean {
  return isCode(error, ['212/8']) || (error instanceof FeilongError && error.answered === '300/300/5');
}

function isCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof BackendError && codes.includes(`${error.rc}/${error.rs}`);
}

async function unlessCode<T>(codes: readonly string[], call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isCode(error, codes)) return undefined;
    throw error;
  }
}

/** Undefined for what Feilong has not. */
async function unlessMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof FeilongError && error.answered === '404/404/1') return undefined;
    throw error;
  }
}

function take<T extends z.ZodType>(operation: string, type: T, value: unknown): z.output<T> {
  const parsed = type.safeParse(value);
  if (parsed.success) return parsed.data;
  const path = operation.replace(/\?.*$/, '');
  const message = `${path}: the answer does not have the form of Feilong's API`;
  const advice = 'check the version of Feilong: 1.6.3 and later 1.6 are supported';
  throw new BackendError({ code: 'bad-answer', operation: path, message, retryable: false, advice });
}
