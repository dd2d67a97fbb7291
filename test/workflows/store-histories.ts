import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { holdHost, releaseHost } from '../../client/host-control.ts';
import { tellOfNeutron } from '../../client/neutron-news.ts';
import { startTestNotification } from '../../client/notifications.ts';
import { readGuestView, readHostView } from '../../client/read-state.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { examplePortRequests } from '../../demo/example-ports.ts';
import { startFeilong } from '../../demo/feilong/server.ts';
import { startStack } from '../../demo/stack.ts';
import { FEILONG_ZHCP, taskQueueOf } from '../../domain/host/host.ts';
import { EVENT_NAMES } from '../../domain/notifications/notification.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { createLogger, installTemporalRuntime } from '../../runtime/process/logging.ts';
import { controlWorkflowId, workflowIdOf } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import type { listVswitches } from '../../workflows/index.ts';
import { MemoryNeutron } from '../neutron/memory-neutron.ts';
import { startReceiver } from '../notifications/receiver.ts';
import { startRun } from './start.ts';

/** Runs each operation once on embedded defaults and stores the histories that replay tests hold: `node test/workflows/store-histories.ts`. */
const folder = join(import.meta.dirname, '../histories');
mkdirSync(folder, { recursive: true });
installTemporalRuntime(createLogger('fatal'));
const stack = await startStack({ hosts: 1, guestsPerHost: 5, say: (line) => process.stderr.write(`${line}\n`) });
try {
  const [first] = examplePortRequests(1, stack.hosts, 4);
  if (first === undefined) throw new Error('no example port');
  const { host, userid, portId } = first;
  const network = { type: 'vlan', segmentationId: 100 } as const;
  const target = { host, userid };
  const operations = [
    ['createPort', { ...target, portId, vswitch: 'VSW1', network }],
    ['attachNic', { ...target, ports: [{ portId }] }],
    ['changeVlan', { ...target, portId, network: { type: 'vlan', segmentationId: 200 } }],
    ['setAdminState', { ...target, portId, adminStateUp: false }],
    ['detachNic', { ...target, portIds: [portId] }],
    ['setPorts', { ...target, ports: [{ portId, vswitch: 'VSW1', network }] }],
    ['deletePort', { ...target, portId }],
  ] as const;
  for (const [type, input] of operations) {
    const run = await startRun(stack.client, type, input as never, portId);
    await run.result();
    await store(type, run.workflowId);
    await store(`convergeGuest.${type}`, `guest/${host}/${userid}`);
  }
  const ports = [1, 2, 3, 4].map((number) => ({
    userid: `LNX1000${number}`,
    portId: portId.replace(/.$/, String(number)),
    vswitch: 'VSW2',
    network,
  }));
  const wiring = await startRun(stack.client, 'wirePorts', { host, ports, live: true });
  await wiring.result();
  await store('wirePorts', wiring.workflowId);
  await store('convergeGuest.wirePorts', `guest/${host}/${userid}`);
  const made = { ...target, portId: portId.replace(/.$/, '9'), vswitch: 'VSW2', network };
  const undone = await startRun(stack.client, 'createPort', made);
  const back = ((await undone.result()).undo ?? []).map((port) => ({ ...port, userid }));
  const undo = await startRun(stack.client, 'restorePorts', { host, undoes: undone.workflowId, ports: back });
  await undo.result();
  await store('restorePorts', undo.workflowId);
  await store('convergeGuest.restorePorts', `guest/${host}/${userid}`);
  const repeated = await startRun(stack.client, 'deletePort', { ...target, portId } as never, `${portId}/again`);
  await repeated.result();
  await store('deletePort.unchanged', repeated.workflowId);
  const bad = { ...target, portId, vswitch: 'NOSUCH', network } as never;
  const refused = await startRun(stack.client, 'createPort', bad, `${portId}/refused`);
  await refused.result().catch(() => undefined);
  await store('createPort.refused', refused.workflowId);
  await store('convergeGuest.refused', `guest/${host}/${userid}`);
  await storeOfTrouble(host);
  await storeOfQueue(host);
  stack.simulator.mn.systems[0]?.reIpl(true);
  const fleet = await startRun(stack.client, 'reconcileFleet', { hosts: [host] });
  await fleet.result();
  await store('reconcileFleet', fleet.workflowId);
  await store('reconcileHost', `reconcile/${host}/${fleet.firstExecutionRunId}`);
  const idle = await startRun(stack.client, 'reconcileHost', { host });
  await idle.result();
  await store('reconcileHost.idle', idle.workflowId);
  await storeOfHold(host, userid);
  const shown = await readHostView(stack.client, host);
  if (shown.guests.length === 0) throw new Error('no guests');
  await store('showHost', `show/${host}`);
  await readGuestView(stack.client, host, userid);
  await store('showGuest', `show/${host}/${userid}`);
  const asked = await stack.client.workflow.start('probeWorker', {
    taskQueue: taskQueueOf(host),
    workflowId: `probe/${host}/stored`,
  });
  await asked.result();
  await store('probeWorker', asked.workflowId);
  const modernized = await startRun(stack.client, 'modernizeGuest', target);
  await modernized.result();
  await store('modernizeGuest', modernized.workflowId);
  await store('convergeGuest.modernizeGuest', `guest/${host}/${userid}`);
  // The last guest has no NIC.
  const scratch = { host, userid: 'LNX10005', questions: ['regrant', 'nicdefKeywords'] };
  const probe = await startRun(stack.client, 'probeHost', scratch);
  await probe.result();
  await store('probeHost', probe.workflowId);
  await store('convergeGuest.probeHost', `guest/${host}/LNX10005`);
  await storeOfNeutron(stack.hosts[0]);
  await storeOfVswitches(stack.hosts[0]);
  await storeOfDeletion(stack.hosts[0]);
  await storeOfNotifications(stack.hosts[0]);
  await storeOfMigration(stack.hosts[0]);
} finally {
  await stack.stop();
}

