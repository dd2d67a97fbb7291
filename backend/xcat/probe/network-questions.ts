import type { NicdefAuthorization } from '../../../domain/guest/guest.ts';
import type { ProbedBehaviour } from '../../../domain/host/probed-behaviour.ts';
import { PortNumber } from '../../../domain/port/port-number.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { Facts } from '../../../domain/probe/question.ts';
import { SECOND_VSWITCH } from '../../../domain/probe/scene.ts';
import * as smcli from '../zhcp/smcli.ts';
import { parseNicVlans } from '../zhcp/smcli-parsers.ts';
import type { Bench } from './bench.ts';
import { queryVswitchDetails } from './commands.ts';
import { vlansInDetails } from './vlan-of-nic.ts';

const PORT = PortNumber.parse(2047);
/** A MACID that CP gives out last. */
const MAC_ID = 'FFFFF0';

export async function askInformative(bench: Bench): Promise<Facts> {
  const create = await bench.makeVswitch(SECOND_VSWITCH);
  return { create, delete: await bench.code(smcli.deleteVswitch(await bench.zhcp(), SECOND_VSWITCH)) };
}

export async function askPortNumbers(bench: Bench): Promise<Facts> {
  const { userid, vswitch, vlans } = bench.scene;
  const give = await bench.code(smcli.givePort(await bench.zhcp(), vswitch, PORT, userid, [vlans[0]]));
  const ports = (await bench.vswitch())?.authorisations.filter((each) => each.portNumber === PORT) ?? [];
  return { give, listed: ports.some((port) => port.userid === userid) ? 'yes' : 'no' };
}

export async function askVlanTold(bench: Bench): Promise<Facts> {
  const { vdevs, vlans, userid, vswitch } = bench.scene;
  const [vdev] = vdevs;
  const { couple } = await coupleByGrant(bench, vdev);
  const details = vlansInDetails(await detailsOf(bench), userid, vdev);
  const statistics = await vlansInStatistics(bench, vdev);
  const told = (found: readonly number[] | undefined) =>
    found === undefined
      ? 'hidden'
      : found.length === 1 && found[0] === vlans[0]
        ? 'shown'
        : `VLAN ${found.join(' ')} of ${vswitch}`;
  return { couple, details: told(details), statistics: told(statistics) };
}

export async function askDuplicateMac(bench: Bench): Promise<Facts> {
  const { userid, vdevs } = bench.scene;
  const first = await bench.code(smcli.defineLiveNic(userid, vdevs[0], MAC_ID));
  if (first !== 'done') return { first };
  return { first, second: await bench.code(smcli.defineLiveNic(userid, vdevs[1], MAC_ID)) };
}

export async function askRegrant(bench: Bench): Promise<Facts> {
  const [vdev] = bench.scene.vdevs;
  const { grant, couple } = await coupleByGrant(bench, vdev);
  const again = await grantOnScene(bench, 0);
  return { grant, couple, again, coupled: await bench.coupled(vdev) };
}

export async function askRevoke(bench: Bench): Promise<Facts> {
  const [vdev] = bench.scene.vdevs;
  const coupled = await coupleByGrant(bench, vdev);
  return { ...coupled, revoke: await revokeOnScene(bench), coupled: await bench.coupled(vdev) };
}

export async function askCoupleReadsDirectory(bench: Bench): Promise<Facts> {
  const { userid, vdevs, vswitch, vlans } = bench.scene;
  const [vdev] = vdevs;
  const write = await bench.writeNic({ vdev, vswitch, authorization: accessTo(vlans[0]) });
  const define = await bench.code(smcli.defineLiveNic(userid, vdev, undefined));
  const couple = await bench.code(smcli.couple(userid, vdev, vswitch));
  return { write, define, couple, vlan: await vlanOf(bench, vdev, 0) };
}

export async function askNicdefAlone(bench: Bench, known: ProbedBehaviour): Promise<Facts> {
  return coupleByDirectory(bench, known, {});
}

/** NICDEF names the first VLAN of the scene, the grant the second. */
export async function askVlanWinner(bench: Bench, known: ProbedBehaviour): Promise<Facts> {
  const grant = await grantOnScene(bench, 1);
  return { grant, ...(await coupleWithVlan(bench, known)), vlan: await vlanOf(bench, bench.scene.vdevs[0], 0) };
}

export async function askDnaPorts(bench: Bench, known: ProbedBehaviour): Promise<Facts> {
  const coupled = await coupleWithVlan(bench, known);
  const authorisations = (await bench.vswitch())?.authorisations ?? [];
  const isListed = authorisations.some(({ userid }) => userid === bench.scene.userid);
  return { ...coupled, port: isListed ? 'listed' : 'hidden' };
}

