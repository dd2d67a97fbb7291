import type { HostRules } from '../network/host.ts';
import type { XcatClient } from '../xcat/client.ts';

/** One host with its way to z/VM: what the activities of a worker work with. */
export type HostRuntime = {
  rules: Omit<HostRules, 'macPrefix'>;
  xcat: XcatClient;
};