/** The control run of a host that was held, and the operation that waited for its release. */
async function storeOfHold(host: string, userid: string): Promise<void> {
  const origin = { by: 'anna', via: 'zvmnet', reason: 'service' } as const;
  await holdHost(stack.client, host, origin);
  const port = {
    portId: '00000000-0000-4000-8000-000000000077',
    vswitch: 'VSW2',
    network: { type: 'vlan', segmentationId: 100 },
  };
  const run = await startRun(stack.client, 'createPort', { host, userid, ...port } as never, 'held');
  const outcome = async () => (await run.describe()).typedSearchAttributes.get(ZVM_OUTCOME);
  while ((await outcome()) !== 'held') await sleep(200);
  await releaseHost(stack.client, host, origin);
  await run.result().catch(() => undefined);
  await store('createPort.held', run.workflowId);
  await store('convergeGuest.held', `guest/${host}/${userid}`);
  await store('hostControl', controlWorkflowId(host));
}

/** Another caller holds the guest's directory entry: one operation goes on when it is free, another is cancelled. */
async function storeOfTrouble(host: string): Promise<void> {
  for (const [name, userid, portId] of [
    ['retried', 'LNX10002', '00000000-0000-4000-8000-000000000021'],
    ['cancelled', 'LNX10003', '00000000-0000-4000-8000-000000000031'],
  ] as const) {
    const entry = new URL(`/simulator/systems/zhcp1/guests/${userid}/`, stack.simulator.url);
    await fetch(new URL('lock', entry), { method: 'POST' });
    const wanted = { host, userid, portId, vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 100 } } as const;
    const run = await startRun(stack.client, 'createPort', wanted);
    while ((await run.describe()).typedSearchAttributes.get(ZVM_OUTCOME) !== 'retrying') await sleep(100);
    if (name === 'cancelled') await run.cancel();
    await fetch(new URL('unlock', entry), { method: 'POST' });
    await run.result().catch(() => undefined);
    await store(`createPort.${name}`, run.workflowId);
    await store(`convergeGuest.${name}`, `guest/${host}/${userid}`);
  }
}

