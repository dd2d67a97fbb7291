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
import { describeRefusals } from '../domain/planning/refusal.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import { findableBy, MOST_PORTS_FOUND, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { dhcpWorkflowId } from '../temporal-config/workflow-ids.ts';
import { childDetails } from './child-details.ts';
import type { ensureDhcp } from './ensure-dhcp.ts';
import { malformed, reasonOf } from './failures.ts';
import { findable } from './findable.ts';
import { type GuestQueues, guestQueues } from './guest-queues.ts';
import type { HostActivities, NeutronReading, PortStatus } from './host-activities.ts';
import { isRecord, isText, isTexts } from './incoming.ts';
import { outcomeOf } from './operation.ts';
import { RowsToCome } from './rows-to-come.ts';
import { tellNeutron, warnUnlimited } from './tell-neutron.ts';

/** Ports and networks that Neutron has said something of: what it is, is looked up. */
export type NeutronNews = { portIds: PortId[]; networkIds: string[] };

/** Sent by the agent for each handful of Neutron's messages. */
export const neutronNews = defineSignal<[NeutronNews]>('neutronNews');

export type FollowNeutronResult = {
  /** Guests that were wired or unwired. */
  guests: number;
  reported: { up: number; down: number };
  /** Ports that are not as Neutron wants them, and why; the first hundred. */
  failed: { portId: string; reason: string }[];
  /** Ports of guests that xCAT did not name in time: reconciliation sees to them. */
  waiting: PortId[];
  /** Ports that are up and have a QoS policy, of which z/VM enforces nothing; the first hundred. */
  unlimited: PortId[];
};

type Carried = FollowNeutronResult & { news: NeutronNews };

/** A guest that is being wired. */
type Wiring = {
  /** The ports that it is given. */
  ports: ReadonlySet<PortId>;
  /** Ports that were heard of meanwhile: looked up when it is done. */
  later: Set<PortId>;
};

/** A port that moves between two hosts keeps its address: the other host may not have undone it yet. */
const LOOK_AGAIN_AFTER = '5 seconds';
const MOST_LOOKS = 5;
const GIVE_UP_AFTER_MINUTES = 10;
const MOST_LINES = 100;
const LONGEST_REASON = 300;

/**
 * Bring z/VM to what Neutron says, as long as there is news: look the ports up, wire their guests, each by its own `convergeGuest`, and tell
 * Neutron what has become of them. Guests do not wait for each other; news of a guest that is being wired waits until it is. What fails is
 * reported down and left to reconciliation. Ports whose guest xCAT does not name yet are looked at again for minutes.
 */
export async function followNeutron(input: { host: string }, carried?: Carried): Promise<FollowNeutronResult> {
  const queues = guestQueues();
  const following = new Following(queues, hostOf(input), acceptedCarried(carried));
  setHandler(neutronNews, (news: unknown) => {
    if (isNews(news)) following.hear(news);
    else log.warn('news that are not of the form of some were dropped');
  });
  findable({ host: following.host });
  for (;;) {
    await condition(() => following.hasNews() || following.isDone());
    if (workflowInfo().continueAsNewSuggested) {
      await condition(() => following.isIdle());
      if (following.hasNews() || !following.isDone())
        await continueAsNew<typeof followNeutron>(input, following.carry());
    }
    if (!following.hasNews()) break;
    await following.readOn();
  }
  return following.result();
}

function hostOf(input: unknown): string {
  if (!isRecord(input) || !isText(input.host)) throw malformed('host');
  return input.host;
}

function acceptedCarried(carried: unknown): Carried | undefined {
  if (carried !== undefined && !isCarried(carried)) throw malformed('carried');
  return carried;
}

function isCarried(carried: unknown): carried is Carried {
  return (
    isRecord(carried) &&
    isNews(carried.news) &&
    typeof carried.guests === 'number' &&
    isRecord(carried.reported) &&
    Array.isArray(carried.failed) &&
    carried.failed.every(isRecord) &&
    isTexts(carried.waiting)
  );
}

function isNews(news: unknown): news is NeutronNews {
  return isRecord(news) && isTexts(news.portIds) && isTexts(news.networkIds);
}

class Following {
  readonly host: string;
  private readonly queues: GuestQueues;
  private readonly portIds = new Set<PortId>();
  private readonly networkIds = new Set<string>();
  private readonly busy = new Map<Userid, Wiring>();
  private statuses: { status: PortStatus; inOrder: boolean }[] = [];
  private telling = false;
  private readonly failed = new Map<string, string>();
  private readonly waiting = new Set<PortId>();
  private readonly unlimited = new Set<PortId>();
  private readonly seen = new Set<PortId>();
  /** Ports that are looked at again later, with how often they were. */
  private readonly looks = new Map<PortId, number>();
  private lookingLater = 0;
  private readonly rowsToCome = new RowsToCome((portIds) => this.hear({ portIds, networkIds: [] }));
  private guests: number;
  private reported: { up: number; down: number };

