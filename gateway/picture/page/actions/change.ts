import type { FullOperation, KnownHost, ListedOperation } from '../api.ts';
import { nameOf } from '../details/operations.ts';
import { type DrawnHost, type Nic, vlanText } from '../host.ts';
import type { Sent } from '../session.ts';

export type Verb = KnownHost['verbs'][number];

/** A network as the API takes it. */
export type Network =
  | { type: 'flat' }
  | { type: 'vlan'; segmentationId: number }
  | { type: 'trunk'; segmentationIds: number[] };

/** Values of the fields that a change asks for. */
export type Values = { network?: Network; vswitch?: string };

/** A request to the API; `plan` is the name of the plan that was shown. */
type Asked = Pick<Sent, 'method' | 'body'> & { path: string };
export type Ask = { values: Values; dryRun: boolean; plan?: string | undefined; reason: string };

/** A change that a person can ask for: its plan is shown before it, and its run after that. */
export type Change = {
  title: string;
  /** The thing that is changed. */
  about: string;
  /** The button that starts it. */
  start: string;
  /** The port's present network and its host's VSWITCHes, for a change that asks for another. */
  network?: { now: Network; vswitch: string; vswitches: readonly string[] };
  /** Said in place of a plan that is made now; `steps` are those of one that was made before. */
  notice?: string;
  steps?: readonly string[];
  /** Said once the gateway has taken a change that is no operation: there is no run to follow. */
  taken?: string;
  /** The change needs a reason. */
  needsReason?: boolean;
  request: (asked: Ask) => Asked;
};

/** The changes that are offered for a NIC. None for one that is recorded nowhere or not readable: it is never touched. */
export function nicChanges(nic: Nic, { view, vswitches }: DrawnHost, isLive: boolean): Change[] {
  const { port, userid, vdev } = nic;
  if (port === undefined || port.unreadable !== undefined || port.network.type === 'unreadable') return [];
  const guest = `/v1/hosts/${encodeURIComponent(view.host)}/guests/${encodeURIComponent(userid)}`;
  const about = `NIC ${vdev ?? 'without vdev'} of ${userid} · ${nic.vswitch ?? 'no VSWITCH'} · ${vlanText(nic)}`;
  const onPort = (method: string, of: string, body?: object) => (asked: Ask) => ({
    ...{ method, path: `${guest}/${of}${queryOf(asked)}` },
    ...(body === undefined ? {} : { body }),
  });
  const network: Change = {
    ...{ title: 'Change the network', about, start: 'Change it' },
    network: {
      now: port.network,
      vswitch: port.vswitch ?? '',
      vswitches: vswitches.filter(({ missing }) => missing !== true).map(({ name }) => name),
    },
    request: (asked) => ({
      method: 'PATCH',
      path: `${guest}/ports/${port.portId}${queryOf(asked)}`,
      body: asked.values,
    }),
  };
  const up: Change = {
    ...{ title: 'Set the port up', about, start: 'Set it up' },
    request: onPort('PATCH', `ports/${port.portId}`, { adminStateUp: true }),
  };
  const down: Change = {
    ...{ title: 'Set the port down', about, start: 'Set it down' },
    request: onPort('PATCH', `ports/${port.portId}`, { adminStateUp: false }),
  };
  const attach: Change = {
    ...{ title: 'Attach the NIC', about, start: 'Attach it' },
    request: onPort('POST', 'nics', { ports: [{ portId: port.portId }] }),
  };
  const detach: Change = {
    ...{ title: 'Detach the NIC', about, start: 'Detach it' },
    request: onPort('DELETE', `nics/${port.portId}`),
  };
  return [network, port.adminStateUp ? down : up, isLive ? detach : attach];
}

/** Compares a host with its record and repairs the difference, beside its Schedule. */
export function reconcileChange(host: string): Change {
  return {
    ...{ title: 'Reconcile now', about: `z/VM system ${host}`, start: 'Repair it' },
    request: ({ dryRun }) => ({
      method: 'POST',
      path: `/v1/hosts/${encodeURIComponent(host)}/reconciliations`,
      body: { dryRun },
    }),
  };
}

