import type { Code } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import type { SmcliFunction } from './function.ts';

/** Functions on a running guest as a whole. */
export const IMAGE_FUNCTIONS: Record<string, SmcliFunction> = {
  Image_Active_Configuration_Query: {
    options: 'T',
    required: 'T',
    scope: 'live',
    run: (_call, guest) => describeConfiguration(guest),
  },
  Image_Activate: {
    options: 'T',
    required: 'T',
    scope: 'any',
    status: (call) => `Activating ${call.target}... `,
    run: ({ system, target }) => onGuest(system, target, (guest) => system.logon(guest)),
  },
  Image_Deactivate: {
    options: 'Tf',
    required: 'T',
    scope: 'any',
    status: (call) => `Deactivating ${call.target}... `,
    run: ({ system, target }) =>
      onGuest(system, target, (guest) => (guest.loggedOn ? system.logoff(guest) : system.loggedOffCode())),
  },
};

function onGuest(system: ZvmSystem, userid: string, act: (guest: Guest) => Code): Code {
  const guest = system.guest(userid);
  return guest ? act(guest) : [200, 4];
}

/** As smcliImage.c prints it. SMAPI tells consoles, spooled devices and disks; of NICs and real devices it has no word. */
function describeConfiguration(guest: Guest): string {
  const shown = guest.devices.filter((device) => device.kind !== '');
  const devices = shown.flatMap(({ vdev, count, kind }) =>
    Array.from({ length: count }, (_, at) => {
      const address = (Number.parseInt(vdev, 16) + at).toString(16).toUpperCase().padStart(4, '0');
      return `  Address: ${address} (${kind})`;
    }),
  );
  const lines = [
    'Memory: 2 GB',
    'Share type: Relative',
    'Share value: 100',
    'CPU count: 1',
    'CPUs',
    '  Address: 0',
    '  ID: FF00000000000000 (Base)',
    'Devices',
    ...devices,
  ];
  return `${lines.join('\n')}\n`;
}
