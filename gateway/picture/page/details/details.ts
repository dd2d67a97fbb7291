import { holdChange, reconcileChange } from '../actions/change.ts';
import type { HostView, KnownHost } from '../api.ts';
import { type Child, element, keepingFocus, make } from '../dom.ts';
import { dayAndTimeText } from '../freshness.ts';
import type { DrawnVswitch, Nic } from '../host.ts';
import { type Actions, button, changeButtons, type Details, facts, heading, may } from './detail-parts.ts';
import { guestDetails } from './guest-details.ts';
import { operationDetails } from './operation-details.ts';

/** Show the details of the chosen guest, VSWITCH or VLAN, or else of the host. */
export function showDetails(state: Details, actions: Actions): void {
  const { host, chosen } = state;
  const guest = host.guests.find(({ userid }) => userid === chosen.guest);
  const vswitch = host.vswitches.find(({ name }) => name === chosen.vswitch);
  const content = () => {
    if (chosen.operation !== '') return operationDetails(state, actions);
    if (guest !== undefined) return guestDetails(guest, state, actions);
    if (vswitch !== undefined) return vswitchDetails(vswitch, state, actions);
    return chosen.vlan === '' ? hostDetails(state, actions) : vlanDetails(chosen.vlan, state, actions);
  };
  const detail = element('detail');
  keepingFocus(detail, () =>
    detail.replaceChildren(...content().filter((part) => part !== undefined && part !== false)),
  );
}

function hostDetails(state: Details, actions: Actions): Child[] {
  const { host } = state;
  const { view, guests, ports, drifted, vlans, vswitches } = host;
  return [
    make('h2', {}, `z/VM system ${view.host}`),
    facts([
      ['VSWITCHes', String(vswitches.length)],
      ['Guests', String(guests.length)],
      ['Ports', String(ports)],
      ['VLANs', String(vlans.size)],
      ['Drifted guests', String(drifted), drifted > 0],
      ['Being changed', String(host.changing)],
      ['z/VM started', view.iplTime ?? 'not known'],
      ...capabilityFacts(view.capabilities),
    ]),
    state.known?.hold ? make('p', { class: 'bad' }, heldText(state.known.hold)) : undefined,
    changeButtons(
      [
        ...(may(state, 'reconcile') ? [reconcileChange(view.host)] : []),
        ...(state.known !== undefined && may(state, 'change') ? [holdChange(state.known)] : []),
      ],
      actions,
    ),
    ...behaviourFacts(view.behaviour ?? []),
    make(
      'p',
      { class: 'soft' },
      'Choose a guest, a NIC, a VSWITCH or a VLAN. Keys: / to search, arrows between guests, Escape to go back.',
    ),
  ];
}

/** Until the release nothing is written to the host. */
function heldText({ by, reason, since, until }: NonNullable<KnownHost['hold']>): string {
  const end = until === undefined ? '' : `, until ${dayAndTimeText(until)}`;
  return `Held by ${by} since ${dayAndTimeText(since)}${end}${reason === undefined ? '' : `: ${reason}`}. Nothing is written to it.`;
}

function behaviourFacts(behaviour: readonly [name: string, value: string][]): Child[] {
  if (behaviour.length === 0) return [];
  return [make('h3', {}, 'How this z/VM behaves'), facts([...behaviour])];
}

type Capabilities = NonNullable<HostView['capabilities']>;

function capabilityFacts(capabilities: Capabilities | undefined): [name: string, value: string][] {
  if (capabilities === undefined) return [];
  const text = (value: Capabilities['release' | 'directoryNetworkAuthorization' | 'smcli']): string =>
    value.state === 'unknown' ? 'not known' : `${value.value}${value.from === 'configuration' ? ' (configured)' : ''}`;
  const { release, networkService, directoryNetworkAuthorization, smapiLevel, smcli, ssi } = capabilities;
  const members = (ssi?.members ?? []).map(({ system, zhcp }) => [system, zhcp].filter(Boolean).join(', zHCP '));
  return [
    ['z/VM release', text(release)],
    ['Network service', text(networkService)],
    ['Directory network authorization', text(directoryNetworkAuthorization)],
    ['SMAPI level', text(smapiLevel)],
    ['smcli', text(smcli)],
    ...(ssi === undefined
      ? []
      : [[`SSI cluster ${ssi.name ?? ''}`.trim(), members.join('; ')] satisfies [string, string]]),
  ];
}

