import { z } from 'zod';
import { searchTermsOfPorts, searchTermsOfRestored } from '../guest/search-terms.ts';
import { BackendKind, serverName } from '../host/host.ts';
import { QUESTION_IDS } from '../probe/questions.ts';
import { HostName, PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { Rdev } from '../vswitch/rdev.ts';
import { operation } from './operation-definition.ts';
import {
  guestOptions,
  hostOptions,
  liveOption,
  ofGuest,
  ofHost,
  PlanId,
  PortRequest,
  RepairFailure,
  RestoredPort,
  Undoes,
} from './requests.ts';

/** Ports in one `wirePorts`: its input must stay well below the server's warning at 512 KiB (docs/reference/temporal.md 3.1). */
export const MOST_PORTS = 2_000;

/** Earlier versions had `userid` in place of `about`. Their failures are dropped: the next run tries these repairs at once. */
const EarlierFailures = z
  .array(RepairFailure.or(z.object({ userid: z.string() }).transform(() => undefined)))
  .transform((failures) => failures.filter((failure) => failure !== undefined));

/** Ports of many guests, each named once. */
function portsOfGuests<Port extends z.ZodType<{ portId: PortId }>>(port: Port) {
  return z
    .array(port)
    .min(1, 'must name a port')
    .max(MOST_PORTS, `must name at most ${MOST_PORTS} ports`)
    .refine((ports) => new Set(ports.map(({ portId }) => portId)).size === ports.length, 'must not name a port twice')
    .meta({ uniqueItems: true });
}

function undoOf(undoes: string | undefined): string {
  return undoes === undefined ? '' : `undo of ${undoes}: `;
}

const ofVswitch = { host: HostName, vswitch: VswitchName };

/** Operations on many guests, or on a host itself, by workflow type. */
export const HOST_OPERATIONS = {
  wirePorts: operation({
    does: 'wires many ports of many guests at once; each port has its own outcome',
    idPrefix: 'wire-ports',
    input: z.strictObject({
      ...ofHost,
      ports: portsOfGuests(PortRequest.extend({ userid: Userid })),
      ...liveOption,
      ...guestOptions,
    }),
    result: 'wiring',
    summary: ({ host, ports, live }) => {
      const guests = new Set(ports.map((port) => port.userid)).size;
      const when = live ? 'running guests get them now' : 'guests get them at their next logon';
      return `wire ${ports.length} port(s) of ${guests} guest(s) on ${host}; ${when}`;
    },
    found: ({ ports }) => searchTermsOfPorts(ports),
  }),
  restorePorts: operation({
    does: 'takes ports of guests back to what was before an operation; `POST …/operations/{id}/undo` and `zvmnet ops undo` know what that was',
    idPrefix: 'undo',
    input: z.strictObject({
      ...ofHost,
      undoes: Undoes,
      ports: portsOfGuests(RestoredPort.extend({ userid: Userid })),
      force: z
        .boolean()
        .default(false)
        .meta({ description: 'Take them back although something has changed since the operation' }),
      ...guestOptions,
      onlyIf: z.strictObject({ plan: PlanId }).optional(),
    }),
    result: 'ports',
    summary: ({ undoes, ports }) => {
      const guests = [...new Set(ports.map((port) => port.userid))];
      const where = guests.length === 1 ? guests[0] : `${guests.length} guests`;
      return `undo of ${undoes}: ${ports.length} port(s) of ${where}`;
    },
    found: ({ ports }) => searchTermsOfRestored(ports),
  }),
  ensureVswitch: operation({
    does: 'creates a VSWITCH as configured, or changes its uplinks; refuses changes that need a new VSWITCH, and a VSWITCH of an administrator',
    idPrefix: 'vswitch',
    lock: ({ host, vswitch }) => `${host}/${vswitch}`,
    input: z.strictObject({
      ...ofVswitch,
      /** Real devices that it had, for one that is made anew where the configuration names none. */
      hadRdevs: z.array(Rdev).max(3).optional(),
      undoes: Undoes.optional(),
      ...hostOptions,
    }),
    result: 'steps',
    summary: ({ host, vswitch, undoes }) => `${undoOf(undoes)}ensure VSWITCH ${vswitch} on ${host}`,
    found: ({ vswitch }) => ({ portIds: [], vswitches: [vswitch], vlans: [] }),
  }),
  deleteVswitch: operation({
    does: 'deletes a VSWITCH that is not configured and has no foreign NICs or grants',
    idPrefix: 'vswitch',
    lock: ({ host, vswitch }) => `${host}/${vswitch}`,
    input: z.strictObject({
      ...ofVswitch,
      force: z
        .boolean()
        .default(false)
        .meta({ description: 'Delete it even with recorded ports and their coupled NICs' }),
      undoes: Undoes.optional(),
      ...hostOptions,
    }),
    result: 'steps',
    summary: ({ host, vswitch, undoes }) => `${undoOf(undoes)}delete VSWITCH ${vswitch} of ${host}`,
    found: ({ vswitch }) => ({ portIds: [], vswitches: [vswitch], vlans: [] }),
  }),
  ensureDhcp: operation({
    does: "gives the host's DHCP node its NICs on the host's networks",
    idPrefix: 'dhcp',
    lock: ({ host }) => host,
    input: z.strictObject({ ...ofHost, ...guestOptions }),
    result: 'ports',
    summary: ({ host }) => `give the DHCP node of ${host} its NICs`,
  }),
  ensureManagementNetwork: operation({
    does: 'gives the management node its NIC on the management network',
    idPrefix: 'management-network',
    lock: ({ host }) => host,
    input: z.strictObject({ ...ofHost, ...hostOptions }),
    result: 'steps',
    summary: ({ host }) => `ensure the management network of ${host}`,
  }),
  probeHost: operation({
    does: 'asks z/VM what no document answers, on an expendable guest without NICs, and puts everything back',
    idPrefix: 'probe-host',
    lock: ({ host }) => host,
    input: z.strictObject({
      ...ofGuest,
      questions: z
        .array(z.enum(QUESTION_IDS))
        .min(1, 'must name a question')
        .default([...QUESTION_IDS])
        .meta({ description: 'The questions to ask; all by default', uniqueItems: true }),
      vswitch: VswitchName.optional().meta({
        description:
          'A VLAN-aware, user-based VSWITCH to ask on; by default one is made without an uplink, and deleted',
      }),
      mayLogOff: z
        .boolean()
        .default(false)
        .meta({ description: 'The guest may be logged off and on: some questions need it' }),
      ...hostOptions,
    }),
    result: 'probe',
    summary: ({ host, userid }) => `ask z/VM of ${host} on ${userid}`,
    found: ({ vswitch }) => ({ portIds: [], vswitches: vswitch === undefined ? [] : [vswitch], vlans: [] }),
  }),
  migrateHost: operation({
    does: 'brings the record of a host from the backend that it is managed by to its shadow backend, guest by guest; z/VM stays as it is',
    idPrefix: 'migrate-host',
    lock: ({ host }) => host,
    input: z.strictObject({
      ...ofHost,
      to: BackendKind.meta({ description: 'The backend that gets the record: the shadow backend of the host' }),
      userids: z
        .array(Userid)
        .min(1, 'must name a guest')
        .optional()
        .meta({ description: 'The guests; by default all with ports', uniqueItems: true }),
      ...hostOptions,
      onlyIf: z.strictObject({ plan: PlanId }).optional(),
    }),
    result: 'migration',
    summary: ({ host, to, userids }) =>
      `bring the record of ${userids === undefined ? host : `${userids.length} guest(s) of ${host}`} to ${serverName(to)}`,
  }),
  reconcileHost: operation({
    does: 'compares a host with its record and repairs drift; by a Schedule, or on request',
    idPrefix: 'reconcile',
    input: z.strictObject({
      ...ofHost,
      dryRun: z.boolean().default(false).meta({ description: 'Only list drift and the steps that would repair it' }),
      /** How often this runs; the sweep of the directory goes by it. */
      intervalSeconds: z.number().positive().default(30),
      /** Each directory entry is read at least so often. */
      sweepSeconds: z.number().positive().default(3_600),
      /** Result of the run before; left out, the Schedule's run before. */
      last: z
        .object({
          checkpoint: z.string(),
          failures: EarlierFailures,
          unreported: z.array(PortId).optional(),
          isUnconfirmed: z.boolean().optional(),
        })
        .optional(),
    }),
    result: 'reconciliation',
    summary: ({ host, dryRun }) => (dryRun ? `compare ${host}` : `reconcile ${host}`),
  }),
  reconcileFleet: operation({
    does: 'reconciles several hosts side by side and sums up their results',
    idPrefix: 'reconcile/fleet',
    input: z.strictObject({
      hosts: z.array(HostName).min(1, 'must name a host'),
      dryRun: z.boolean().default(false).meta({ description: 'Only list drift and the steps that would repair it' }),
      giveUpAfterMinutes: hostOptions.giveUpAfterMinutes.meta({
        description: 'Longest wait for a host without a worker, in minutes; default 60',
      }),
    }),
    result: 'fleet',
    summary: ({ hosts }) => `reconcile ${hosts.length} host(s)`,
  }),
};

/** Readings, by workflow type: they change nothing and are no operations. */
export const READINGS = {
  listVswitches: z.strictObject(ofHost),
  showHost: z.strictObject(ofHost),
  showGuest: z.strictObject(ofGuest),
};