  constructor(queues: GuestQueues, host: string, carried: Carried | undefined) {
    this.queues = queues;
    this.host = host;
    this.guests = carried?.guests ?? 0;
    this.reported = carried?.reported ?? { up: 0, down: 0 };
    for (const { portId, reason } of carried?.failed ?? []) this.failed.set(portId, reason);
    for (const portId of carried?.waiting ?? []) this.waiting.add(portId);
    for (const portId of carried?.unlimited ?? []) this.unlimited.add(portId);
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
    return this.busy.size === 0 && !this.telling && this.statuses.length === 0 && this.lookingLater === 0;
  }

  /** Idle, and no row is waited for. */
  isDone(): boolean {
    return this.isIdle() && this.rowsToCome.ports().length === 0;
  }

  /** Look up what there is news of, and begin to wire the guests concerned; does not wait for them. */
  async readOn(): Promise<void> {
    const portIds = [...this.portIds];
    const networkIds = [...this.networkIds];
    this.portIds.clear();
    this.networkIds.clear();
    this.makeFindable(portIds);
    const wired = portIds.filter((portId) => this.wiringOf(portId) !== undefined);
    const reading = await this.lookUp(portIds, networkIds);
    this.rowsToCome.looked(portIds, reading?.waiting ?? []);
    if (reading === undefined) return;
    for (const portId of portIds) this.forget(portId);
    for (const portId of reading.waiting) this.waiting.add(portId);
    for (const { portId, reason } of reading.unusable) this.fail(portId, reason);
    for (const port of reading.unlimited ?? []) {
      warnUnlimited(port);
      this.unlimited.add(port.portId);
    }
    this.tell(reading.statuses, () => true);
    for (const portId of wired) this.lookAgain(portId);
    this.wire(reading);
    this.show();
  }

