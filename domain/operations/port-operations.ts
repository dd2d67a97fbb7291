import { z } from 'zod';
import { defined } from '../defined.ts';
import { describeNetwork } from '../port/port.ts';
import { PortId, VswitchName } from '../text/identifiers.ts';
import { Network } from '../vswitch/network.ts';
import { operationOnGuest } from './operation-definition.ts';
import {
  AttachedPort,
  type KnownPort,
  liveOption,
  MOST_PORTS_OF_GUEST,
  ofGuest,
  PortRequest,
  portOptions,
} from './requests.ts';

/** At least one port, and as many as one operation changes. */
function some<Port extends z.ZodType>(port: Port) {
  return z
    .array(port)
    .min(1, 'must name a port')
    .max(MOST_PORTS_OF_GUEST, `must name at most ${MOST_PORTS_OF_GUEST} ports`);
}

/** The ports of `setPorts`. */
export const portsToSet = {
  ports: z.array(PortRequest).max(MOST_PORTS_OF_GUEST, `must name at most ${MOST_PORTS_OF_GUEST} ports`),
  remove: z
    .array(PortId)
    .max(MOST_PORTS_OF_GUEST, `must name at most ${MOST_PORTS_OF_GUEST} ports`)
    .default([])
    .meta({ description: 'Ports to delete' }),
  ...liveOption,
};

/** Operations on the ports of one guest, by workflow type. */
export const PORT_OPERATIONS = {
  createPort: operationOnGuest({
    does: 'creates a port: record, authorisation on its VSWITCH, user directory. The guest has it at its next logon',
    idPrefix: 'create-port',
    input: z.strictObject({ ...ofGuest, ...PortRequest.shape, ...portOptions }),
    summary: ({ userid, portId, vswitch, network }) =>
      `create port ${portId} of ${userid} on ${vswitch}, ${describeNetwork(network)}`,
    portIds: ({ portId }) => [portId],
    change: (request) => ({ kind: 'createPort', port: portOf(request) }),
  }),
  attachNic: operationOnGuest({
    does: 'makes ports live on the running guest, one or several at once; creates missing ports',
    idPrefix: 'attach-nic',
    input: z.strictObject({
      ...ofGuest,
      ports: some(AttachedPort),
      ...portOptions,
    }),
    summary: ({ userid, ports }) =>
      `attach ${namesOf(ports.map(({ portId }) => portId))} to running ${userid}${placeOf(ports)}`,
    portIds: ({ ports }) => ports.map(({ portId }) => portId),
    change: ({ ports }) => ({ kind: 'attachNic', ports }),
  }),
  changeVlan: operationOnGuest({
    does: 'changes the network of a port: a VLAN, a trunk, or flat; with `vswitch` also its VSWITCH',
    idPrefix: 'change-vlan',
    input: z.strictObject({
      ...ofGuest,
      portId: PortId,
      network: Network,
      vswitch: VswitchName.optional().meta({ description: "The VSWITCH to move to; default: the port's own" }),
      ...portOptions,
    }),
    summary: ({ userid, portId, network, vswitch }) =>
      `put port ${portId} of ${userid} on ${describeNetwork(network)}${vswitch === undefined ? '' : ` of ${vswitch}`}`,
    portIds: ({ portId }) => [portId],
    change: ({ portId, network, vswitch }) => ({
      ...{ kind: 'changeVlan', portId, network },
      ...defined({ vswitch }),
    }),
  }),
  setAdminState: operationOnGuest({
    does: 'sets a port down or up: down uncouples its NIC, now and at the next logon; up couples it',
    idPrefix: 'admin-state',
    input: z.strictObject({ ...ofGuest, portId: PortId, adminStateUp: z.boolean(), ...portOptions }),
    summary: ({ userid, portId, adminStateUp }) => `set port ${portId} of ${userid} ${adminStateUp ? 'up' : 'down'}`,
    portIds: ({ portId }) => [portId],
    change: ({ portId, adminStateUp }) => ({ kind: 'setAdminState', portId, adminStateUp }),
  }),
  detachNic: operationOnGuest({
    does: 'detaches NICs from the running guest; the ports stay',
    idPrefix: 'detach-nic',
    input: z.strictObject({ ...ofGuest, portIds: some(PortId), ...portOptions }),
    summary: ({ userid, portIds }) => `detach ${namesOf(portIds)} from running ${userid}`,
    portIds: ({ portIds }) => portIds,
    change: ({ portIds }) => ({ kind: 'detachNic', portIds }),
  }),
  deletePort: operationOnGuest({
    does: 'deletes a port: record, authorisation and NIC, except what other ports of the guest need',
    idPrefix: 'delete-port',
    input: z.strictObject({ ...ofGuest, portId: PortId, ...portOptions }),
    summary: ({ userid, portId }) => `delete port ${portId} of ${userid}`,
    portIds: ({ portId }) => [portId],
    change: ({ portId }) => ({ kind: 'deletePort', portId }),
    route: { method: 'delete', path: '/v1/hosts/{host}/guests/{userid}/ports/{portId}' },
  }),
  setPorts: operationOnGuest({
    does: 'makes ports of a guest as they are given, new ones and those that differ, and deletes others, all together or none; ports that are not named stay',
    idPrefix: 'set-ports',
    input: z
      .strictObject({ ...ofGuest, ...portsToSet, ...portOptions })
      .refine(({ ports, remove }) => ports.length + remove.length > 0, { path: ['ports'], error: 'must name a port' })
      .refine(({ ports, remove }) => isUnique([...ports.map(({ portId }) => portId), ...remove]), {
        path: ['ports'],
        error: 'must not name a port twice',
      }),
    summary: ({ userid, ports, remove }) => {
      const set = ports.length === 0 ? [] : [`set ${namesOf(ports.map(({ portId }) => portId))}`];
      const deleted = remove.length === 0 ? [] : [`delete ${namesOf(remove)}`];
      return `${[...set, ...deleted].join(' and ')} of ${userid}${remove.length === 0 ? placeOf(ports) : ''}`;
    },
    portIds: ({ ports, remove }) => [...ports.map(({ portId }) => portId), ...remove],
    change: ({ ports, remove, live }) => ({
      ...{ kind: 'setPorts', ports, live, asked: true },
      ...(remove.length === 0 ? {} : { removed: remove }),
    }),
  }),
  modernizeGuest: operationOnGuest({
    does: 'moves a guest from grants and port numbers to its directory entry: VLANs stand in its NICDEFs first, then the grants go',
    idPrefix: 'modernize',
    input: z.strictObject({ ...ofGuest, ...portOptions }),
    summary: ({ userid }) => `move ${userid} from its grants to its directory entry`,
    portIds: () => [],
    change: () => ({ kind: 'modernize' }),
  }),
};

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

/** The port among the fields of a request. */
function portOf(request: PortRequest): PortRequest {
  const fields = Object.keys(PortRequest.shape);
  return Object.fromEntries(Object.entries(request).filter(([field]) => fields.includes(field))) as PortRequest;
}

function namesOf(portIds: readonly PortId[]): string {
  const [first = ''] = portIds;
  return portIds.length === 1 ? `port ${first}` : `${portIds.length} ports (${first}, …)`;
}

/** A single new port has its VSWITCH and network in the summary; of several, each has its own. */
function placeOf(ports: readonly (PortRequest | KnownPort)[]): string {
  const [port] = ports;
  if (ports.length > 1 || port === undefined || !('vswitch' in port)) return '';
  return ` on ${port.vswitch}, ${describeNetwork(port.network)}`;
}
