import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from './load.ts';
import { type Backend, ZHCP_NODE } from './places.ts';
import type { Service } from './processes.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/** The names of disturbances; each disturbance repairs its own damage. */
export const FAULTS = ['worker', 'noWorkers', 'gateway', 'temporal', 'managementNode', 'feilong'] as const;
export type FaultName = (typeof FAULTS)[number];

/** The disturbances that a run over this backend can meet: its calls go to one of both servers. */
export function faultsOf(backend: Backend, names: readonly FaultName[]): FaultName[] {
  return names.filter((name) => name !== (backend === 'feilong' ? 'managementNode' : 'feilong'));
}

/** The frequency of each disturbance in twenty. */
const BAG: Readonly<Record<FaultName, number>> = {
  worker: 6,
  noWorkers: 2,
  gateway: 3,
  temporal: 3,
  managementNode: 6,
  feilong: 6,
};
const PAUSE_MS = { low: 2_000, high: 7_000 } as const;
const BURST = { low: 10, high: 24 } as const;

/** SMAPI functions on the user directory, which DirMaint may carry out later with the answer 592. */
const LATER = [
  'Virtual_Network_Adapter_Create_Extended_DM',
  'Virtual_Network_Adapter_Connect_Vswitch_DM',
  'Virtual_Network_Adapter_Disconnect_DM',
  'Virtual_Network_Adapter_Delete_DM',
  'Image_Definition_Update_DM',
] as const;

export type FaultOptions = {
  stack: Stack;
  load: Load;
  random: Random;
  names: readonly FaultName[];
  say(line: string): void;
};

/** Makes one disturbance after the other, by the seed. */
export class Faults {
  /** The count of each disturbance. */
  readonly done: Partial<Record<string, number>> = {};
  private readonly options: FaultOptions;
  private bag: FaultName[] = [];

  constructor(options: FaultOptions) {
    this.options = options;
  }

  /** Disturb until the time is over; the last disturbance is repaired first. */
  async run(isOver: () => boolean): Promise<void> {
    const { random, names } = this.options;
    if (names.length === 0) return;
    while (!isOver()) {
      await sleep(random.between(PAUSE_MS.low, PAUSE_MS.high));
      if (isOver()) return;
      await this.disturb(this.draw());
    }
  }

  /** Restart all that is down and disarm the simulator. */
  async putRight(): Promise<void> {
    const { temporal, workers, gateways, control } = this.options.stack;
    await temporal.bringUp();
    for (const service of [...workers, ...gateways.map((gateway) => gateway.service)]) service.start();
    await control.send('DELETE', 'faults');
    await control.send('POST', `systems/${ZHCP_NODE}/reachable`);
  }

  /** The next disturbance. All kinds come early, so that a short run meets each of them. */
  private draw(): FaultName {
    const { random, names } = this.options;
    if (this.bag.length === 0) {
      const once = random.shuffled(names);
      const rest = random.shuffled(names.flatMap((name) => Array.from({ length: BAG[name] - 1 }, () => name)));
      this.bag = [...rest, ...once];
    }
    return this.bag.pop() ?? 'worker';
  }

  private disturb(name: FaultName): Promise<void> {
    switch (name) {
      case 'worker':
        return this.endOne(this.options.stack.workers);
      case 'gateway':
        return this.endOne(this.options.stack.gateways.map(({ service }) => service));
      case 'noWorkers':
        return this.withoutWorkers();
      case 'temporal':
        return this.withoutTemporal();
      case 'managementNode':
        return this.troubleManagementNode();
      case 'feilong':
        return this.withoutFeilong();
    }
  }

  private note(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1;
    this.options.say(what);
  }

  private signal(): 'SIGTERM' | 'SIGKILL' {
    return this.options.random.chance(0.7) ? 'SIGKILL' : 'SIGTERM';
  }

  private async endOne(services: readonly Service[]): Promise<void> {
    const { random } = this.options;
    const [first, ...others] = services;
    if (first === undefined) return;
    const service = random.pick([first, ...others]);
    const signal = this.signal();
    this.note(`${signal} to ${service.name.replace(/-\d+$/, '')}`);
    const downFor = random.between(200, 3_000);
    await service.end(signal);
    await sleep(downFor);
    service.start();
  }

  /** Stop all workers and send many requests: each operation is then only a started workflow. */
  private async withoutWorkers(): Promise<void> {
    const { stack, load, random } = this.options;
    const signal = this.signal();
    const count = random.between(BURST.low, BURST.high);
    const downFor = random.between(2_000, 6_000);
    this.note(`${signal} to all workers, and a burst`);
    await Promise.all(stack.workers.map((worker) => worker.end(signal)));
    load.burst(count);
    await sleep(downFor);
    for (const worker of stack.workers) worker.start();
  }

  private async withoutTemporal(): Promise<void> {
    const { stack, random } = this.options;
    const signal = this.signal();
    const downFor = random.between(200, 3_000);
    this.note(`${signal} to Temporal`);
    await stack.temporal.end(signal);
    await sleep(downFor);
    await stack.temporal.bringUp();
  }

  /** The process that works on z/VM is killed in the middle of its calls; HTTP is answered meanwhile. */
  private async withoutFeilong(): Promise<void> {
    const { stack, random } = this.options;
    const downFor = random.between(200, 3_000);
    this.note('SIGKILL to Feilong');
    await stack.feilong?.killWorker();
    await sleep(downFor);
    await stack.feilong?.startWorker();
  }

  private async troubleManagementNode(): Promise<void> {
    const { stack, random } = this.options;
    const trouble = random.weighted({
      unavailable: 3,
      broken: 1,
      dropBefore: 2,
      dropAfter: 3,
      delay: 2,
      later: 3,
      unreachable: 1,
    });
    const times = random.between(2, 6);
    const after = random.between(1_000, 6_000);
    const fn = random.pick(LATER);
    const ms = random.between(500, 3_000);
    this.note(`management node: ${trouble}`);
    const control = (path: string, body?: unknown) => stack.control.send('POST', path, body);
    const arm = (action: object) => control('faults', { action, times });
    if (trouble === 'unavailable') await arm({ kind: 'status', status: 503 });
    // An operation that meets a broken CGI may fail permanently.
    if (trouble === 'broken') await arm({ kind: 'status', status: 500, text: '<html>Internal Server Error</html>' });
    if (trouble === 'dropBefore') await arm({ kind: 'drop', when: 'before' });
    if (trouble === 'dropAfter') await arm({ kind: 'drop', when: 'after' });
    if (trouble === 'delay') await arm({ kind: 'delay', ms });
    if (trouble === 'later') await arm({ kind: 'smapi', function: fn, rc: 592, rs: 0, when: 'after' });
    if (trouble !== 'unreachable') return;
    await control(`systems/${ZHCP_NODE}/unreachable`);
    await sleep(after);
    await control(`systems/${ZHCP_NODE}/reachable`);
  }
}
