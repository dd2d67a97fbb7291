import { Vdev } from '../../../domain/port/vdev.ts';
import { PortId, type Userid } from '../../../domain/text/identifiers.ts';
import { BackendError } from '../../backend-error.ts';
import type { FeilongHost } from '../feilong-host.ts';
import { rowOf, rowsOf } from '../reading/guest-look.ts';
import type { AdoptedPort } from '../record/record-plan.ts';
import type { Done } from './guest-steps.ts';

/** Have Feilong know the guest: it works on registered ones alone. Live NICs of these numbers get the rows of these ports. Throws a BackendError. */
export async function ensureRegistered(
  host: FeilongHost,
  userid: Userid,
  ports: ReadonlyMap<Vdev, PortId>,
  signal: AbortSignal,
): Promise<void> {
  if (await isRegistered(host, userid, signal)) return;
  const adapters = (await host.feilong.adapters(userid, signal)) ?? [];
  const macs = adapters.flatMap(({ adapter_address, mac_address }): [string, PortId][] => {
    const vdev = Vdev.safeParse(adapter_address).data;
    const portId = vdev && ports.get(vdev);
    return portId === undefined || mac_address === undefined ? [] : [[mac_address, portId]];
  });
  try {
    await host.feilong.register(userid, new Map(macs), signal);
  } catch (error) {
    // A guest without live NICs, or that is logged off, is registered all the same.
    if (!(error instanceof BackendError) || !(await isRegistered(host, userid, signal))) throw error;
  }
}

async function isRegistered({ feilong }: FeilongHost, userid: Userid, signal: AbortSignal): Promise<boolean> {
  return (await feilong.guests(signal)).some((text) => text.toUpperCase() === userid);
}

/**
 * Give coupled NICs the rows of ports, and change nothing else: neither directory nor running guest. Safe to repeat. A row that does not come
 * fails as transient. Throws a BackendError.
 */
export async function adopt(
  host: FeilongHost,
  { userid, ports }: { userid: Userid; ports: readonly AdoptedPort[] },
  signal: AbortSignal,
): Promise<Done> {
  const lost = async () => {
    const rows = await rowsOf(host.feilong, userid, signal);
    return ports.filter(({ portId, vdev }) => PortId.safeParse(rowOf({ rows }, vdev)?.port).data !== portId);
  };
  const isMade = (await lost()).length === 0;
  if (!isMade) {
    await host.feilong.deregister(userid, signal);
    await ensureRegistered(host, userid, new Map(ports.map(({ portId, vdev }) => [vdev, portId])), signal);
  }
  const left = isMade ? [] : await lost();
  if (left.length > 0) throw notAdopted(userid, left);
  return isMade ? 'no change' : 'done';
}

function notAdopted(userid: Userid, lost: readonly AdoptedPort[]): BackendError {
  const nics = lost.map(({ vdev }) => vdev).join(', ');
  const message = `Feilong has registered ${userid}, but NIC ${nics} got no row with its port`;
  const advice = 'find out who else changes the guest, then try again';
  return new BackendError({ code: 'bad-answer', operation: `register ${userid}`, message, advice, retryable: true });
}
