import { defined } from '../../../domain/defined.ts';
import { type LiveNic, type Nicdef, standsInEntry } from '../../../domain/guest/guest.ts';
import { macFromId } from '../../../domain/port/mac.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import { PortId, type Userid, type VswitchName } from '../../../domain/text/identifiers.ts';
import { BackendError } from '../../backend-error.ts';
import type { FeilongHost } from '../feilong-host.ts';
import { type GuestLook, lookAt, rowOf } from '../reading/guest-look.ts';
import type { NicRow } from '../rest/client.ts';

/** The directory entry's part of a NIC. */
export type AtLogon = { macId?: string; vswitch?: VswitchName; vlan?: number };

/**
 * The NICs of one guest, of which each call of Feilong changes up to three sides at once: row, directory entry, running guest. Feilong answers
 * success to much that it does not do (docs/reference/feilong.md 3), so each write goes out from what the guest has, and is compared with it
 * afterwards. A write that shows no effect fails as transient.
 */
export class GuestWork {
  readonly userid: Userid;
  readonly #host: FeilongHost;
  readonly #signal: AbortSignal;
  #look: GuestLook;

  constructor(host: FeilongHost, look: GuestLook, signal: AbortSignal) {
    this.#host = host;
    this.#look = look;
    this.#signal = signal;
    this.userid = look.userid;
  }

  row(vdev: Vdev): NicRow | undefined {
    return rowOf(this.#look, vdev);
  }

  portOf(vdev: Vdev): PortId | undefined {
    return PortId.safeParse(this.row(vdev)?.port ?? '').data;
  }

  /** The row of a port. */
  vdevOf(portId: PortId): string | undefined {
    return this.#look.rows.find((row) => row.port?.toLowerCase() === portId)?.interface;
  }

  nicdef(vdev: Vdev): Nicdef | undefined {
    return this.#look.directory?.find((nic) => nic.vdev === vdev && standsInEntry(nic));
  }

  live(vdev: Vdev): LiveNic | undefined {
    return this.#look.live?.find((nic) => nic.vdev === vdev);
  }

  /** Make a NIC and its row; `active`: on the running guest too, with an address of CP's. */
  async create(vdev: Vdev, portId: PortId | undefined, macId: string | undefined, active: boolean): Promise<void> {
    const nic = { vdev, active, ...defined({ nic_id: portId, mac_addr: this.#macOf(macId) }) };
    await this.#host.feilong.createNic(this.userid, nic, this.#signal);
    await this.#lookAgain();
    const isThere = this.row(vdev) !== undefined && this.nicdef(vdev) !== undefined;
    this.#expect(isThere && (!active || this.live(vdev) !== undefined), `NIC ${vdev} was not made`);
  }

  /** Take a NIC away everywhere, with its row. */
  async delete(vdev: Vdev): Promise<void> {
    this.#refuseWithoutRow(vdev);
    const active = this.live(vdev) !== undefined;
    await this.#host.feilong.deleteNic(this.userid, vdev, active, this.#signal);
    await this.#lookAgain();
    const isGone = this.row(vdev) === undefined && this.nicdef(vdev) === undefined && this.live(vdev) === undefined;
    this.#expect(isGone, `NIC ${vdev} was not removed`);
  }

  /** Take it out of the directory, with its row; the running guest keeps it. */
  async deleteAtLogon(vdev: Vdev): Promise<void> {
    this.#refuseWithoutRow(vdev);
    await this.#host.feilong.deleteNic(this.userid, vdev, false, this.#signal);
    await this.#lookAgain();
    const isGone = this.row(vdev) === undefined && this.nicdef(vdev) === undefined;
    this.#expect(isGone, `NIC ${vdev} was not removed from the directory`);
  }

  /** Uncouple it in the directory; on the running guest too where it is coupled there, and `active` is asked for. */
  async uncouple(vdev: Vdev, active: boolean): Promise<void> {
    this.#refuseWithoutRow(vdev);
    await this.#host.feilong.uncouple(this.userid, vdev, active, this.#signal);
    await this.#lookAgain();
    const isUncoupled = this.nicdef(vdev)?.vswitch === undefined && (!active || this.live(vdev)?.vswitch === undefined);
    this.#expect(isUncoupled, `NIC ${vdev} was not uncoupled`);
  }

  /**
   * Couple it in the directory, with its VLAN where it is to stand there; `active`: on the running guest too. What names a VSWITCH already is
   * uncoupled first: Feilong would change nothing and answer success, or leave the old statement beside the new one.
   */
  async couple(vdev: Vdev, vswitch: VswitchName, vlan: number | undefined, active: boolean): Promise<void> {
    const live = this.live(vdev)?.vswitch;
    const mustLeave = active && live !== undefined && live !== vswitch;
    if (mustLeave || this.nicdef(vdev)?.vswitch !== undefined) await this.uncouple(vdev, active && live !== undefined);
    this.#refuseWithoutRow(vdev);
    await this.#host.feilong.couple(
      this.userid,
      vdev,
      { vswitch, active, ...defined({ vlan_id: vlan }) },
      this.#signal,
    );
    await this.#lookAgain();
    const isThere = this.nicdef(vdev)?.vswitch === vswitch && this.row(vdev)?.switch?.toUpperCase() === vswitch;
    const hasVlan = vlan === undefined || this.nicdef(vdev)?.authorization?.vlans?.join() === String(vlan);
    this.#expect(isThere && hasVlan, `NIC ${vdev} was not coupled to ${vswitch} in the directory`);
    this.#expect(!active || this.live(vdev)?.vswitch === vswitch, `NIC ${vdev} was not coupled to ${vswitch}`);
  }

  /** Give a NIC a statement and a row where it has one of them alone, so that Feilong can work on it. */
  async complete(vdev: Vdev, portId: PortId | undefined): Promise<void> {
    if (this.row(vdev) !== undefined && this.nicdef(vdev) !== undefined) return;
    const owner = this.portOf(vdev) ?? portId;
    if (this.row(vdev) !== undefined) await this.deleteAtLogon(vdev);
    this.#refuseWithoutRow(vdev);
    await this.create(vdev, owner, undefined, false);
  }

  /** A statement that Feilong has not made and not adopted: it answers success to a deletion, and does nothing. */
  #refuseWithoutRow(vdev: Vdev): void {
    if (this.nicdef(vdev) === undefined || this.row(vdev) !== undefined) return;
    const message = `NIC ${vdev} of ${this.userid} is in the directory, but not in Feilong's table`;
    const advice = `remove NICDEF ${vdev} from the directory (DIRM FOR ${this.userid} …), or register the guest with Feilong anew while it runs`;
    throw new BackendError({ code: 'refused', operation: `change NIC ${vdev}`, message, advice });
  }

  /** The prefix is z/VM's own, whatever stands here. */
  #macOf(macId: string | undefined): string | undefined {
    const prefix = this.#host.rules.wantedMacPrefix;
    return macId === undefined || prefix === undefined ? undefined : macFromId(prefix, macId);
  }

  async #lookAgain(): Promise<void> {
    this.#look = await lookAt(this.#host.feilong, this.userid, this.#signal);
  }

  #expect(isSo: boolean, otherwise: string): void {
    if (isSo) return;
    const message = `Feilong has answered success, but ${otherwise}`;
    const advice = 'find out who else changes the guest, then try again';
    throw new BackendError({ code: 'bad-answer', operation: 'compare', message, advice, retryable: true });
  }
}
