import { setTimeout as pause } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { startOperation, startReconcileHost, startWirePorts } from '../../client/start-operation.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { startListVswitches, startReconcileFleet, startVswitchOperation } from '../workflows/start-host-operation.ts';

/** The stack of a scene: two simulated z/VM systems of twelve guests each, `zvm1` and `zvm2`, with their Schedules. */
export type Stage = { client: Client; simulatorUrl: string };

/** Workflow IDs of the runs that an operator may look at. */
export type Scene = { [name in SceneName]: string };
type SceneName =
  | 'changed'
  | 'dryRun'
  | 'deleted'
  | 'refusedVswitch'
  | 'refusedVlan'
  | 'failed'
  | 'gaveUp'
  | 'wired'
  | 'vswitch'
  | 'repaired'
  | 'fleet'
  | 'cancelled'
  | 'terminated'
  | 'retrying'
  | 'waiting';

const vlan = (segmentationId: number) => ({ type: 'vlan', segmentationId }) as const;

/** The scene's ports, by number. */
export function portId(number: number): string {
  return `5c3e0000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`it has not become so that ${what}`);
    await pause(100);
  }
}

type Started = { workflowId: string; result(): Promise<unknown> };
type Type = Parameters<typeof startOperation>[1];

/** Make all that an operator meets happen: success, refusal, failure, repair, stop, retry, waiting. */
export async function playScene(stage: Stage): Promise<Scene> {
  const director = new Director(stage);
  const quiet = { ...(await director.changes()), ...(await director.refusals()), ...(await director.failures()) };
  const repairs = await director.repairs();
  return { ...quiet, ...repairs, ...(await director.stopped()), ...(await director.inProgress()) };
}

class Director {
  private readonly client: Client;
  private readonly simulatorUrl: string;

  constructor({ client, simulatorUrl }: Stage) {
    this.client = client;
    this.simulatorUrl = simulatorUrl;
  }

  async changes() {
    const port = portId(1);
    const other = portId(2);
    const userid = 'LNX10005';
    await this.ended(this.start('createPort', userid, { portId: port, vswitch: 'VSW1', network: vlan(1005) }, port));
    await this.ended(this.start('attachNic', userid, { ports: [{ portId: port }] }, port));
    const changed = await this.ended(this.start('changeVlan', userid, { portId: port, network: vlan(2001) }, port));
    const plan = { portId: port, network: vlan(2002), dryRun: true };
    const dryRun = await this.ended(this.start('changeVlan', userid, plan, `${port}/plan`));
    await this.ended(this.start('setAdminState', userid, { portId: port, adminStateUp: false }, port));
    await this.ended(this.start('createPort', userid, { portId: other, vswitch: 'VSW2', network: vlan(7) }, other));
    await this.ended(this.start('detachNic', userid, { portIds: [other] }, other));
    const deleted = await this.ended(this.start('deletePort', userid, { portId: other }, other));
    const ports = [8, 10].map((guest) => ({
      userid: `LNX100${String(guest).padStart(2, '0')}`,
      portId: portId(100 + guest),
      vswitch: guest === 10 ? 'VSWPROD' : 'VSW1',
      network: vlan(1000 + guest),
    }));
    const wired = await this.ended(startWirePorts(this.client, { host: 'zvm1', ports, live: true }, 'order-4711'));
    const ensured = { host: 'zvm1', vswitch: 'VSW1' };
    const vswitch = await this.ended(startVswitchOperation(this.client, 'ensureVswitch', ensured));
    await this.ended(startListVswitches(this.client, { host: 'zvm1' }));
    return { changed, dryRun, deleted, wired, vswitch };
  }

  async refusals() {
    const [port, second] = [portId(3), portId(4)];
    const nowhere = { portId: port, vswitch: 'VSWPROD', network: vlan(9) };
    const refusedVswitch = await this.ended(this.start('createPort', 'LNX10006', nowhere, port));
    const otherVlan = { portId: second, vswitch: 'VSW1', network: vlan(9) };
    const refusedVlan = await this.ended(this.start('createPort', 'LNX10005', otherVlan, second));
    return { refusedVswitch, refusedVlan };
  }

  async failures() {
    const [port, second] = [portId(5), portId(6)];
    const full = { function: 'Virtual_Network_Adapter_Connect_Vswitch', userid: 'LNX10009', rc: 212, rs: 52 };
    await this.control('POST', 'faults', { action: { kind: 'smapi', ...full } });
    const ports = [{ portId: port, vswitch: 'VSW2', network: vlan(5) }];
    const failed = await this.ended(this.start('attachNic', 'LNX10009', { ports }, port));
    await this.control('DELETE', 'faults');
    const away = { match: { command: 'LNX10007' }, action: { kind: 'status', status: 503, text: 'zhcp down' } };
    await this.control('POST', 'faults', away);
    const short = { portId: second, vswitch: 'VSW2', network: vlan(6), giveUpAfterMinutes: 0.04 };
    const gaveUp = await this.ended(this.start('createPort', 'LNX10007', short, second));
    await this.control('DELETE', 'faults');
    return { failed, gaveUp };
  }

  async repairs() {
    const { client } = this;
    const wanted = { portId: portId(20), vswitch: 'VSW1', network: vlan(1020) };
    const ports = [{ ...wanted, userid: 'LNX20011' }];
    await this.ended(startWirePorts(client, { host: 'zvm2', ports, live: true }, 'order-4712'));
    // The Schedule must not find it first.
    const schedule = client.schedule.getHandle(reconcileScheduleId('zvm2'));
    await schedule.pause('maintenance of zvm2 until Monday, change 4711');
    await eventually('no reconciliation of zvm2 runs', async () => {
      const { info } = await schedule.describe();
      return info.runningActions.length === 0;
    });
    await this.control('POST', 'systems/zhcp2/ipl');
    const repaired = await this.ended(startReconcileHost(client, { host: 'zvm2' }, 'after-re-ipl'));
    const fleet = await this.ended(startReconcileFleet(client, { hosts: ['zvm1', 'zvm2'], dryRun: true }, 'plan'));
    return { repaired, fleet };
  }

  async stopped() {
    const port = portId(8);
    const wanted = { portId: port, vswitch: 'VSW1', network: vlan(1011) };
    await this.control('POST', 'systems/zhcp1/guests/LNX10012/lock');
    const first = await this.start('createPort', 'LNX10012', wanted, port);
    await this.until('guest/zvm1/LNX10012', 'retrying');
    await this.client.workflow.getHandle(first.workflowId).cancel();
    const cancelled = await this.ended(first);
    const again = await this.start('createPort', 'LNX10012', wanted, `${port}/again`);
    await this.until('guest/zvm1/LNX10012', 'retrying');
    await this.client.workflow.getHandle(again.workflowId).terminate('by an operator');
    await this.until('guest/zvm1/LNX10012', 'cancelled');
    return { cancelled, terminated: again.workflowId };
  }

  /** Operations that stay open: one whose guest is locked in the directory, and one that waits for it. */
  async inProgress() {
    const port = portId(7);
    await this.control('POST', 'systems/zhcp1/guests/LNX10011/lock');
    const wanted = { portId: port, vswitch: 'VSW1', network: vlan(1011) };
    const retrying = await this.start('createPort', 'LNX10011', wanted, port);
    await this.until('guest/zvm1/LNX10011', 'retrying');
    await this.until(retrying.workflowId, 'retrying');
    const waiting = await this.start('attachNic', 'LNX10011', { ports: [{ portId: port }] }, port);
    await this.until(waiting.workflowId, 'waiting');
    return { retrying: retrying.workflowId, waiting: waiting.workflowId };
  }

  private start(type: Type, userid: string, input: object, subject: string): Promise<Started> {
    return startOperation(this.client, type, { host: 'zvm1', userid, ...input } as never, subject);
  }

  /** The Workflow ID of an operation, once it has ended with any outcome. */
  private async ended(started: Started | Promise<Started>): Promise<string> {
    const run = await started;
    await run.result().catch(() => undefined);
    return run.workflowId;
  }

  private until(workflowId: string, outcome: string): Promise<void> {
    return eventually(`${workflowId} is ${outcome}`, async () => (await this.outcomeOf(workflowId)) === outcome);
  }

  private async outcomeOf(workflowId: string): Promise<string | undefined> {
    try {
      const { typedSearchAttributes } = await this.client.workflow.getHandle(workflowId).describe();
      return typedSearchAttributes.get(ZVM_OUTCOME);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  private async control(method: string, path: string, body?: unknown): Promise<void> {
    const answer = await fetch(new URL(`/simulator/${path}`, this.simulatorUrl), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  }
}
