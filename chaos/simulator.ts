import { z } from 'zod';

const Rows = z.array(z.record(z.string(), z.string().nullable()));

/** The part of `GET state` of the simulator's control interface that shows ports. */
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

/** An entry of `GET events`, with the fields that the checker reads. */
export const SimulatorEvent = z.object({
  seq: z.number(),
  time: z.string().transform((text) => Date.parse(text)),
  type: z.string(),
  userid: z.string().optional(),
  vswitch: z.string().optional(),
  vdev: z.string().optional(),
  mac: z.string().optional(),
  statement: z.string().optional(),
  statements: z.array(z.string()).optional(),
  port: z.number().nullish(),
  vlans: z.array(z.number()).optional(),
});
export type SimulatorEvent = z.infer<typeof SimulatorEvent>;

/** The grants of a userid on a VSWITCH, each with its VLANs: one on a user-based VSWITCH, else one for each port number. */
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

/** The last three bytes of a MAC in the directory's form. */
export function macIdOf(mac: string): string {
  return mac.replaceAll(/[:-]/g, '').slice(6).toUpperCase();
}

const Counters = z.object({ httpCalls: z.number(), smapiCalls: z.number() });

/** A client of the simulator's control interface (docs/simulator.md). */
export class Control {
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async state(): Promise<SimulatorState> {
    return SimulatorState.parse(await this.send('GET', 'state'));
  }

  async events(): Promise<SimulatorEvent[]> {
    return SimulatorEvent.array().parse(await this.send('GET', 'events'));
  }

  async counters(): Promise<z.infer<typeof Counters>> {
    return Counters.parse(await this.send('GET', 'counters'));
  }

  /** Send a request with or without a body. Throws an Error when the answer is not a success. */
  async send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`simulator: ${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
