import type { ConfiguredRules } from '../../domain/host/host.ts';
import type { ServerVersion, ZvmBackend } from '../backend.ts';
import { BackendError } from '../backend-error.ts';
import { applySteps } from './apply/apply-steps.ts';
import { applyManagementSteps, readManagementNode } from './apply/management-network.ts';
import { applyVswitchSteps } from './apply/vswitch-steps.ts';
import { createProbing } from './probe/probing.ts';
import { readHost, readRecord } from './reading/host-reading.ts';
import { administratorsVswitches, readServerNics } from './reading/management-node-nics.ts';
import { readVswitches } from './reading/vswitch-reading.ts';
import { MINIMUM_XCAT_VERSION, type XcatClient } from './rest/client.ts';
import { planRecord } from './rows/record-plan.ts';
import { createXcatHosts, type XcatHost } from './xcat-host.ts';
import { systemInfo } from './zhcp/smcli.ts';

/** xCAT on z/VM can do all that steps ask for. */
const CAN: ZvmBackend['can'] = {
  portBased: true,
  vlanSets: true,
  addresses: true,
  deferredDirectory: true,
  changeUplinks: true,
  managementNetwork: true,
  liveMac: true,
  nicOperands: true,
};

/** The backend of a z/VM system that xCAT manages. Its client is closed with it. */
export function createXcatBackend(rules: ConfiguredRules, client: XcatClient): ZvmBackend {
  // Calls without a mark are those of operations on the host itself.
  const { bulk, single: host } = createXcatHosts(rules, client);
  const hostFor = ({ single = false }: { single?: boolean }) => (single ? host : bulk);
  return {
    kind: 'xcat',
    can: CAN,
    entries: host.entries,
    answers: host.answers,
    check: (signal) => check(host, signal),
    probe: (signal) => probe(host, signal),
    readHost: (request) => readHost(hostFor(request), request),
    planRecord,
    planAdoption: (desired, guest) => ({ steps: planRecord(desired, guest), left: [] }),
    readRecord: () => readRecord(host),
    readVswitches: (signal) => readVswitches(host, signal),
    readServerNics: (signal) => readServerNics(host, signal),
    administratorsVswitches: (signal) => administratorsVswitches(host, signal),
    applySteps: (steps, cancellation, company) => applySteps(hostFor(company), steps, cancellation, company),
    applyVswitchSteps: (steps, signal) => applyVswitchSteps(host, steps, signal),
    readManagementNode: (signal) => readManagementNode(host, signal),
    applyManagementSteps: (steps, signal) => applyManagementSteps(host, steps, signal),
    probing: createProbing(host),
    close: () => client.close(),
  };
}

/** Read xCAT's version, and look up the zHCP's userid, which every reading needs, and the management node's name. */
async function check({ xcat, zhcp }: XcatHost, signal: AbortSignal): Promise<ServerVersion> {
  const lookUps = [zhcp.get(), xcat.managementNode({ signal })];
  // One that fails does not keep the others from being looked up.
  const [version] = await Promise.allSettled([xcat.checkVersion({ signal }), ...lookUps]);
  if (version.status === 'rejected') throw version.reason;
  await Promise.all(lookUps);
  if (version.value.supported) return version.value;
  const advice = `this xCAT is older than ${MINIMUM_XCAT_VERSION}: update the management node`;
  return { ...version.value, advice };
}

async function probe({ xcat, rules }: XcatHost, signal: AbortSignal): Promise<void> {
  const [outcome] = await xcat.channel(rules.zhcpNode).run([systemInfo()], { signal });
  if (outcome?.ran === true && outcome.exitStatus === 0) return;
  const message = `SMAPI does not answer by ${rules.zhcpNode}`;
  throw new BackendError({ code: 'bad-answer', operation: 'ask SMAPI', message });
}
