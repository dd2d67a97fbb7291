import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  executeChild,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Batch } from '../domain/operations/batch.ts';
import { describeRefusals } from '../domain/planning/refusal.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import { dhcpWorkflowId } from '../temporal-config/names.ts';
import { MOST_PORTS, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import type { ensureDhcp } from './ensure-dhcp.ts';
import { malformed, reasonOf } from './failures.ts';
import {
  acceptedCarried,
  type Carried,
  FollowNeutronOutcome,
  type FollowNeutronResult,
  isNews,
  type NeutronNews,
} from './follow-neutron-result.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import type { HostActivities, NeutronReading, PortStatus } from './host-activities.ts';
import { outcomeOf } from './operation.ts';
import { PendingRows } from './pending-rows.ts';
import { reportStatuses } from './port-statuses.ts';
import { addSearchAttributes, asChild } from './run-visibility.ts';
import { isRecord, isText } from './untrusted-input.ts';

/** The agent's signal for each batch of Neutron's messages. */
export const neutronNews = defineSignal<[NeutronNews]>('neutronNews');

/** A guest that is being wired. */
type Wiring = {
  /** The ports of the wiring. */
  ports: ReadonlySet<PortId>;
  /** Ports with news meanwhile; the run looks them up when the wiring ends. */
  later: Set<PortId>;
};

/** A port that moves between hosts keeps its address, which the other host may not have released yet. */
const LOOK_AGAIN_AFTER = '5 seconds';
const MOST_LOOKS = 5;
const GIVE_UP_AFTER_MINUTES = 10;

/**
 * Bring z/VM to the state that Neutron wants, as long as there is news: look ports up, wire their guests, each by its own `convergeGuest`, and
 * report the statuses to Neutron. Guests do not wait for each other; news of a guest that is being wired waits until the wiring ends. A port that
 * fails is reported down and left to reconciliation. A port whose guest xCAT does not name yet is looked up again for minutes.
 */
export async function followNeutron(input: { host: string }, carried?: Carried): Promise<FollowNeutronResult> {
  const queues = guestQueues();
  const following = new Following(queues, hostOf(input), acceptedCarried(carried));
  setHandler(neutronNews, (news: unknown) => {
    if (isNews(news)) following.hear(news);
    else log.warn('malformed neutronNews signal dropped');
  });
  addSearchAttributes({ host: following.host });
  for (;;) {
    await condition(() => following.hasNews() || following.isDone());
    if (workflowInfo().continueAsNewSuggested) {
      await condition(() => following.isIdle());
      if (following.hasNews() || !following.isDone())
        await continueAsNew<typeof followNeutron>(input, following.carry());
    }
    if (!following.hasNews()) break;
    await following.lookUpNews();
  }
  return following.result();
}

function hostOf(input: unknown): string {
  if (!isRecord(input) || !isText(input.host)) throw malformed('host');
  return input.host;
}

class Following {
  readonly host: string;
  private readonly queues: GuestQueues;
  private readonly portIds = new Set<PortId>();
  private readonly networkIds = new Set<string>();
  private readonly busy = new Map<Userid, Wiring>();
  private statuses: { status: PortStatus; inOrder: boolean }[] = [];
  private wiringDhcpNode = false;
  private reporting = false;
  private readonly outcome: FollowNeutronOutcome;
  private readonly searchable = new Set<PortId>();
  /** Ports that are looked up again later, with the number of look-ups so far. */
  private readonly looks = new Map<PortId, number>();
  private lookingLater = 0;
  private readonly pendingRows = new PendingRows((portIds) => this.hear({ portIds, networkIds: [] }));

  constructor(queues: GuestQueues, host: string, carried: Carried | undefined) {
    this.queues = queues;
    this.host = host;
    this.outcome = new FollowNeutronOutcome(carried);
    if (carried !== undefined) this.hear(carried.news);
  }

  hear({ portIds, networkIds }: NeutronNews): void {
    for (const portId of portIds) this.portIds.add(portId);
    for (const networkId of networkIds) this.networkIds.add(networkId);
  }

  hasNews(): boolean {
    return this.portIds.size + this.networkIds.size > 0;
  }

  isIdle(): boolean {
    const isWiring = this.busy.size > 0 || this.wiringDhcpNode;
    return !isWiring && !this.reporting && this.statuses.length === 0 && this.lookingLater === 0;
  }

  /** True when the run is idle and waits for no row. */
  isDone(): boolean {
    return this.isIdle() && this.pendingRows.ports().length === 0;
  }

  /** Look up the ports and networks with news, and begin to wire their guests. Does not wait for the guests. */
  async lookUpNews(): Promise<void> {
    const portIds = [...this.portIds];
    const networkIds = [...this.networkIds];
    this.portIds.clear();
    this.networkIds.clear();
    this.addPortAttributes(portIds);
    const wired = portIds.filter((portId) => this.wiringOf(portId) !== undefined);
    const reading = await this.lookUp(portIds, networkIds);
    this.pendingRows.looked(portIds, reading?.waiting ?? []);
    if (reading === undefined) return;
    this.outcome.forget(portIds);
    this.outcome.waitFor(reading.waiting);
    for (const { portId, reason } of reading.unusable) this.outcome.fail(portId, reason);
    this.outcome.addUnlimited(reading.unlimited ?? []);
    this.enqueueStatuses(reading.statuses, () => true);
    for (const portId of wired) this.lookAgain(portId);
    this.wire(reading);
    this.show();
  }

  /** The reading, or undefined after a permanent failure, which is left to reconciliation. Guests that are being wired go on. */
  private async lookUp(portIds: PortId[], networkIds: string[]): Promise<NeutronReading | undefined> {
    // Not a local activity: one that outlasts a workflow task while guests finish would replay in another order.
    const { readNeutron } = proxyActivities<HostActivities>({
      summary: `look up ${portIds.length} port(s) in Neutron and xCAT`,
      startToCloseTimeout: '10 minutes',
      scheduleToCloseTimeout: '1 day',
      heartbeatTimeout: '10 seconds',
      retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
    });
    try {
      return await readNeutron({ host: this.host, portIds, networkIds });
    } catch (error) {
      if (isCancellation(error)) throw error;
      for (const id of [...portIds, ...networkIds]) this.outcome.fail(id, `${outcomeOf(error)}: ${reasonOf(error)}`);
      this.show();
      return undefined;
    }
  }

  /** A port that was deleted or moved away while its guest waits may not have a row yet. It has one when the guest is finished. */
  private lookAgain(portId: PortId): void {
    const wiring = this.wiringOf(portId);
    if (wiring === undefined) this.portIds.add(portId);
    else wiring.later.add(portId);
  }

  private wiringOf(portId: PortId): Wiring | undefined {
    return [...this.busy.values()].find(({ ports }) => ports.has(portId));
  }

  private wire({ guests, after, dhcp }: NeutronReading): void {
    const free = guests.filter(({ userid }) => !this.busy.has(userid));
    for (const { userid, ports, removed } of guests) {
      const wiring = this.busy.get(userid);
      for (const portId of [...ports.map((port) => port.portId), ...removed]) wiring?.later.add(portId);
    }
    const window = `${workflowInfo().runId}/${workflowInfo().historyLength}`;
    const batch = { window, size: free.length };
    for (const guest of free) {
      this.busy.set(guest.userid, { ports: new Set(guest.ports.map((port) => port.portId)), later: new Set() });
      void this.wireGuest(
        guest,
        after.filter((status) => status.userid === guest.userid),
        batch,
      );
    }
    const services = after.filter((status) => status.userid === undefined);
    if (dhcp) void this.wireDhcpNode(services);
  }

  private async wireGuest(
    { userid, ports, removed }: NeutronReading['guests'][number],
    statuses: PortStatus[],
    batch: Batch,
  ): Promise<void> {
    const change = { kind: 'reconcile' as const, ports, removed, unrecorded: [], left: [] };
    const limits = { giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES, keepOnFailure: true };
    const bad = new Set<string>();
    try {
      const run = await this.queues.run(
        { host: this.host, userid, change, batch, ...limits },
        summaryOf(userid, ports.length, removed.length),
      );
      if (run.changed) this.outcome.addGuest();
      for (const { portId, refusals } of run.refused) {
        bad.add(portId);
        this.outcome.fail(portId, describeRefusals(refusals));
        if (refusals.every(({ transient }) => transient === true)) void this.lookLater(portId);
      }
    } catch (error) {
      for (const { portId } of ports) {
        bad.add(portId);
        this.outcome.fail(portId, `${outcomeOf(error)}: ${reasonOf(error)}`);
      }
      if (CancellationScope.current().consideredCancelled || isCancellation(error)) statuses = [];
    }
    this.enqueueStatuses(statuses, ({ portId }) => !bad.has(portId));
    const later = [...(this.busy.get(userid)?.later ?? [])];
    this.busy.delete(userid);
    this.hear({ portIds: later, networkIds: [] });
    this.show();
  }

  private async lookLater(portId: PortId): Promise<void> {
    const looks = (this.looks.get(portId) ?? 0) + 1;
    if (looks > MOST_LOOKS) return;
    this.looks.set(portId, looks);
    this.lookingLater += 1;
    try {
      await sleep(LOOK_AGAIN_AFTER, { summary: `retry port ${portId}: its address may be free` });
      this.hear({ portIds: [portId], networkIds: [] });
    } catch (error) {
      // After a cancellation reconciliation looks again.
      if (!isCancellation(error)) throw error;
    } finally {
      this.lookingLater -= 1;
    }
  }

  private async wireDhcpNode(statuses: PortStatus[]): Promise<void> {
    const { host } = this;
    if (this.wiringDhcpNode) return;
    this.wiringDhcpNode = true;
    let inOrder = true;
    try {
      await executeChild<typeof ensureDhcp>('ensureDhcp', {
        workflowId: dhcpWorkflowId(host),
        args: [{ host, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES }],
        staticSummary: `give the DHCP node of ${host} its NICs`,
        ...asChild({ host }),
      });
    } catch (error) {
      inOrder = false;
      this.outcome.fail('DHCP node', `${outcomeOf(error)}: ${reasonOf(error)}`);
    }
    this.wiringDhcpNode = false;
    this.enqueueStatuses(statuses, () => inOrder);
  }

  private enqueueStatuses(statuses: readonly PortStatus[], inOrder: (status: PortStatus) => boolean): void {
    this.statuses.push(...statuses.map((status) => ({ status, inOrder: inOrder(status) })));
    if (!this.reporting && this.statuses.length > 0) void this.reportAll();
  }

  /** Report the queued statuses, one report at a time: parallel reports are no faster for the server (docs/reference/neutron.md 4). */
  private async reportAll(): Promise<void> {
    this.reporting = true;
    // Guests that finish in the same moment share a report.
    await Promise.resolve();
    while (this.statuses.length > 0) {
      const taken = new Map(this.statuses.splice(0).map((each) => [each.status.portId, each]));
      const statuses = [...taken.values()].map(({ status }) => status);
      try {
        this.outcome.addReport(
          await reportStatuses(this.host, statuses, ({ portId }) => taken.get(portId)?.inOrder === true),
        );
      } catch (error) {
        for (const { portId } of statuses)
          this.outcome.fail(portId, `the report to Neutron failed: ${reasonOf(error)}`);
      }
      this.show();
    }
    this.reporting = false;
  }

  carry(): Carried {
    const portIds = new Set([...this.portIds, ...this.pendingRows.ports()]);
    const news = { portIds: [...portIds], networkIds: [...this.networkIds] };
    return { ...this.outcome.result(), news };
  }

  result(): FollowNeutronResult {
    const result = this.outcome.result();
    const outcome = result.failed.length > 0 ? 'failed' : result.guests > 0 ? 'changed' : 'unchanged';
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    this.show();
    return result;
  }

  private addPortAttributes(portIds: readonly PortId[]): void {
    const before = this.searchable.size;
    for (const portId of portIds) if (this.searchable.size < MOST_PORTS) this.searchable.add(portId);
    if (this.searchable.size > before) addSearchAttributes({ host: this.host, portIds: [...this.searchable] });
  }

  private show(): void {
    setCurrentDetails(this.outcome.details(this.host));
  }
}

function summaryOf(userid: string, ports: number, removed: number): string {
  const parts = [ports > 0 ? `wire ${ports} port(s)` : '', removed > 0 ? `remove ${removed}` : ''];
  return `${parts.filter((part) => part !== '').join(', ')} of ${userid}, as in Neutron`;
}
