import type { ControlWatch } from '../../activities/write-gate.ts';
import { NO_CONTROL } from '../../domain/host/host-control.ts';

/** The word on a host that nobody holds. */
export const FREE: ControlWatch = {
  now: async () => NO_CONTROL,
  onChange: () => () => {},
  stopped: () => {},
  quiet: () => {},
  served: () => {},
};
