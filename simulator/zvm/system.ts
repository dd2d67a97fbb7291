import type { DirMaint, Pace } from '../directory/dirmaint.ts';
import type { AdapterType, Nicdef } from '../directory/nicdef.ts';
import { formatNicdef, overlaps } from '../directory/nicdef.ts';
import type { EventLog } from '../events.ts';
import type { Settings } from '../options.ts';
import { type Access, accessOf } from './access.ts';
import type { Code } from './codes.ts';
import { OK } from './codes.ts';
import type { Guest, Nic } from './guest.ts';
import { type Asked, type Behaviour, behaviourOf, type Release } from './release.ts';
import type { Authorisation, Port, Vswitch } from './vswitch.ts';
import { activeRdev, effectiveVlans, freePort } from './vswitch.ts';

const DAY = 86_400_000;

/** One z/VM: directory, running guests, VSWITCHes with their authorisations. Operations answer as SMAPI does. */
export class ZvmSystem {
  readonly name: string;
  readonly zhcpNode: string;
  readonly zhcpUserid: string;
  readonly macPrefix: string;
  readonly userPrefix = '020000';
  readonly vswitches = new Map<string, Vswitch>();
  readonly guests = new Map<string, Guest>();
  /** shared by the members of an SSI cluster */
  readonly dirmaint: DirMaint;
  #release: Release;
  #asked: Asked;
  #behaviour: Behaviour;
  iplTime: Date;
  /** the members of the SSI cluster, this one among them */
  members: readonly ZvmSystem[] = [];
  reachable = true;
  private readonly events: EventLog;
  private readonly settings: Settings;
  /** what the next adapter without a MACID gets */
  nextMacid = 0x0100;

  constructor(index: number, settings: Settings, events: EventLog, dirmaint: DirMaint) {
    this.name = `ZVM${index}`;
    this.zhcpNode = `zhcp${index}`;
    this.zhcpUserid = `ZHCP${index}`;
    this.macPrefix = (0x020000 + index).toString(16).toUpperCase().padStart(6, '0');
    this.settings = settings;
    this.events = events;
    this.dirmaint = dirmaint;
    this.#release = settings.releases[index - 1] ?? settings.releases.at(-1) ?? '6.3';
    this.#asked = settings.behaviour;
    this.#behaviour = behaviourOf(this.#release, this.#asked);
    this.iplTime = new Date(Date.now() - 10 * DAY - index * 60_000);
  }

  get release(): Release {
    return this.#release;
  }

