import { defined } from '../defined.ts';
import type { PortNumber } from '../port/port-number.ts';
import type { Vdev } from '../port/vdev.ts';
import type { VswitchName } from '../text/identifiers.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';
import type { GuestState, NicdefAuthorization } from './guest.ts';

/**
 * Attributes that somebody has set on authorisations and NICs that a change may have to make anew. Once these are taken away nobody could read it any
 * more: it is kept from the first reading to the end, the way back included.
 */
export type Kept = {
  promiscuous: readonly { vswitch: VswitchName; portNumber?: PortNumber }[];
  nics: readonly ({ vdev: Vdev } & NicOperands)[];
  /** Rights and priorities that NICDEFs name beside VLAN and port type. */
  rights?: readonly ({ vdev: Vdev } & NicRights)[];
};

/** Rights of a NIC whatever network it is on, as an administrator has given them. */
export type NicRights = Pick<NicdefAuthorization, 'promiscuous' | 'priority'>;

/** Operands of a NICDEF that are no affair of a port. */
export type NicOperands = { devices?: number; chpid?: string };

/** The attributes of a guest to keep. */
export function keptAttributes(guest: GuestState, vswitches: readonly Vswitch[]): Kept {
  return {
    promiscuous: vswitches.flatMap(({ name: vswitch, authorisations }) =>
      authorisations
        .filter(({ userid, promiscuous }) => userid === guest.userid && promiscuous === true)
        .map(({ portNumber }) => ({ vswitch, ...defined({ portNumber }) })),
    ),
    nics: guest.directory.flatMap(({ vdev, devices, chpid }) => {
      if (devices === undefined && chpid === undefined) return [];
      return [{ vdev, ...defined({ devices, chpid }) }];
    }),
    ...rightsIn(guest),
  };
}

function rightsIn({ directory }: GuestState): Pick<Kept, 'rights'> {
  const rights = directory.flatMap(({ vdev, authorization: { promiscuous, priority } = {} }) =>
    promiscuous === undefined && priority === undefined ? [] : [{ vdev, ...defined({ promiscuous, priority }) }],
  );
  return rights.length === 0 ? {} : { rights };
}

/** `promiscuous` of a step that authorises anew. */
export function promiscuityOn(
  kept: Kept | undefined,
  vswitch: VswitchName,
  portNumber?: PortNumber,
): { promiscuous?: true } {
  const was = kept?.promiscuous.some((each) => each.vswitch === vswitch && each.portNumber === portNumber);
  return was === true ? { promiscuous: true } : {};
}

/** Operands of a step that defines a NIC anew. */
export function operandsOf(kept: Kept | undefined, vdev: Vdev): NicOperands {
  const { vdev: _vdev, ...operands } = kept?.nics.find((nic) => nic.vdev === vdev) ?? { vdev };
  return operands;
}

/** Rights and priority of a NIC whose statement is made anew. */
export function rightsOf(kept: Kept | undefined, vdev: Vdev): NicRights {
  const { vdev: _vdev, ...rights } = kept?.rights?.find((nic) => nic.vdev === vdev) ?? { vdev };
  return rights;
}