function vswitchDetails(vswitch: DrawnVswitch, { host }: Details, actions: Actions): Child[] {
  const { name, missing, physicalNetwork, portSelection, transport, vlanAware, status, uplinks, authorisations, nics } =
    vswitch;
  const own = new Set<string>(
    host.guests.flatMap((guest) => guest.nics.filter(({ port }) => port?.vswitch === name).map(({ userid }) => userid)),
  );
  const unknown = authorisations.filter(({ userid }) => !own.has(userid)).map(({ userid }) => userid);
  if (missing)
    return [
      heading(name, actions),
      make('p', { class: 'bad' }, 'Ports are recorded on this VSWITCH, but z/VM has none of that name.'),
      onlyThese(name, actions),
    ];
  return [
    heading(name, actions),
    facts([
      ['Physical network', physicalNetwork ?? 'not in the configuration'],
      ['Layer', transport === 'IP' ? '3 (IP)' : '2 (Ethernet)'],
      ['VLANs', vlanAware ? (portSelection === 'PORTBASED' ? 'aware, by port number' : 'aware, by userid') : 'unaware'],
      ['CP says', status ?? 'nothing'],
      ['NICs coupled', String(nics.length)],
      ['Authorisations', String(authorisations.length)],
    ]),
    make('h3', {}, 'Uplinks'),
    uplinks.length === 0 && make('p', { class: 'soft' }, 'none: for guests of this host alone'),
    ...uplinks.map(({ rdev, state, error, virtualDevice, controller }) =>
      make(
        'p',
        { class: state === 'inactive' ? 'bad' : '' },
        make('b', {}, `OSA ${rdev}`),
        ` ${state}${error === undefined ? '' : `: ${error}`}`,
        make('br'),
        make('small', {}, usedBy(virtualDevice, controller)),
      ),
    ),
    unknown.length > 0 && make('h3', {}, 'Authorised without a port'),
    unknown.length > 0 && make('p', { class: 'soft' }, [...new Set(unknown)].slice(0, 40).join(', ')),
    onlyThese(name, actions),
  ];
}

/** CP has no virtual device for an uplink that is not used. */
function usedBy(virtualDevice: string | undefined, controller: string | undefined): string {
  const used = virtualDevice !== undefined && virtualDevice !== '0000';
  return [used && `virtual device ${virtualDevice}`, controller && `controller ${controller}`]
    .filter(Boolean)
    .join(', ');
}

function onlyThese(name: string, { find }: Actions): HTMLElement {
  return make(
    'p',
    {},
    button('show', 'Show only its guests', () => find(`vswitch:${name.toLowerCase()}`)),
  );
}

function vlanDetails(vlan: string, { host }: Details, actions: Actions): Child[] {
  const isOn = (nic: Nic) => (vlan === 'flat' ? nic.kind === 'flat' : nic.vlans.includes(Number(vlan)));
  const nics = host.guests.flatMap((guest) => guest.nics.filter(isOn));
  const by = [...Map.groupBy(nics, ({ vswitch }) => vswitch ?? 'not wired')].toSorted();
  return [
    heading(vlan === 'flat' ? 'Flat' : `VLAN ${vlan}`, actions),
    facts([
      ['Guests', String(new Set(nics.map(({ userid }) => userid)).size)],
      ...by.map(([name, list]) => [`NICs on ${name}`, String(list.length)] as const),
      [
        'Drifted',
        String(nics.filter(({ drift }) => drift.length > 0).length),
        nics.some(({ drift }) => drift.length > 0),
      ],
    ]),
    make(
      'p',
      {},
      button('show', 'Show only its guests', () => actions.find(vlan === 'flat' ? 'is:flat' : `vlan:${vlan}`)),
    ),
  ];
}