/** DirMaint carries a change out later; operations wait for one whose reading is held; a run goes on as new; one is terminated. */
async function storeOfQueue(host: string): Promise<void> {
  const userid = 'LNX10004';
  const guest = `guest/${host}/${userid}`;
  const ask = (number: number) =>
    startRun(stack.client, 'createPort', {
      ...{ host, userid, portId: `00000000-0000-4000-8000-0000000000${number}` },
      ...{ vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 100 } },
    });
  const isRetried = async (workflowId: string) =>
    (await stack.client.workflow.getHandle(workflowId).describe()).typedSearchAttributes.get(ZVM_OUTCOME) ===
    'retrying';
  await arm({
    action: { kind: 'smapi', function: 'Image_Definition_Update_DM', rc: 592, rs: 0, when: 'before' },
    times: 1,
  });
  await (await ask(41)).result();
  await store('convergeGuest.later', guest);

  const reading = await arm({
    match: { command: 'Virtual_Network_Vswitch_Query' },
    action: { kind: 'hold', when: 'before' },
  });
  const first = await ask(42);
  const second = await ask(43);
  const third = await ask(44);
  while (!(await hasEvents(guest, 'enqueue', 3))) await sleep(100);
  await third.cancel();
  await third.result().catch(() => undefined);
  await disarm(reading);
  await Promise.all([first.result(), second.result()]);
  await store('createPort.waited', second.workflowId);
  await store('createPort.withdrawn', third.workflowId);
  await store('convergeGuest.queue', guest);

  const entry = new URL(`/simulator/systems/zhcp1/guests/${userid}/`, stack.simulator.url);
  await fetch(new URL('lock', entry), { method: 'POST' });
  const carried = await ask(45);
  while (!(await isRetried(carried.workflowId))) await sleep(100);
  const handle = stack.client.workflow.getHandle(guest);
  const { runId } = await handle.describe();
  for (let sent = 0; sent < 2_000; sent += 100)
    await Promise.all(Array.from({ length: 100 }, () => handle.signal('withdraw', 'nobody')));
  while ((await handle.describe()).runId === runId) await sleep(100);
  await fetch(new URL('unlock', entry), { method: 'POST' });
  await carried.result();
  await store('convergeGuest.continued', guest);

  await fetch(new URL('lock', entry), { method: 'POST' });
  const lost = await ask(46);
  while (!(await isRetried(lost.workflowId))) await sleep(100);
  await handle.terminate('a test');
  await fetch(new URL('unlock', entry), { method: 'POST' });
  await store('convergeGuest.terminated', guest);
  await lost.result().catch(() => undefined);
  await store('createPort.guestLost', lost.workflowId);
}

async function hasEvents(workflowId: string, signalName: string, count: number): Promise<boolean> {
  const { events } = await stack.client.workflow.getHandle(workflowId).fetchHistory();
  const named = events?.filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === signalName);
  return (named?.length ?? 0) >= count;
}

async function arm(rule: object): Promise<string> {
  const faults = new URL('/simulator/faults', stack.simulator.url);
  const answer = await fetch(faults, {
    method: 'POST',
    body: JSON.stringify(rule),
    headers: { 'content-type': 'application/json' },
  });
  const { id } = (await answer.json()) as { id: string };
  return id;
}

async function disarm(id: string): Promise<void> {
  await fetch(new URL(`/simulator/faults/${id}`, stack.simulator.url), { method: 'DELETE' });
}

/** On a host of its own, by the word of a Neutron that is no server: one port to wire, one of nobody's, one to remove. */
async function storeOfNeutron(embedded: HostConfiguration | undefined): Promise<void> {
  if (embedded === undefined) throw new Error('no embedded host');
  const host = 'zvm-neutron';
  const neutron = new MemoryNeutron();
  const workers = await runWorkers([{ ...embedded, host }], stack.target, createLogger('fatal'), undefined, {
    sourceFor: () => neutron,
  });
  try {
    const segment = { networkType: 'vlan', physicalNetwork: 'physnet1', segmentationId: 300 };
    const ports = ['LNX10001', 'unknown'].map((deviceId) => neutron.add({ host, deviceId, segment }));
    const portIds = ports.map((port) => port.portId);
    await tellOfNeutron(stack.client, host, { portIds, networkIds: [] });
    await stack.client.workflow.getHandle(`neutron/${host}`).result();
    await store('followNeutron', `neutron/${host}`);
    for (const portId of portIds) neutron.remove(portId);
    await tellOfNeutron(stack.client, host, { portIds, networkIds: [] });
    await stack.client.workflow.getHandle(`neutron/${host}`).result();
    await store('followNeutron.removed', `neutron/${host}`);
  } finally {
    await workers.stop();
  }
}

