import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestPortRequest } from '../client/port-file.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { runPath } from '../temporal-config/ui.ts';
import { examplePortRequests, STARTER } from './example-ports.ts';
import type { Stack } from './stack.ts';
import { compare, wire } from './wire.ts';

/** The interval of reconciliation. */
export const RECONCILE_SECONDS = 10;
const REPAIR_MS = 60_000;

/** Wire a few guests, break one of them and wait for its repair, and print the ways to go on. */
export async function firstSteps(stack: Stack, say: (line: string) => void): Promise<void> {
  const requests = examplePortRequests(STARTER.ports, stack.hosts, STARTER.guestsPerHost);
  say(
    `Wiring ${requests.length} ports of ${STARTER.hosts * STARTER.guestsPerHost} guests on ${STARTER.hosts} z/VM systems:`,
  );
  await wire(stack.client, requests, ({ userid, host, ports: count, failure }) =>
    say(`  ${userid} on ${host}: ${failure ?? `${count} ports wired`}`),
  );
  const mismatches = await compare(stack.simulator.url, requests, stack.hosts);
  say(mismatches.length === 0 ? 'z/VM has all ports as requested.' : mismatches.join('\n'));
  const example = requests.find((request) => request.network.type === 'vlan');
  if (example !== undefined) await breakAndRepair(stack, example, say);
  say(nextSteps(stack, example));
}

/** The addresses to look at, and a change of a port in each of the ways. */
function nextSteps({ hosts, target, uiUrl, gateway, simulator }: Stack, port: GuestPortRequest | undefined): string {
  const { namespace, connection } = target;
  const { host, userid, portId } = port ?? {};
  const address =
    connection.address === 'localhost:7233' || connection.address === '127.0.0.1:7233'
      ? ''
      : ` --address ${connection.address}`;
  const uiPort = Number(connection.address?.split(':').at(-1)) + 1_000;
  // The address that zvmnet uses by default.
  const ui = uiUrl === undefined || uiUrl === `http://127.0.0.1:${uiPort}` ? '' : ` --ui-url ${uiUrl}`;
  const steps =
    uiUrl === undefined || host === undefined || userid === undefined
      ? ''
      : `:\n\n  ${uiUrl}${runPath(namespace, guestWorkflowId(host, userid))}`;
  return `
Reconciliation: Schedules reconcile/${hosts.map((each) => each.host).join(', reconcile/')}, every ${RECONCILE_SECONDS} seconds.

Picture       ${gateway?.url}/
HTTP API      ${gateway?.url}/docs
Temporal UI   ${uiUrl === undefined ? 'the UI of your own Temporal server' : `${uiUrl}/namespaces/${namespace}/workflows`}
z/VM's state  ${simulator.url}/simulator/state

Change the VLAN of a port from another terminal: by the operator's command,

  cli/zvmnet port set-vlan ${portId} 2001 --host ${host}${address}${ui}

by the HTTP API,

  curl -X PATCH ${gateway?.url}/v1/hosts/${host}/guests/${userid}/ports/${portId} \\
    -H 'content-type: application/json' -H 'prefer: wait=60' -d '{"network":{"type":"vlan","segmentationId":2002}}'

or as a workflow (the temporal command is in the project's cache unless it is on your path):

  temporal workflow start --address ${connection.address} --namespace ${namespace} --task-queue zvm-${host} --type changeVlan \\
    --workflow-id change-vlan/${host}/try-1 \\
    --input '{"host":"${host}","userid":"${userid}","portId":"${portId}","network":{"type":"vlan","segmentationId":2003}}'

In each case the newest run of guest/${host}/${userid} shows the steps on z/VM${steps}

Ctrl-C ends all processes.`;
}

/** Uncouple a guest's NIC at the simulator, and wait for the Schedule's next run to repair it. */
async function breakAndRepair(stack: Stack, port: GuestPortRequest, say: (line: string) => void): Promise<void> {
  const { host, userid, vswitch: name } = port;
  const system = stack.simulator.mn.systems[stack.hosts.findIndex((each) => each.host === host)];
  const guest = system?.guest(userid);
  if (system === undefined || guest === undefined) return;
  const isCoupled = () => guest.nics.some((nic) => nic.vswitch === name);
  for (const nic of guest.nics.filter((each) => each.vswitch === name)) system.uncouple(guest, nic, 'an administrator');
  say(
    `An administrator uncouples the NIC of ${userid} from ${name}. Reconciliation runs every ${RECONCILE_SECONDS} seconds …`,
  );
  const deadline = Date.now() + REPAIR_MS;
  while (!isCoupled() && Date.now() < deadline) await sleep(200);
  say(
    isCoupled() ? `… and has repaired the drift: ${userid} is coupled again.` : '… and has not repaired the drift yet.',
  );
}
