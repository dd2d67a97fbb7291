import type { Capabilities } from '../capabilities.ts';

/** Feilong's REST API has no call for these (docs/reference/feilong.md 2). */
export const CAN: Capabilities = {
  portBased: false,
  vlanSets: false,
  addresses: false,
  deferredDirectory: false,
  changeUplinks: false,
  managementNetwork: false,
  liveMac: false,
  nicOperands: false,
};
