import { afterEach, expect, test } from 'vitest';
import type { ZvmBackend } from '../../../backend/backend.ts';
import { createXcatClient } from '../../../backend/xcat/rest/client.ts';
import { createTransport, type Transport } from '../../../backend/xcat/rest/transport.ts';
import { createXcatBackend } from '../../../backend/xcat/xcat-backend.ts';
import { embeddedHosts } from '../../../demo/embedded-hosts.ts';
import { PortId, Userid } from '../../../domain/text/identifiers.ts';
import { rulesOf } from '../../../runtime/host/host-backend.ts';
import { startSimulator } from '../../../simulator/simulator.ts';
import { planFor } from '../plan-for.ts';

const GUEST = Userid.parse('LNX10001');
const OTHERS = ['LNX10002', 'LNX10003', 'LNX10004', 'LNX10005'].map((userid) => Userid.parse(userid));
const never = new AbortController().signal;

const close: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each();
});

/** A backend on a simulated z/VM. While `holds`, scripts for the zHCP and the management node do not get there until `letGo`. */
async function open() {
  const simulator = await startSimulator({ hosts: 1, guests: 5, release: '6.3' });
  close.push(() => simulator.close());
  const [configuration] = embeddedHosts(simulator.url, 1);
  if (configuration === undefined) throw new Error('no embedded host');
  const access = { url: simulator.url, username: 'admin', password: 'admin', timeoutMs: 60_000 };
  const options = { ...access, verifyTls: true, credentialsInQuery: false };
  const transport = createTransport(options);
  const gate = Promise.withResolvers<void>();
  const state = { holds: false, held: 0 };
  const holding: Transport = {
    ...transport,
    async request(request) {
      if (state.holds && request.path.endsWith('/dsh')) {
        state.held += 1;
        await gate.promise;
      }
      return transport.request(request);
    },
  };
  const backend = createXcatBackend(rulesOf(configuration), createXcatClient(options, holding));
  close.push(() => backend.close());
  return { backend, state, letGo: gate.resolve, guest: simulator.mn.systems[0]?.guest(GUEST) };
}

/** The same backend, all of whose readings are those of single operations. */
function ofSingles(backend: ZvmBackend): ZvmBackend {
  return { ...backend, readHost: (request) => backend.readHost({ ...request, single: true }) };
}

test('a port of a single guest is planned, made and read while scripts of bulk operations are under way everywhere', async () => {
  const { backend, state, letGo, guest } = await open();
  await backend.check(never);
  state.holds = true;
  const surveys: Promise<unknown>[] = [];
  // Each reads xCAT's tables on the management node and z/VM by the zHCP.
  for (const other of OTHERS) {
    surveys.push(backend.readHost({ userids: [other], survey: true }));
    await expect.poll(() => state.held).toBe(2 * surveys.length);
  }
  state.holds = false;
  const portId = PortId.parse('00000000-0000-4000-8000-000000000001');
  const port = { portId, vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 7 } };
  const steps = await planFor(ofSingles(backend), GUEST, { kind: 'createPort', port });
  const { reports, failure } = await backend.applySteps(
    steps,
    { stop: never, leave: never },
    { single: true, arrive: async () => undefined },
  );
  expect(failure).toBeUndefined();
  expect(reports).toHaveLength(steps.length);
  expect(guest?.nicdefs).toMatchObject([{ lan: { name: 'VSW1' } }]);
  expect(await planFor(ofSingles(backend), GUEST, { kind: 'createPort', port })).toEqual([]);
  letGo();
  await Promise.all(surveys);
});
