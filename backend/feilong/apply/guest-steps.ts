import type { Step } from '../../../domain/planning/steps.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { PortId } from '../../../domain/text/identifiers.ts';
import { BackendError } from '../../backend-error.ts';
import type { AtLogon, GuestWork } from './guest-work.ts';

/** The steps of a guest on its NICs, which Feilong has no calls for one by one. */
export type NicStep = Extract<
  Step,
  {
    kind:
      | 'ensureUncoupled'
      | 'removeLiveNic'
      | 'removeDirectoryNic'
      | 'ensureDirectoryNic'
      | 'ensureLiveNic'
      | 'ensureCoupled';
  }
>;

export type Done = 'done' | 'no change';

/**
 * Carries out steps on NICs in order. A call of Feilong changes more than its step says: a live NIC goes with its statement and its row. What is
 * to stay in the directory is known from before and from the steps so far (`atLogon`), and given back at once.
 */
export class GuestSteps {
  readonly #work: GuestWork;
  readonly #steps: readonly NicStep[];
  readonly #owners: Map<Vdev, PortId>;
  /** Ports whose rows stay as Nova wrote them. */
  readonly #kept: ReadonlySet<PortId>;
  readonly #atLogon = new Map<Vdev, AtLogon | undefined>();

  constructor(
    work: GuestWork,
    steps: readonly NicStep[],
    { owners, kept }: { owners: ReadonlyMap<Vdev, PortId>; kept: ReadonlySet<PortId> },
  ) {
    this.#work = work;
    this.#steps = steps;
    this.#owners = new Map(owners);
    this.#kept = kept;
  }