  /** Undefined when it can never be known: that is left to reconciliation, and guests that are being wired are not disturbed. */
  private async lookUp(portIds: PortId[], networkIds: string[]): Promise<NeutronReading | undefined> {
    // No local activity: where one takes longer than a workflow task while guests become done, a replay has them in another order.
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
      for (const id of [...portIds, ...networkIds]) this.fail(id, `${outcomeOf(error)}: ${reasonOf(error)}`);
      this.show();
      return undefined;
    }
  }

  /** A port that was deleted or moved away while its guest waits may have no row yet by which it is found: it has one when the guest is done. */
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
    const together = { window, size: free.length };
    for (const guest of free) {
      this.busy.set(guest.userid, { ports: new Set(guest.ports.map((port) => port.portId)), later: new Set() });
      void this.wireGuest(
        guest,
        after.filter((status) => status.userid === guest.userid),
        together,
      );
    }
    const services = after.filter((status) => status.userid === undefined);
    if (dhcp) void this.wireDhcpNode(services);
  }

  private async wireGuest(
    { userid, ports, removed }: NeutronReading['guests'][number],
    statuses: PortStatus[],
    together: { window: string; size: number },
  ): Promise<void> {
    const change = { kind: 'reconcile' as const, ports, removed, unrecorded: [], left: [] };
    const limits = { giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES, keepOnFailure: true };
    const bad = new Set<string>();
    try {
      const run = await this.queues.run(
        { host: this.host, userid, change, together, ...limits },
        wording(userid, ports.length, removed.length),
      );
      if (run.changed) this.guests += 1;
      for (const { portId, refusals } of run.refused) {
        bad.add(portId);
        this.fail(portId, describeRefusals(refusals));
        if (refusals.every(({ forNow }) => forNow === true)) void this.lookLater(portId);
      }
    } catch (error) {
      for (const { portId } of ports) {
        bad.add(portId);
        this.fail(portId, `${outcomeOf(error)}: ${reasonOf(error)}`);
      }
      if (CancellationScope.current().consideredCancelled || isCancellation(error)) statuses = [];
    }
    this.tell(statuses, ({ portId }) => !bad.has(portId));
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
      await sleep(LOOK_AGAIN_AFTER, { summary: `look again at port ${portId}: its address may be free by then` });
      this.hear({ portIds: [portId], networkIds: [] });
    } catch (error) {
      // Cancelled: reconciliation looks again.
      if (!isCancellation(error)) throw error;
    } finally {
      this.lookingLater -= 1;
    }
  }

  private async wireDhcpNode(statuses: PortStatus[]): Promise<void> {
    const { host } = this;
    const key = `DHCP node of ${host}` as Userid;
    if (this.busy.has(key)) return;
    this.busy.set(key, { ports: new Set(), later: new Set() });
    let inOrder = true;
    try {
      await executeChild<typeof ensureDhcp>('ensureDhcp', {
        workflowId: dhcpWorkflowId(host),
        args: [{ host, giveUpAfterMinutes: GIVE_UP_AFTER_MINUTES }],
        staticSummary: `give the DHCP node of ${host} its NICs`,
        staticDetails: childDetails({ host }),
        typedSearchAttributes: findableBy({ host }),
      });
    } catch (error) {
      inOrder = false;
      this.fail('DHCP node', `${outcomeOf(error)}: ${reasonOf(error)}`);
    }
    this.busy.delete(key);
    this.tell(statuses, () => inOrder);
  }

  private tell(statuses: readonly PortStatus[], inOrder: (status: PortStatus) => boolean): void {
    this.statuses.push(...statuses.map((status) => ({ status, inOrder: inOrder(status) })));
    if (!this.telling && this.statuses.length > 0) void this.tellAll();
  }

  /** One report at a time: several at once are no faster for the server (contract neutron.md 4). */
  private async tellAll(): Promise<void> {
    this.telling = true;
    // What ends in the same moment is told together.
    await Promise.resolve();
    while (this.statuses.length > 0) {
      const taken = new Map(this.statuses.splice(0).map((each) => [each.status.portId, each]));
      const statuses = [...taken.values()].map(({ status }) => status);
      try {
        const told = await tellNeutron(this.host, statuses, ({ portId }) => taken.get(portId)?.inOrder === true);
        this.reported = { up: this.reported.up + told.up.length, down: this.reported.down + told.down.length };
        for (const portId of told.unlimited) this.unlimited.add(portId);
        for (const portId of told.failed) this.fail(portId, 'Neutron could not change its status');
      } catch (error) {
        for (const { portId } of statuses) this.fail(portId, `Neutron could not be told: ${reasonOf(error)}`);
      }
      this.show();
    }
    this.telling = false;
  }

  carry(): Carried {
    const portIds = new Set([...this.portIds, ...this.rowsToCome.ports()]);
    const news = { portIds: [...portIds], networkIds: [...this.networkIds] };
    return { ...this.summary(), news };
  }

  result(): FollowNeutronResult {
    const result = this.summary();
    const outcome = result.failed.length > 0 ? 'failed' : result.guests > 0 ? 'changed' : 'unchanged';
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    this.show();
    return result;
  }

  private summary(): FollowNeutronResult {
    const failed = [...this.failed].map(([portId, reason]) => ({ portId, reason })).slice(0, MOST_LINES);
    const [waiting, unlimited] = [this.waiting, this.unlimited].map((ports) => [...ports].slice(0, MOST_LINES));
    return { guests: this.guests, reported: this.reported, failed, waiting: waiting ?? [], unlimited: unlimited ?? [] };
  }

  private fail(portId: string, reason: string): void {
    log.warn('not as Neutron wants it', { port: portId, reason });
    this.failed.set(portId, reason.slice(0, LONGEST_REASON));
  }

  private forget(portId: PortId): void {
    this.failed.delete(portId);
    this.waiting.delete(portId);
  }

  private makeFindable(portIds: readonly PortId[]): void {
    const before = this.seen.size;
    for (const portId of portIds) if (this.seen.size < MOST_PORTS_FOUND) this.seen.add(portId);
    if (this.seen.size > before) findable({ host: this.host, portIds: [...this.seen] });
  }

  private show(): void {
    const { guests, reported, failed, waiting, unlimited } = this.summary();
    const lines = [
      `**${this.host}**: ${guests} guest(s) wired, ${reported.up} port(s) reported up, ${reported.down} down.`,
      ...(waiting.length === 0
        ? []
        : ['', '**Waiting for xCAT to name the guest**', '', ...waiting.map((id) => `- ${id}`)]),
      ...(failed.length === 0
        ? []
        : ['', '**Not as Neutron wants it**', '', ...failed.map((each) => `- ${each.portId}: ${each.reason}`)]),
      ...(unlimited.length === 0
        ? []
        : [
            '',
            '**Not limited by their QoS policies, which z/VM does not enforce**',
            '',
            ...unlimited.map((id) => `- ${id}`),
          ]),
    ];
    setCurrentDetails(lines.slice(0, 40).join('\n'));
  }
}

function wording(userid: string, ports: number, removed: number): string {
  const parts = [ports > 0 ? `wire ${ports} port(s)` : '', removed > 0 ? `remove ${removed}` : ''];
  return `${parts.filter((part) => part !== '').join(', ')} of ${userid}, as Neutron has it`;
}
