import { type HostConfiguration, shadowOf } from '../../../configuration/load.ts';
import type { Feilong } from '../../../demo/feilong/server.ts';
import { FEILONG_ZHCP } from '../../../domain/host/host.ts';
import type { Environment } from '../../workflows/environment.ts';

/** A host by xCAT with a Feilong server as its shadow. */
export function withShadow({ url, tokenFile }: Feilong): Partial<HostConfiguration> {
  const feilong = { url, tokenFile, timeoutSeconds: 300, verifyTls: true };
  return { macPrefix: '02:00:00', shadow: { zhcpNode: FEILONG_ZHCP, feilong } };
}

/** The same host with the two exchanged. */
export function exchanged({ configuration }: Environment): Partial<HostConfiguration> {
  const { zhcpNode, xcat } = configuration;
  if (xcat === undefined) throw new Error('not by xCAT');
  return { ...shadowOf(configuration), shadow: { zhcpNode, xcat }, host: configuration.host };
}

const DISTURBING = [
  'coupled',
  'uncoupled',
  'nic-defined',
  'nic-removed',
  'granted',
  'revoked',
  'vlans-changed',
  'logon',
  'logoff',
];

/** The events since that one which disturb a guest on z/VM. */
export async function disturbancesSince(environment: Environment, since: number) {
  return (await environment.events(since)).filter(({ type }) => DISTURBING.includes(type));
}

/** The number of the last event on z/VM. */
export async function lastEvent(environment: Environment): Promise<number> {
  return (await environment.events()).at(-1)?.seq ?? 0;
}
