import { log } from '@temporalio/workflow';
import type { PortId } from '../domain/text/identifiers.ts';
import { malformed } from './failures.ts';
import type { UnlimitedPort } from './host-activities.ts';
import { type StatusReport, warnUnlimited } from './port-statuses.ts';
import { listed } from './progress.ts';
import { isRecord, isTexts } from './untrusted-input.ts';

/** Ids of ports and networks from Neutron's messages; the run looks the rest up. */
export type NeutronNews = { portIds: PortId[]; networkIds: string[] };

export type FollowNeutronResult = {
  /** Guests that were wired or unwired. */
  guests: number;
  reported: { up: number; down: number };
  /** Ports that differ from what Neutron wants, each with the reason; the first hundred. */
  failed: { portId: string; reason: string }[];
  /** Ports of guests that xCAT did not name in time; reconciliation looks again. */
  waiting: PortId[];
  /** Ports that are up with a QoS policy, which z/VM does not enforce; the first hundred. */
  unlimited: PortId[];
};

/** State that a run hands to the run that it continues as. */
export type Carried = FollowNeutronResult & { news: NeutronNews };

const MOST_LINES = 100;
const MOST_SHOWN = 20;
const LONGEST_REASON = 300;

/** True for news of the right form. */
export function isNews(news: unknown): news is NeutronNews {
  return isRecord(news) && isTexts(news.portIds) && isTexts(news.networkIds);
}

/** The state carried over from the run before. Throws a `Refused` failure when it is malformed. */
export function acceptedCarried(carried: unknown): Carried | undefined {
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

/** The result of a run while it grows. */
export class FollowNeutronOutcome {
  #guests: number;
  #reported: { up: number; down: number };
  readonly #failed: Map<string, string>;
  readonly #waiting: Set<PortId>;
  readonly #unlimited: Set<PortId>;

  constructor(carried: Carried | undefined) {
    this.#guests = carried?.guests ?? 0;
    this.#reported = carried?.reported ?? { up: 0, down: 0 };
    this.#failed = new Map((carried?.failed ?? []).map(({ portId, reason }) => [portId, reason]));
    this.#waiting = new Set(carried?.waiting);
    this.#unlimited = new Set(carried?.unlimited);
  }

  addGuest(): void {
    this.#guests += 1;
  }

  addReport({ up, down, unlimited, failed }: StatusReport): void {
    this.#reported = { up: this.#reported.up + up.length, down: this.#reported.down + down.length };
    for (const portId of unlimited) this.#unlimited.add(portId);
    for (const portId of failed) this.fail(portId, 'Neutron failed to change the status of the port');
  }

  fail(portId: string, reason: string): void {
    log.warn('differs from Neutron', { port: portId, reason });
    this.#failed.set(portId, reason.slice(0, LONGEST_REASON));
  }

  /** Add ports that got a QoS policy while they were ACTIVE. */
  addUnlimited(ports: readonly UnlimitedPort[]): void {
    for (const port of ports) {
      warnUnlimited(port);
      this.#unlimited.add(port.portId);
    }
  }

  waitFor(portIds: readonly PortId[]): void {
    for (const portId of portIds) this.#waiting.add(portId);
  }

  /** Drop the earlier outcome of ports that are looked up again. */
  forget(portIds: readonly PortId[]): void {
    for (const portId of portIds) {
      this.#failed.delete(portId);
      this.#waiting.delete(portId);
    }
  }

  result(): FollowNeutronResult {
    const failed = [...this.#failed].map(([portId, reason]) => ({ portId, reason })).slice(0, MOST_LINES);
    const [waiting = [], unlimited = []] = [this.#waiting, this.#unlimited].map((ports) =>
      [...ports].slice(0, MOST_LINES),
    );
    return { guests: this.#guests, reported: this.#reported, failed, waiting, unlimited };
  }

  /** The outcome in Markdown, for the current details of the run. */
  details(host: string): string {
    const { guests, reported, failed, waiting, unlimited } = this.result();
    return [
      `**${host}**: ${guests} guest(s) wired; ${reported.up} port(s) reported up, ${reported.down} down.`,
      ...listed('Waiting for the guest in xCAT', waiting, MOST_SHOWN),
      ...listed(
        'Differ from Neutron',
        failed.map(({ portId, reason }) => `${portId}: ${reason}`),
        MOST_SHOWN,
      ),
      ...listed('With QoS policies, which z/VM does not enforce', unlimited, MOST_SHOWN),
    ].join('\n\n');
  }
}
