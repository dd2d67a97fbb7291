import { describe } from 'vitest';
import { CAN } from '../../../backend/feilong/can.ts';
import { type BackendWorld, backendContract } from '../contract.ts';
import { feilongIsHere, openFeilongWorld } from './feilong-world.ts';

/** Feilong couples in the directory by replacing the entry. */
const CALLS = {
  couple: 'Virtual_Network_Adapter_Connect_Vswitch',
  'define in the directory': 'Image_Replace_DM',
};

describe.skipIf(!feilongIsHere)("with Feilong's own server", () => {
  backendContract('feilong', CAN, async (): Promise<BackendWorld> => {
    const world = await openFeilongWorld();
    return {
      backend: world.backend,
      system: world.system,
      refuse: (call, rc, rs) => world.refuse(CALLS[call], rc, rs, 1),
      cutOff: () => world.feilong.stop(),
      close: world.close,
    };
  });
});