  get asked(): Asked {
    return this.#asked;
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  /** Makes the system one of that release, with these answers otherwise. */
  behave(release: Release, asked: Asked): void {
    this.#release = release;
    this.#asked = asked;
    this.#behaviour = behaviourOf(release, asked);
  }

  /** The profiles of the directory. */
  get profiles(): DirMaint['profiles'] {
    return this.dirmaint.profiles;
  }

  /** The user with that userid, whatever its case. */
  guest(userid: string): Guest | undefined {
    return this.guests.get(userid.toUpperCase());
  }

  /** The VSWITCH of that name, whatever its case. */
  vswitch(name: string): Vswitch | undefined {
    return this.vswitches.get(name.toUpperCase());
  }

  /** Whether another member of the SSI cluster runs the user. */
  isElsewhere(userid: string): boolean {
    return this.members.some((member) => member !== this && member.guest(userid)?.loggedOn === true);
  }

  /** Logs an event of this system. */
  log(type: string, fields: Record<string, unknown>): void {
    this.events.record(type, { system: this.zhcpNode, ...fields });
  }

  /** Live NICs coupled to a VSWITCH, with their owners. */
  connections(name: string): { guest: Guest; nic: Nic }[] {
    const found: { guest: Guest; nic: Nic }[] = [];
    for (const guest of this.guests.values())
      for (const nic of guest.nics) if (nic.vswitch === name.toUpperCase()) found.push({ guest, nic });
    return found;
  }

  /** Starts the guest: adapters come from the directory, coupled only where authorised (docs/reference/zvm.md 2.4). */
  logon(guest: Guest): Code {
    // a user of an SSI cluster is logged on once; an IDENTITY on each member
    if (guest.loggedOn || (!guest.entry.isIdentity && this.isElsewhere(guest.userid))) return [200, 8];
    guest.loggedOn = true;
    this.log('logon', { userid: guest.userid });
    guest.devices = this.dirmaint.devicesAtLogon(guest.entry, this.name);
    const dna = this.behaviour.dna === 'enabled';
    for (const nicdef of this.dirmaint.nicdefsAtLogon(guest.entry, this.name)) {
      const nic = this.addNic(guest, nicdef.vdev, nicdef.type, nicdef.devices ?? 3, nicdef.macid);
      if (!('vdev' in nic)) continue;
      nic.nicdef = nicdef;
      if (nicdef.lan?.owner === 'SYSTEM')
        this.join(guest, nic, nicdef.lan.name, dna ? null : nicdef.portNumber, nicdef);
    }
    return OK;
  }

  /** Stops the guest; its live adapters go with it. */
  logoff(guest: Guest): Code {
    if (!guest.loggedOn) return [200, 12];
    for (const nic of guest.nics) this.uncouple(guest, nic, 'logoff');
    guest.loggedOn = false;
    guest.nics = [];
    guest.devices = [];
    this.log('logoff', { userid: guest.userid });
    return OK;
  }

  /** Re-IPL: what was not made persistent is gone (docs/reference/zvm.md 4.1). */
  reIpl(autolog: boolean): void {
    const running = [...this.guests.values()].filter((guest) => guest.loggedOn);
    for (const guest of running) this.logoff(guest);
    for (const vswitch of [...this.vswitches.values()]) {
      if (!vswitch.persist) this.vswitches.delete(vswitch.name);
      for (const [userid, grant] of [...vswitch.authorisations])
        if (!grant.persist) vswitch.authorisations.delete(userid);
      for (const [port, grant] of [...vswitch.ports]) if (!grant.persist) vswitch.ports.delete(port);
    }
    // the IPL time is shown in whole seconds and must change
    this.iplTime = new Date(Math.max(Date.now(), this.iplTime.getTime() + 1000));
    this.log('ipl', { iplTime: this.iplTime.toISOString() });
    for (const guest of running) if (autolog || guest.service) this.logon(guest);
  }

  /** Defines a live adapter; answers a code when its devices are taken. */
  addNic(guest: Guest, vdev: string, type: AdapterType, devices: number, macid: string | null): Nic | Code {
    if (guest.nics.some((nic) => overlaps(vdev, devices, nic.vdev, nic.devices))) return [204, 4];
    if (guest.devices.some((device) => overlaps(vdev, devices, device.vdev, device.count))) return [204, 4];
    const mac =
      macid === null
        ? this.macPrefix + (this.nextMacid++).toString(16).toUpperCase().padStart(6, '0')
        : (guest.userPrefix ?? this.userPrefix) + macid.toUpperCase();
    const nic: Nic = { vdev, type, devices, mac: dashed(mac), vswitch: null, vlans: [], port: null };
    if (this.behaviour.duplicateMac === 'refused' && this.hasMac(nic.mac)) return [396, 2797];
    guest.nics.push(nic);
    this.log('nic-defined', { userid: guest.userid, vdev, mac: nic.mac });
    return nic;
  }

  /** Removes a live adapter, uncoupling it first. */
  removeNic(guest: Guest, vdev: string): Code {
    const nic = guest.nics.find((each) => each.vdev === vdev);
    if (!nic) return [204, 8];
    this.uncouple(guest, nic, 'deleted');
    guest.nics = guest.nics.filter((each) => each !== nic);
    this.log('nic-removed', { userid: guest.userid, vdev });
    return OK;
  }

  /** Couples a live adapter under the right that holds now; a port that the command does not name is that of NICDEF or CP's choice. */
  couple(guest: Guest, nic: Nic, name: string, port: number | null): Code {
    return this.join(guest, nic, name, port);
  }

  /** The right by which an adapter may be coupled, or the code of the refusal; changes nothing. */
  accessFor(
    guest: Guest,
    nic: Nic,
    name: string,
    port: number | null,
    nicdef = this.nicdefThatCounts(guest, nic),
  ): Access | Code {
    const vswitch = this.vswitch(name);
    if (!vswitch) return [212, 40];
    if (nic.vswitch !== null) return [204, 20];
    const others = this.connections(vswitch.name).map((each) => each.nic);
    const names = nicdef?.lan?.owner === 'SYSTEM' && nicdef.lan.name.toUpperCase() === vswitch.name;
    const asking = { userid: guest.userid, vswitch, port, nicdef: names ? nicdef : undefined, others };
    const access = accessOf({ ...asking, behaviour: this.behaviour });
    return 'right' in access && others.length >= this.settings.maxPorts ? [212, 52] : access;
  }

  private nicdefThatCounts({ entry }: Guest, nic: Nic): Nicdef | undefined {
    if (!this.behaviour.coupleReadsDirectory) return nic.nicdef;
    return this.dirmaint.nicdefsAtLogon(entry, this.name).find((each) => each.vdev === nic.vdev);
  }

  private join(guest: Guest, nic: Nic, name: string, port: number | null, nicdef?: Nicdef): Code {
    const access = this.accessFor(guest, nic, name, port, nicdef);
    const vswitch = this.vswitch(name);
    if (!('right' in access) || !vswitch) return 'right' in access ? [212, 40] : access;
    const { right, portType, promiscuous } = access;
    const others = this.connections(vswitch.name).map((each) => each.nic);
    const cpPort =
      access.port ??
      freePort(
        vswitch,
        others.map((other) => other.connection?.cpPort),
      );
    nic.vswitch = vswitch.name;
    nic.vlans = access.vlans;
    nic.port = access.port;
    nic.connection = { right, portType, promiscuous, cpPort };
    this.log('coupled', { userid: guest.userid, vdev: nic.vdev, vswitch: vswitch.name, vlans: nic.vlans });
    return OK;
  }

  /** Uncouples a live adapter; answers 204/48 when it was not coupled. */
  uncouple(guest: Guest, nic: Nic, why: string): Code {
    if (nic.vswitch === null) return [204, 48];
    this.log('uncoupled', { userid: guest.userid, vdev: nic.vdev, vswitch: nic.vswitch, why });
    nic.vswitch = null;
    nic.vlans = [];
    nic.port = null;
    nic.connection = undefined;
    return OK;
  }

  /** Authorises a user; doing it again drops the user's connections (docs/reference/smcli.md 5.2). */
  grant(vswitch: Vswitch, userid: string, authorisation: Authorisation): Code {
    const again = vswitch.authorisations.has(userid);
    const { regrant, dnaRegrant } = this.behaviour;
    if (again && regrant === 'reject') return [212, 44];
    vswitch.authorisations.set(userid, authorisation);
    const vlans = effectiveVlans(vswitch, authorisation);
    this.log('granted', { userid, vswitch: vswitch.name, vlans, again, persist: authorisation.persist });
    if (again) this.dropConnections(vswitch, userid, 'regrant', regrant === 'reexecute', dnaRegrant === 'drops');
    return OK;
  }

  /** Withdraws an authorisation; whether connections survive is an option (docs/reference/zvm.md 3.4). */
  revoke(vswitch: Vswitch, userid: string): Code {
    if (!vswitch.authorisations.delete(userid)) return [212, 8];
    this.log('revoked', { userid, vswitch: vswitch.name });
    const { revoke, dnaRevoke } = this.behaviour;
    this.dropConnections(vswitch, userid, 'revoked', revoke === 'uncouples', dnaRevoke === 'uncouples');
    return OK;
  }

  /** Gives a port of a port-based VSWITCH to a user. */
  assignPort(vswitch: Vswitch, number: number, port: Port): Code {
    const before = vswitch.ports.get(number);
    if (before && this.behaviour.regrant === 'reject') return [212, 44];
    vswitch.ports.set(number, port);
    const vlans = effectiveVlans(vswitch, port);
    this.log('granted', {
      userid: port.userid,
      vswitch: vswitch.name,
      port: number,
      vlans,
      again: before !== undefined,
    });
    if (before && this.behaviour.regrant === 'reexecute') this.dropPort(vswitch, number, 'regrant');
    return OK;
  }

  /**
   * Lets the NIC that is coupled to a port have the port's VLANs, without dropping it (docs/reference/zvm.md 3.2). `before` is what the
   * port had: that it has others now is logged also without a coupled NIC.
   */
  showPortVlans(vswitch: Vswitch, number: number, before: readonly number[]): void {
    const port = vswitch.ports.get(number);
    if (!port) return;
    const vlans = effectiveVlans(vswitch, port);
    const coupled = this.connections(vswitch.name).find(({ nic }) => nic.port === number);
    if (vlans.join() === (coupled?.nic.vlans ?? before).join()) return;
    if (coupled) coupled.nic.vlans = vlans;
    const nic = coupled === undefined ? {} : { vdev: coupled.nic.vdev };
    this.log('vlans-changed', { userid: port.userid, ...nic, vswitch: vswitch.name, port: number, vlans });
  }

  /** An uplink stops or starts to work: CP fails over to the next one (docs/reference/zvm.md 3.1). */
  setUplink(vswitch: Vswitch, rdev: string, works: boolean): boolean {
    if (!vswitch.rdevs.includes(rdev)) return false;
    vswitch.failed = works ? vswitch.failed.filter((each) => each !== rdev) : [...new Set([...vswitch.failed, rdev])];
    this.log(works ? 'uplink-restored' : 'uplink-failed', { vswitch: vswitch.name, rdev, active: activeRdev(vswitch) });
    return true;
  }

  /** Takes a port of a port-based VSWITCH away. */
  removePort(vswitch: Vswitch, number: number): Code {
    const port = vswitch.ports.get(number);
    if (!port) return [212, 8];
    vswitch.ports.delete(number);
    this.log('revoked', { userid: port.userid, vswitch: vswitch.name, port: number });
    if (this.behaviour.revoke === 'uncouples') this.dropPort(vswitch, number, 'revoked');
    return OK;
  }

  /** Removes a VSWITCH; what was coupled to it is uncoupled. */
  deleteVswitch(name: string): Code {
    const vswitch = this.vswitch(name);
    if (!vswitch) return [212, 40];
    for (const { guest, nic } of this.connections(vswitch.name)) this.uncouple(guest, nic, 'vswitch deleted');
    this.vswitches.delete(vswitch.name);
    this.log('vswitch-deleted', { vswitch: vswitch.name });
    return this.behaviour.informative ? [0, 44] : OK;
  }

  /** Puts records in the place of an entry; what counts at logon stays behind when that is to be asked for (docs/reference/zvm.md 2.2). */
  replaceEntry(guest: Guest, records: readonly string[]): void {
    guest.entry.replace(records, this.settings.directoryOnline === 'deferred');
  }

  /** The times of one request to DirMaint; with SSI, members that read the source directory are waited for. */
  pace(replaces: boolean): Pace {
    const { directoryIntervalMs, clusterIntervalMs, directoryMs, replaceMs } = this.behaviour;
    const intervalMs = this.settings.ssi ? Math.max(directoryIntervalMs, clusterIntervalMs) : directoryIntervalMs;
    return { intervalMs, serviceMs: replaces ? (replaceMs ?? directoryMs) : directoryMs };
  }

  /** Brings the entry online. */
  putOnline(guest: Guest): Code {
    guest.entry.putOnline();
    this.log('directory-online', { userid: guest.userid });
    return OK;
  }

  /** Adds a NICDEF statement; an existing one of the same device conflicts unless the option says replace. */
  addNicdef(guest: Guest, nicdef: Nicdef, mayReplace: boolean): Code {
    const same = guest.nicdefs.find((each) => each.vdev === nicdef.vdev);
    if (same && !(mayReplace && this.behaviour.nicdefUpdate === 'replace')) return [404, 4];
    const others = guest.nicdefs.filter((each) => each !== same);
    const nics = [...others, ...this.dirmaint.profileNicdefsOf(guest.entry)].map((each) => ({
      ...each,
      count: each.devices ?? 3,
    }));
    const taken = [...nics, ...this.dirmaint.devicesOf(guest.entry)];
    if (taken.some((each) => overlaps(nicdef.vdev, nicdef.devices ?? 3, each.vdev, each.count))) return [404, 4];
    this.replaceEntry(guest, guest.entry.withNicdef(nicdef));
    this.log('nicdef-added', { userid: guest.userid, vdev: nicdef.vdev, statement: formatNicdef(nicdef) });
    return OK;
  }

  /** Changes the statements of a NIC into one. */
  changeNicdef(guest: Guest, nicdef: Nicdef): Code {
    this.replaceEntry(guest, guest.entry.withNicdef(nicdef));
    this.log('nicdef-changed', { userid: guest.userid, vdev: nicdef.vdev, statement: formatNicdef(nicdef) });
    return OK;
  }

  /** Removes the NICDEF statements of a device. */
  removeNicdef(guest: Guest, vdev: string): Code {
    if (!guest.nicdefs.some((each) => each.vdev === vdev)) return [404, 8];
    this.replaceEntry(guest, guest.entry.withoutNicdef(vdev));
    this.log('nicdef-removed', { userid: guest.userid, vdev });
    return OK;
  }

  /** Switches directory network authorization; whether connections by it survive is an option (docs/reference/zvm.md 5.3). */
  setDna(enabled: boolean): void {
    const { dnaDisable } = this.behaviour;
    this.behave(this.release, { ...this.asked, dna: enabled ? 'enabled' : 'disabled' });
    this.log('dna', { enabled });
    if (enabled || dnaDisable === 'keeps') return;
    for (const guest of this.guests.values())
      for (const nic of guest.nics)
        if (nic.connection?.right === 'directory') this.uncouple(guest, nic, 'DNA disabled');
  }

  /** The code of an immediate function for a guest that is not running (docs/reference/zvm.md 2.2: it is an option). */
  loggedOffCode(): Code {
    return this.behaviour.loggedOff === '8/45' ? [8, 45] : [200, 12];
  }

  private hasMac(mac: string): boolean {
    return [...this.guests.values()].some((guest) => guest.nics.some((nic) => nic.mac === mac));
  }

  private dropConnections(vswitch: Vswitch, userid: string, why: string, granted: boolean, byDirectory: boolean): void {
    for (const { guest, nic } of this.connections(vswitch.name)) {
      const drops = nic.connection?.right === 'directory' ? byDirectory : granted;
      if (guest.userid === userid && drops) this.uncouple(guest, nic, why);
    }
  }

  private dropPort(vswitch: Vswitch, port: number, why: string): void {
    for (const { guest, nic } of this.connections(vswitch.name)) if (nic.port === port) this.uncouple(guest, nic, why);
  }
}

function dashed(mac: string): string {
  return (mac.match(/../g) ?? []).join('-');
}
