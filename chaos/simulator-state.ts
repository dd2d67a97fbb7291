import { z } from 'zod';

const Rows = z.array(z.record(z.string(), z.string().nullable()));

/** The part of `GET state` of the simulator's control interface that ports show up in. */
export const SimulatorState = z.object({
  tables: z.object({ switch: Rows, mac: Rows }),
  systems: z.record(
    z.string(),
    z.object({
      vswitches: z.record(
        z.string(),
        z.object({
          portBased: z.boolean(),
          /** By userid. */
          authorisations: z.record(z.string(), z.object({ vlans: z.array(z.number()) })),
          /** By port number. */
          ports: z.record(z.string(), z.object({ userid: z.string(), vlans: z.array(z.number()) })),
        }),
      ),
      guests: z.record(
        z.string(),
        z.object({
          directory: z.array(
            z.object({ vdev: z.string(), vswitch: z.string().nullable(), macid: z.string().nullable() }),
          ),
          nics: z.array(
            z.object({
              vdev: z.string(),
              mac: z.string(),
              vswitch: z.string().nullable(),
              vlans: z.array(z.number()),
            }),
          ),
        }),
      ),
    }),
  ),
});
export type SimulatorState = z.infer<typeof SimulatorState>;
export type System = SimulatorState['systems'][string];
export type SimulatedGuest = System['guests'][string];

/** One entry of `GET events`: the fields that are read here, whatever else it has. */
export const SimulatorEvent = z.object({
  seq: z.number(),
  time: z.string().transform((text) => Date.parse(text)),
  type: z.string(),
  userid: z.string().optional(),
  vswitch: z.string().optional(),
  vdev: z.string().optional(),
  mac: z.string().optional(),
  statement: z.string().optional(),
  port: z.number().nullish(),
  vlans: z.array(z.number()).optional(),
});
export type SimulatorEvent = z.infer<typeof SimulatorEvent>;

/** The grants of a userid on a VSWITCH, each with its VLANs: one on a user-based VSWITCH, one for each port number else. */
export function grantsOf(system: System, vswitch: string, userid: string): number[][] {
  const there = system.vswitches[vswitch];
  if (there === undefined) return [];
  if (there.portBased)
    return Object.values(there.ports)
      .filter((port) => port.userid === userid)
      .map(({ vlans }) => vlans);
  const grant = there.authorisations[userid];
  return grant === undefined ? [] : [grant.vlans];
}

/** The last three bytes of a MAC as the directory has them. */
export function macIdOf(mac: string): string {
  return mac.replaceAll(/[:-]/g, '').slice(6).toUpperCase();
}