/** On a host of its own: its configuration names a VSWITCH to create and a guest that serves DHCP. */
async function storeOfVswitches(embedded: HostConfiguration | undefined): Promise<void> {
  if (embedded === undefined) throw new Error('no embedded host');
  const [physicalNetwork] = embedded.physicalNetworks;
  if (physicalNetwork === undefined) throw new Error('no physical network');
  const made = { ...physicalNetwork, name: 'physnew', vswitch: 'NEWVSW', rdevs: ['6280'] };
  const flat = embedded.physicalNetworks.filter((network) => network.vswitch === 'VSWFLAT');
  const host = {
    ...embedded,
    host: 'zvm-made',
    physicalNetworks: [...flat, made],
    dhcpUserid: 'LNX10002',
    managementNetwork: { address: '10.9.0.1', mask: '255.255.0.0' },
  };
  const workers = await runWorkers([host], stack.target, createLogger('fatal'));
  const target = { host: host.host, vswitch: made.vswitch };
  try {
    for (const [name, start] of [
      ['ensureVswitch', () => startRun(stack.client, 'ensureVswitch', target)],
      [
        'listVswitches',
        () =>
          stack.client.workflow.start<typeof listVswitches>('listVswitches', {
            taskQueue: taskQueueOf(host.host),
            workflowId: `list-vswitches/${host.host}`,
            args: [{ host: host.host }],
          }),
      ],
      ['ensureDhcp', () => startRun(stack.client, 'ensureDhcp', { host: host.host })],
      ['ensureManagementNetwork', () => startRun(stack.client, 'ensureManagementNetwork', { host: host.host })],
      ['deleteVswitch.refused', () => startRun(stack.client, 'deleteVswitch', target)],
    ] as const) {
      const run = await start();
      await run.result().catch((error: unknown) => {
        if (!name.endsWith('.refused')) throw error;
      });
      await store(name, run.workflowId);
    }
  } finally {
    await workers.stop();
  }
}

/** On a host of its own, whose configuration does not name the VSWITCH any more. */
async function storeOfDeletion(embedded: HostConfiguration | undefined): Promise<void> {
  if (embedded === undefined) throw new Error('no embedded host');
  const host = { ...embedded, host: 'zvm-unmade' };
  const workers = await runWorkers([host], stack.target, createLogger('fatal'));
  try {
    const target = { host: host.host, vswitch: 'NEWVSW', force: true };
    const run = await startRun(stack.client, 'deleteVswitch', target);
    await run.result();
    await store('deleteVswitch', run.workflowId);
  } finally {
    await workers.stop();
  }
}

/** On a host of its own with a webhook: one event is taken at the second attempt, another one by nobody. */
async function storeOfNotifications(embedded: HostConfiguration | undefined): Promise<void> {
  if (embedded === undefined) throw new Error('no embedded host');
  const receiver = await startReceiver();
  const { url, secret } = receiver;
  const host = 'zvm-told';
  const webhooks = [{ name: 'ops', url, secret, events: EVENT_NAMES }];
  const workers = await runWorkers([{ ...embedded, host, webhooks }], stack.target, createLogger('fatal'));
  try {
    receiver.answerNext(500);
    for (const [name, webhook] of [
      ['notify', 'ops'],
      ['notify.undelivered', 'nobody'],
    ] as const) {
      const workflowId = workflowIdOf(await startTestNotification(stack.client, host, webhook, 'a test'));
      await stack.client.workflow
        .getHandle(workflowId)
        .result()
        .catch((error: unknown) => {
          if (webhook === 'ops') throw error;
        });
      await store(name, workflowId);
    }
    const follows = stack.client.workflow.getHandle(`events/${host}`);
    await follows.signal('lookedUntil', new Date().toISOString());
    while (!(await hasEvents(follows.workflowId, 'lookedUntil', 2))) await sleep(100);
    await store('followEvents', follows.workflowId);
  } finally {
    await workers.stop();
    await receiver.close();
  }
}

/** On a host of its own, which knows Feilong as its other server: a guest is brought there. */
async function storeOfMigration(embedded: HostConfiguration | undefined): Promise<void> {
  if (embedded === undefined) throw new Error('no embedded host');
  const options = { simulatorUrl: stack.simulator.url, zhcpNode: embedded.zhcpNode, say: () => {} };
  const { url, tokenFile, stop } = await startFeilong(options);
  const shadow = { zhcpNode: FEILONG_ZHCP, feilong: { url, tokenFile, timeoutSeconds: 300, verifyTls: true } };
  const host = { ...embedded, host: 'zvm-moved', macPrefix: '02:00:00', shadow };
  const workers = await runWorkers([host], stack.target, createLogger('fatal'));
  try {
    const run = await startRun(stack.client, 'migrateHost', { host: host.host, to: 'feilong' });
    await run.result();
    await store('migrateHost', run.workflowId);
    await store('convergeGuest.migrateHost', `guest/${host.host}/LNX10002`);
  } finally {
    await workers.stop();
    await stop();
  }
}

async function store(name: string, workflowId: string): Promise<void> {
  const history = await stack.client.workflow.getHandle(workflowId).fetchHistory();
  const text = JSON.stringify({ workflowId, history: JSON.parse(historyToJSON(history)) }, null, 1);
  // Stack traces name the folder that this ran in.
  const root = join(import.meta.dirname, '../..');
  writeFileSync(join(folder, `${name}.json`), `${text.replaceAll(`${root}/`, '')}\n`);
}
