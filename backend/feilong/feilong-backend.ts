import type { ConfiguredRules } from '../../domain/host/host.ts';
import type { VswitchName } from '../../domain/text/identifiers.ts';
import type { ServerVersion, ZvmBackend } from '../backend.ts';
import { BackendError } from '../backend-error.ts';
import type { ServerNics } from '../reading.ts';
import { applySteps } from './apply/apply-steps.ts';
import { applyVswitchSteps } from './apply/vswitch-steps.ts';
import { CAN } from './can.ts';
import { createFeilongHost, type FeilongHost, recallDown } from './feilong-host.ts';
import { readHost, readRecord } from './reading/host-reading.ts';
import { readVswitches } from './reading/vswitches.ts';
import { planAdoption } from './record/adoption.ts';
import { planRecord } from './record/record-plan.ts';
import { createFeilongClient } from './rest/client.ts';
import type { FeilongTransport } from './rest/transport.ts';

/** The backend of a z/VM system with a Feilong server. Its transport is closed with it. */
export function createFeilongBackend(rules: ConfiguredRules, transport: FeilongTransport): ZvmBackend {
  const host = createFeilongHost(rules, createFeilongClient(transport));
  const { feilong } = host;
  return {
    kind: 'feilong',
    can: CAN,
    entries: host.entries,
    answers: host.answers,
    recallDown: (ports) => recallDown(host, ports),
    check: (signal) => check(host, signal),
    probe: async (signal) => void (await feilong.vswitchNames(signal)),
    readHost: (request) => readHost(host, request),
    planRecord,
    planAdoption,
    readRecord: () => readRecord(host),
    readVswitches: async (signal) => (await readVswitches(feilong, signal)).vswitches,
    readServerNics: (signal) => readServerNics(host, signal),
    administratorsVswitches: async (signal) => (await readServerNics(host, signal)).administrators,
    applySteps: (steps, cancellation, company) => applySteps(host, steps, cancellation, company),
    applyVswitchSteps: (steps, signal) => applyVswitchSteps(host, steps, signal),
    readManagementNode: () => Promise.reject(noManagementNetwork()),
    applyManagementSteps: () => Promise.reject(noManagementNetwork()),
    close: () => feilong.close(),
  };
}

/** The oldest version that this backend was run against. */
const MINIMUM_VERSION = [1, 6, 3];

/** GET / is answered while nothing is behind the server: its tables are asked for too. */
async function check({ feilong }: FeilongHost, signal: AbortSignal): Promise<ServerVersion> {
  const [version] = await Promise.all([feilong.version(signal), feilong.guests(signal)]);
  const numbers = version.split('.').map(Number);
  const difference = MINIMUM_VERSION.map((least, at) => (numbers[at] ?? 0) - least).find((each) => each !== 0) ?? 0;
  if (difference >= 0) return { version, supported: true };
  return { version, supported: false, advice: `this Feilong is older than ${MINIMUM_VERSION.join('.')}: update it` };
}

/** The server runs on a guest of the host. */
async function readServerNics(host: FeilongHost, signal: AbortSignal): Promise<ServerNics> {
  const [{ userid }, { vswitches }] = await Promise.all([host.about.known(), readVswitches(host.feilong, signal)]);
  const administrators = vswitches.flatMap(({ name, nics }): VswitchName[] =>
    nics.some((nic) => nic.userid === userid) ? [name] : [],
  );
  return { administrators, coupled: false };
}

function noManagementNetwork(): BackendError {
  const message = 'Feilong has no management network';
  return new BackendError({ code: 'unsupported', operation: 'read the management network', message });
}