  async carryOut(step: NicStep): Promise<Done> {
    const { vdev } = step;
    const owner = this.#work.portOf(vdev);
    if (owner !== undefined && !this.#owners.has(vdev)) this.#owners.set(vdev, owner);
    if (!this.#atLogon.has(vdev)) this.#atLogon.set(vdev, atLogonOf(this.#work, vdev));
    switch (step.kind) {
      case 'ensureUncoupled':
        return this.#uncouple(step);
      case 'removeLiveNic':
        return this.#removeLive(step);
      case 'removeDirectoryNic':
        return this.#removeAtLogon(step);
      case 'ensureDirectoryNic':
        return this.#defineAtLogon(step);
      case 'ensureLiveNic':
        return this.#defineLive(step);
      case 'ensureCoupled':
        return this.#couple(step);
    }
  }

  /** Give the directory back what uncoupled and removed live NICs have taken along. */
  async settle(): Promise<void> {
    for (const [vdev, wanted] of this.#atLogon) if (wanted !== undefined) await this.#giveBack(vdev, wanted);
  }

  async #uncouple({ vdev }: NicStep): Promise<Done> {
    if (this.#work.live(vdev)?.vswitch === undefined) return 'no change';
    await this.#work.complete(vdev, this.#owners.get(vdev));
    await this.#work.uncouple(vdev, true);
    return 'done';
  }

  async #removeLive(step: NicStep): Promise<Done> {
    const { vdev } = step;
    if (this.#work.live(vdev) === undefined) return 'no change';
    await this.#work.complete(vdev, this.#owners.get(vdev));
    await this.#work.delete(vdev);
    const stays = this.#atLogon.get(vdev);
    if (stays !== undefined && !this.#isToCome(step, 'removeDirectoryNic')) await this.#giveBack(vdev, stays);
    return 'done';
  }

  async #removeAtLogon(step: NicStep): Promise<Done> {
    const { vdev } = step;
    const owner = this.#owners.get(vdev);
    const again = this.#next(step, 'ensureDirectoryNic');
    const nicdef = this.#work.nicdef(vdev);
    const isRedefined = again !== undefined && again.macId === nicdef?.macId && nicdef !== undefined;
    const staysUncoupled = isRedefined || (owner !== undefined && this.#kept.has(owner));
    const before = this.#atLogon.get(vdev);
    this.#atLogon.set(vdev, undefined);
    if (staysUncoupled && this.#work.row(vdev) !== undefined) {
      if (nicdef?.vswitch !== undefined) await this.#work.uncouple(vdev, false);
      return before === undefined ? 'no change' : 'done';
    }
    if (nicdef === undefined && this.#work.row(vdev) === undefined) return before === undefined ? 'no change' : 'done';
    await this.#work.deleteAtLogon(vdev);
    return 'done';
  }

  async #defineAtLogon(step: Extract<NicStep, { kind: 'ensureDirectoryNic' }>): Promise<Done> {
    const { vdev, macId, vswitch, authorization } = step;
    const [vlan] = authorization?.vlans ?? [];
    const wanted = { ...(macId && { macId }), ...(vswitch && { vswitch }), ...(vlan && { vlan }) };
    this.#atLogon.set(vdev, wanted);
    // A NIC that the running guest is to have too is made once, with both sides.
    const live = this.#next(step, 'ensureLiveNic');
    if (live !== undefined && live.macId === undefined && this.#work.live(vdev) === undefined) {
      await this.#make(vdev, undefined, true);
      if (this.#next(step, 'ensureCoupled') === undefined) await this.#giveBack(vdev, wanted);
      return 'done';
    }
    const isDone = (await this.#giveBack(vdev, wanted)) || this.#isBehind(step, 'ensureLiveNic');
    return isDone ? 'done' : 'no change';
  }

  async #defineLive(step: Extract<NicStep, { kind: 'ensureLiveNic' }>): Promise<Done> {
    const { vdev, macId } = step;
    if (this.#work.live(vdev) !== undefined) return this.#isBehind(step, 'ensureDirectoryNic') ? 'done' : 'no change';
    if (macId !== undefined) throw unsupported('a NIC with a MAC on a running guest');
    const stays = this.#atLogon.get(vdev);
    await this.#make(vdev, stays?.macId, true);
    if (stays !== undefined && this.#next(step, 'ensureCoupled') === undefined) await this.#giveBack(vdev, stays);
    return 'done';
  }

  async #couple({ vdev, vswitch }: Extract<NicStep, { kind: 'ensureCoupled' }>): Promise<Done> {
    const live = this.#work.live(vdev);
    if (live?.vswitch === vswitch) return 'no change';
    if (live === undefined) throw gone(vdev);
    await this.#work.complete(vdev, this.#owners.get(vdev));
    await this.#work.couple(vdev, vswitch, this.#atLogon.get(vdev)?.vlan, true);
    return 'done';
  }

  /** Make a NIC anew: with its statement it gets a row. */
  async #make(vdev: Vdev, macId: string | undefined, active: boolean): Promise<void> {
    const owner = this.#owners.get(vdev);
    if (this.#work.row(vdev) !== undefined || this.#work.nicdef(vdev) !== undefined)
      await this.#work.deleteAtLogon(vdev);
    await this.#work.create(vdev, owner, macId, active);
  }

  /** Bring the directory entry to what it is to have; false when it has it. */
  async #giveBack(vdev: Vdev, { macId, vswitch, vlan }: AtLogon): Promise<boolean> {
    const nicdef = this.#work.nicdef(vdev);
    const owner = this.#owners.get(vdev);
    const isOwn = this.#work.row(vdev) !== undefined && this.#work.portOf(vdev) === owner;
    const isMade = nicdef !== undefined && isOwn && (macId === undefined || nicdef.macId === macId);
    if (!isMade) await this.#make(vdev, macId, false);
    const { vswitch: has, authorization } = this.#work.nicdef(vdev) ?? {};
    if (vswitch === undefined) {
      if (has !== undefined) await this.#work.uncouple(vdev, false);
      return !isMade || has !== undefined;
    }
    const isOnVlan = vlan === undefined || authorization?.vlans?.join() === String(vlan);
    const isCoupled = has === vswitch && isOnVlan && this.#work.row(vdev)?.switch?.toUpperCase() === vswitch;
    if (!isCoupled) await this.#work.couple(vdev, vswitch, vlan, false);
    return !isMade || !isCoupled;
  }

  /** The step of that kind on the same NIC that is still to come. */
  #next<Kind extends NicStep['kind']>(step: NicStep, kind: Kind): Extract<NicStep, { kind: Kind }> | undefined {
    const later = this.#steps.slice(this.#steps.indexOf(step) + 1);
    return later.find(
      (each): each is Extract<NicStep, { kind: Kind }> => each.kind === kind && each.vdev === step.vdev,
    );
  }

  #isToCome(step: NicStep, kind: NicStep['kind']): boolean {
    return this.#next(step, kind) !== undefined;
  }

  #isBehind(step: NicStep, kind: NicStep['kind']): boolean {
    const earlier = this.#steps.slice(0, this.#steps.indexOf(step));
    return earlier.some((each) => each.kind === kind && each.vdev === step.vdev);
  }
}

function atLogonOf(work: GuestWork, vdev: Vdev): AtLogon | undefined {
  const nicdef = work.nicdef(vdev);
  if (nicdef === undefined) return undefined;
  const { macId, vswitch, authorization } = nicdef;
  const [vlan] = authorization?.vlans ?? [];
  return { ...(macId && { macId }), ...(vswitch && { vswitch }), ...(vlan && { vlan }) };
}

/** The failure of what Feilong has no call for. */
export function unsupported(what: string): BackendError {
  const message = `Feilong has no call for ${what}`;
  return new BackendError({ code: 'unsupported', operation: 'change the guest', message });
}

function gone(vdev: Vdev): BackendError {
  const message = `the running guest has no NIC ${vdev} any more`;
  return new BackendError({ code: 'bad-answer', operation: 'couple', message, retryable: true });
}