/** Holds a host, or ends its hold. */
export function holdChange({ host, hold }: Pick<KnownHost, 'host' | 'hold'>): Change {
  const path = `/v1/hosts/${encodeURIComponent(host)}/hold`;
  const about = `z/VM system ${host}`;
  if (hold !== null)
    return {
      ...{ title: 'Release the host', about, start: 'Release it' },
      notice: 'The operations that wait are carried out, in the order in which they were accepted.',
      taken: 'The host is released.',
      request: () => ({ method: 'DELETE', path }),
    };
  return {
    ...{ title: 'Hold the host', about, start: 'Hold it', needsReason: true },
    notice:
      'Nothing is written to this z/VM until its release. Operations are accepted and wait in order; drift is only reported.',
    taken: 'The host is held.',
    request: () => ({ method: 'POST', path, body: {} }),
  };
}

/** Operations that can be taken back, as far as their type says. */
const UNDOABLE = new Set<string>([
  ...['createPort', 'attachNic', 'changeVlan', 'setAdminState', 'detachNic', 'deletePort', 'setPorts', 'wirePorts'],
  ...['restorePorts', 'ensureVswitch', 'deleteVswitch'],
]);

/** The decisions on the plan that an operation waits with. */
function decisionsOn({ id, awaits, summary = id }: FullOperation): Change[] {
  if (awaits?.kind !== 'approval') return [];
  const { plan, steps, moreSteps, effect } = awaits;
  const interrupts = effect === 'interrupts' ? ' A NIC that is live is off the network for a moment.' : '';
  const shown = moreSteps === 0 ? steps : [...steps, `and ${moreSteps} more`];
  const decide = (way: 'approve' | 'reject') => (asked: Ask) => ({
    method: 'POST',
    path: `/v1/operations/${encodeURIComponent(id)}/${way}`,
    body: { plan, ...(asked.reason === '' ? {} : { reason: asked.reason }) },
  });
  return [
    {
      ...{ title: 'Approve the plan', about: summary, start: 'Approve it', steps: shown },
      notice: `These steps are carried out then.${interrupts}`,
      request: decide('approve'),
    },
    {
      ...{ title: 'Reject the plan', about: summary, start: 'Reject it', steps: shown },
      notice: 'The operation ends then, and none of these steps is carried out.',
      request: decide('reject'),
    },
  ];
}

/**
 * The changes of an operation that these verbs allow: decide on the plan that it waits with, cancel it while it runs, ask once more for what it has
 * not brought about, take back what it has done.
 */
export function operationChanges(operation: FullOperation, verbs: readonly Verb[]): Change[] {
  return [
    ...(verbs.includes('approve') ? decisionsOn(operation) : []),
    ...(verbs.includes(verbOf(operation)) ? ownChanges(operation) : []),
  ];
}

function ownChanges(operation: FullOperation): Change[] {
  const path = `/v1/operations/${encodeURIComponent(operation.id)}`;
  const about = operation.summary ?? nameOf(operation);
  if (operation.state === 'running')
    return [
      {
        ...{ title: 'Cancel the operation', about, start: 'Cancel it' },
        notice: 'Steps that it has carried out are rolled back. One that waits in the queue leaves it.',
        request: () => ({ method: 'POST', path: `${path}/cancel?runId=${operation.runId}` }),
      },
    ];
  const ofRun = (way: string) => (asked: Ask) => ({
    method: 'POST',
    path: `${path}/${way}${queryOf(asked, `runId=${operation.runId}`)}`,
  });
  if (operation.state === 'completed' && operation.outcome === 'changed')
    return UNDOABLE.has(operation.type)
      ? [{ ...{ title: 'Undo the operation', about, start: 'Take it back' }, request: ofRun('undo') }]
      : [];
  const isDone = operation.state === 'completed' && operation.outcome !== 'failed' && operation.outcome !== 'refused';
  return isDone ? [] : [{ ...{ title: 'Retry the operation', about, start: 'Retry it' }, request: ofRun('retry') }];
}

function queryOf({ dryRun, plan }: Ask, ...more: string[]): string {
  const all = [...more, dryRun && 'dryRun=true', plan !== undefined && `plan=${plan}`].filter((part) => part !== false);
  return all.length === 0 ? '' : `?${all.join('&')}`;
}

/** The verb that a change of an operation takes. */
function verbOf({ type }: Pick<ListedOperation, 'type'>): Verb {
  return type.startsWith('reconcile') ? 'reconcile' : 'change';
}