export async function askDnaRegrant(bench: Bench, known: ProbedBehaviour): Promise<Facts> {
  const granted = await coupleAndGrant(bench, known);
  const again = await grantOnScene(bench, 0);
  return { ...granted, again, coupled: await bench.coupled(bench.scene.vdevs[0]) };
}

export async function askDnaRevoke(bench: Bench, known: ProbedBehaviour): Promise<Facts> {
  const granted = await coupleAndGrant(bench, known);
  return { ...granted, revoke: await revokeOnScene(bench), coupled: await bench.coupled(bench.scene.vdevs[0]) };
}

export async function askLoggedOff(bench: Bench): Promise<Facts> {
  return { code: await bench.code(smcli.queryLiveNics(bench.scene.userid)) };
}

async function coupleByGrant(bench: Bench, vdev: Vdev): Promise<{ grant: string; couple: string }> {
  const { userid, vswitch } = bench.scene;
  const grant = await grantOnScene(bench, 0);
  await bench.code(smcli.defineLiveNic(userid, vdev, undefined));
  return { grant, couple: await bench.code(smcli.couple(userid, vdev, vswitch)) };
}

function coupleWithVlan(bench: Bench, known: ProbedBehaviour): Promise<{ write: string; couple: string }> {
  return coupleByDirectory(bench, known, accessTo(bench.scene.vlans[0]));
}

/** Have the first NIC of the scene coupled as its entry says: by COUPLE where that reads the entry, else by a new logon. */
async function coupleByDirectory(
  bench: Bench,
  { coupleReadsDirectory }: ProbedBehaviour,
  authorization: NicdefAuthorization,
): Promise<{ write: string; couple: string }> {
  const { userid, vdevs, vswitch } = bench.scene;
  const [vdev] = vdevs;
  const write = await bench.writeNic({ vdev, vswitch, authorization });
  if (coupleReadsDirectory === true) {
    await bench.code(smcli.defineLiveNic(userid, vdev, undefined));
    return { write, couple: await bench.code(smcli.couple(userid, vdev, vswitch)) };
  }
  await bench.relogon();
  // A NIC that is not authorised is defined at logon, and not coupled (docs/reference/zvm.md 2.4).
  if ((await bench.coupled(vdev)) === 'yes') return { write, couple: 'done' };
  const isDefined = (await bench.live())?.some((nic) => nic.vdev === vdev) === true;
  return { write, couple: isDefined ? '212/8' : 'not defined at logon' };
}

async function coupleAndGrant(bench: Bench, known: ProbedBehaviour): Promise<Facts> {
  const coupled = await coupleWithVlan(bench, known);
  const grant = await grantOnScene(bench, 0);
  return { ...coupled, grant, between: await bench.coupled(bench.scene.vdevs[0]) };
}

async function grantOnScene(bench: Bench, which: 0 | 1): Promise<string> {
  const { userid, vswitch, vlans } = bench.scene;
  return bench.code(smcli.grant(await bench.zhcp(), vswitch, userid, [vlans[which]]));
}

async function revokeOnScene(bench: Bench): Promise<string> {
  return bench.code(smcli.revoke(await bench.zhcp(), bench.scene.vswitch, bench.scene.userid));
}

/** The VLAN that z/VM tells of a NIC, in words: `nicdef` says which of the scene's VLANs its NICDEF names. */
async function vlanOf(bench: Bench, vdev: Vdev, nicdef: 0 | 1): Promise<string> {
  const { userid, vlans } = bench.scene;
  const found = vlansInDetails(await detailsOf(bench), userid, vdev) ?? (await vlansInStatistics(bench, vdev));
  if (found === undefined) return 'not told';
  const [vlan, ...others] = found;
  if (others.length > 0) return `VLANs ${found.join(' ')}`;
  return vlan === vlans[nicdef] ? 'as in NICDEF' : vlan === vlans[1 - nicdef] ? 'as granted' : `VLAN ${vlan}`;
}

function detailsOf(bench: Bench): Promise<string> {
  return bench.output('read the adapters of the VSWITCH', queryVswitchDetails(bench.scene.vswitch));
}

/** Undefined where SMAPI does not tell them, or not in the form that this project knows. */
async function vlansInStatistics(bench: Bench, vdev: Vdev): Promise<readonly number[] | undefined> {
  const { userid } = bench.scene;
  const output = await bench.output('read the VLANs of NICs', smcli.queryNicVlans(await bench.zhcp(), userid));
  try {
    return parseNicVlans(output).get(vdev);
  } catch {
    return undefined;
  }
}

function accessTo(vlan: number): NicdefAuthorization {
  return { vlans: [vlan], portType: 'ACCESS' };
}
