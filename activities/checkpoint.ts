import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import type { EntryNic } from '../domain/guest/entry-nics.ts';
import { type Checkpoint, EMPTY_CHECKPOINT, type GuestCheckpoint } from '../domain/host/checkpoint.ts';
import { BackendKind } from '../domain/host/host.ts';
import { ProbeRecord } from '../domain/host/probed-behaviour.ts';
import { Vdev } from '../domain/port/vdev.ts';
import { PortId, Userid, VswitchName } from '../domain/text/identifiers.ts';
import { Rdev } from '../domain/vswitch/rdev.ts';

const VERIFIED = 1;
const SEEN = 2;

const Written = z.object({
  iplTime: z.string().optional(),
  sweptUpTo: Userid.optional(),
  vswitches: z.array(VswitchName),
  /** VSWITCH and its real devices. */
  rdevs: z.array(z.tuple([VswitchName, z.array(Rdev)])).optional(),
  /** Userid, 1 when verified and 2 when seen, added up, then vdev and index of the VSWITCH of each NIC. */
  guests: z.array(z.tuple([Userid, z.number()]).rest(z.tuple([Vdev, z.number()]))),
  /** Userid, then vdev, MACID or nothing, index of the VSWITCH or -1, port number or 0 of each NIC. */
  entries: z.array(z.tuple([Userid]).rest(z.tuple([Vdev, z.string(), z.number(), z.number()]))).default([]),
  /** Ids one after another as base64 of their bytes. */
  neutron: z.object({ ports: z.string(), reported: z.array(z.tuple([PortId, z.number()])) }).optional(),
  toConfirm: z.string().optional(),
  /** Answers that a later version of this program knows and this one does not are forgotten. */
  answers: ProbeRecord.optional().catch(undefined),
  backend: BackendKind.optional(),
  /** Port id and VSWITCH of each port that is down. */
  down: z.array(z.tuple([PortId, VswitchName])).optional(),
});

/** A checkpoint as text that is small enough for a workflow's result: about 30 KB for 10,000 ports, 250 KB more when they are Neutron's. */
export function writeCheckpoint({
  guests,
  entries,
  neutron,
  rdevs,
  toConfirm = [],
  down,
  ...rest
}: Checkpoint): string {
  const ofPorts = [...guests.values()].flatMap((guest) => guest.nics.map((nic) => nic.vswitch));
  const ofEntries = [...entries.values()].flatMap((nics) => nics.flatMap(({ vswitch }) => vswitch ?? []));
  const vswitches = [...new Set([...ofPorts, ...ofEntries])];
  const written: z.input<typeof Written> = {
    ...rest,
    vswitches,
    ...(rdevs === undefined
      ? {}
      : { rdevs: [...rdevs].map(([vswitch, had]): [string, string[]] => [vswitch, [...had]]) }),
    guests: [...guests].map(([userid, { nics, verified, seen }]) => [
      userid,
      (verified ? VERIFIED : 0) + (seen ? SEEN : 0),
      ...nics.map(({ vdev, vswitch }): [string, number] => [vdev, vswitches.indexOf(vswitch)]),
    ]),
    entries: [...entries].map(([userid, nics]) => [
      userid,
      ...nics.map(({ vdev, macId = '', vswitch, portNumber = 0 }): [string, string, number, number] => {
        return [vdev, macId, vswitch === undefined ? -1 : vswitches.indexOf(vswitch), portNumber];
      }),
    ]),
    ...defined({
      neutron: neutron && { ports: packed(neutron.ports), reported: [...neutron.reported] },
      toConfirm: toConfirm.length === 0 ? undefined : packed(toConfirm),
      down: down && [...down],
    }),
  };
  return gzipSync(JSON.stringify(written)).toString('base64');
}

/** Read it back. What is no checkpoint, or none yet, remembers nothing. */
export function readCheckpoint(text: string | undefined): Checkpoint {
  if (text === undefined || text === '') return EMPTY_CHECKPOINT;
  try {
    const { iplTime, sweptUpTo, vswitches, rdevs, guests, entries, neutron, toConfirm, answers, backend, down } =
      Written.parse(JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString()));
    return defined({
      ...{ iplTime, sweptUpTo, answers, backend },
      down: down && new Map(down),
      rdevs: rdevs && new Map(rdevs),
      neutron: neutron && { ports: unpacked(neutron.ports), reported: new Map(neutron.reported) },
      toConfirm: toConfirm === undefined ? undefined : unpacked(toConfirm),
      entries: new Map(
        entries.map(([userid, ...nics]): [Userid, EntryNic[]] => [
          userid,
          nics.map(([vdev, macId, index, portNumber]) => ({
            vdev,
            ...defined({ macId: macId || undefined, vswitch: vswitches[index], portNumber: portNumber || undefined }),
          })),
        ]),
      ),
      guests: new Map(
        guests.map(([userid, marks, ...nics]): [Userid, GuestCheckpoint] => [
          userid,
          {
            verified: (marks & VERIFIED) !== 0,
            seen: (marks & SEEN) !== 0,
            nics: nics.flatMap(([vdev, index]) => {
              const vswitch = vswitches[index];
              return vswitch === undefined ? [] : [{ vdev, vswitch }];
            }),
          },
        ]),
      ),
    });
  } catch {
    return EMPTY_CHECKPOINT;
  }
}

function packed(ids: readonly PortId[]): string {
  return Buffer.from(ids.map((id) => id.replaceAll('-', '')).join(''), 'hex').toString('base64');
}

function unpacked(text: string): PortId[] {
  const hex = Buffer.from(text, 'base64').toString('hex');
  return (hex.match(/.{32}/g) ?? []).map((id) => PortId.parse(id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')));
}
