import { colourOf } from './colours.js';
import { element, keepingFocus, make } from './dom.js';
import { stateText, vlanText } from './host.js';

/** What is known of what is chosen: of a guest its record beside z/VM, and its operations. */
export function showDetails(state, actions) {
  const { host, chosen } = state;
  const guest = host.guests.find(({ userid }) => userid === chosen.guest);
  const vswitch = host.vswitches.find(({ name }) => name === chosen.vswitch);
  const content =
    guest !== undefined
      ? guestDetails(guest, state, actions)
      : vswitch !== undefined
        ? vswitchDetails(vswitch, state, actions)
        : chosen.vlan !== ''
          ? vlanDetails(chosen.vlan, state, actions)
          : hostDetails(state);
  const detail = element('detail');
  keepingFocus(detail, () => detail.replaceChildren(...content.filter(Boolean)));
}

function hostDetails({ host }) {
  const { view, guests, ports, drifted, vlans, vswitches } = host;
  return [
    make('h2', {}, `z/VM system ${view.host}`),
    facts([
      ['VSWITCHes', String(vswitches.length)],
      ['Guests', String(guests.length)],
      ['Ports', String(ports)],
      ['VLANs', String(vlans.size)],
      ['Drifted guests', String(drifted), drifted > 0],
      ['z/VM started', view.iplTime ?? 'not known'],
    ]),
    make(
      'p',
      { class: 'soft' },
      'Choose a guest, a NIC, a VSWITCH or a VLAN. Keys: / to search, arrows between guests, Escape to go back.',
    ),
  ];
}

function guestDetails(guest, state, actions) {
  const { fullGuest } = state;
  const full = fullGuest?.userid === guest.userid ? fullGuest : undefined;
  return [
    heading(guest.userid, actions),
    make(
      'p',
      { class: 'soft' },
      guest.outside ? 'a guest that xCAT has not under this zHCP' : `node ${guest.node}`,
      full === undefined ? '' : full.loggedOn ? ' · logged on' : ' · logged off',
    ),
    ...guest.drift.map((text) => make('p', { class: 'bad' }, text)),
    ...guest.nics.map((nic) => nicDetails(nic, guest, full, state, actions)),
    guest.nics.length === 0 && make('p', { class: 'soft' }, 'It has no NICs.'),
    ...plannedSteps(full, guest, state),
    make(
      'p',
      {},
      button('show', 'Show only this guest', () => actions.find(guest.userid.toLowerCase())),
    ),
    make('h3', {}, `Operations of ${chosenOf(state)}`),
    ...chosenOperations(state),
  ];
}

function heading(text, { clear }) {
  return make(
    'h2',
    {},
    text,
    make('button', { class: 'close', 'aria-label': 'Close', 'data-focus': 'close', onclick: clear }, '×'),
  );
}

function nicDetails(nic, guest, full, { chosen, host }, { choose }) {
  const open = chosen.nic === nic.key;
  const title = make(
    'button',
    {
      class: 'nic',
      'aria-expanded': String(open),
      'data-focus': `nic ${nic.key}`,
      style: `--vlan: ${nic.kind === 'foreign' ? 'var(--foreign)' : colourOf(nic.vlans[0])}`,
      onclick: () => choose({ guest: nic.userid, nic: open ? '' : nic.key }),
    },
    make('i', {}),
    make('b', {}, nic.vdev ?? 'no vdev'),
    make('span', {}, `${nic.vswitch ?? 'no VSWITCH'} · ${vlanText(nic)}`),
    make('span', { class: nic.drift.length > 0 ? 'bad' : 'soft' }, stateText(nic) || 'coupled'),
  );
  if (!open) return title;
  return make(
    'section',
    { class: 'open' },
    title,
    ...nic.drift.filter((text) => !guest.drift.includes(text)).map((text) => make('p', { class: 'bad' }, text)),
    sideBySide(nic, full, host),
  );
}

/** Record, directory, the running guest and the VSWITCH's authorisation, side by side. */
function sideBySide(nic, full, host) {
  const { port } = nic;
  const directory = full?.actual.directory.find(({ vdev }) => vdev === nic.vdev);
  const live = full?.actual.live.find(({ vdev }) => vdev === nic.vdev);
  const authorisation = authorisationOf(nic, host, directory?.portNumber);
  const wait = full === undefined ? '…' : '—';
  const rows = [
    ['VSWITCH', port?.vswitch, directory?.vswitch ?? (directory && 'none'), live?.vswitch ?? (live && 'not coupled')],
    ['MAC', port?.mac, directory?.macId, live?.mac],
    ['Port no.', undefined, directory?.portNumber, authorisation?.portNumber],
  ];
  const table = make(
    'table',
    {},
    make(
      'thead',
      {},
      make('tr', {}, ...['', 'Record', 'Directory', 'Running'].map((text) => make('th', { scope: 'col' }, text))),
    ),
    make(
      'tbody',
      {},
      ...rows.map(([name, record, inDirectory, running]) =>
        make(
          'tr',
          {},
          make('th', { scope: 'row' }, name),
          make('td', {}, String(record ?? '—')),
          make('td', {}, String(inDirectory ?? wait)),
          make('td', {}, String(running ?? wait)),
        ),
      ),
    ),
  );
  const granted =
    nic.vswitch === undefined
      ? 'none: not wired'
      : authorisation === undefined
        ? 'none'
        : authorisation.vlans.length === 0
          ? 'without VLAN'
          : `VLAN ${authorisation.vlans.join(', ')}`;
  return make(
    'div',
    {},
    facts([
      ['Port', port?.portId ?? 'none: recorded nowhere', port === undefined],
      [
        'Network',
        nic.kind === 'foreign'
          ? 'not known'
          : nic.kind === 'flat'
            ? 'flat'
            : `${nic.kind === 'trunk' ? 'trunk of VLANs' : 'VLAN'} ${nic.vlans.join(', ')}`,
      ],
      ['Admin state', port === undefined ? 'not known' : port.adminStateUp ? 'up' : 'down'],
      [
        `Authorised${nic.vswitch === undefined ? '' : ` on ${nic.vswitch}`}`,
        granted,
        authorisation === undefined && nic.drift.length > 0,
      ],
    ]),
    table,
  );
}

/** On a port-based VSWITCH the one with the NIC's port number, or else with its VLANs. */
function authorisationOf(nic, { vswitches }, portNumber) {
  const entries = (vswitches.find(({ name }) => name === nic.vswitch)?.authorisations ?? []).filter(
    ({ userid }) => userid === nic.userid,
  );
  if (entries.every((entry) => entry.portNumber === undefined)) return entries[0];
  const wanted = String(nic.vlans);
  return (
    entries.find((entry) => entry.portNumber === portNumber) ?? entries.find(({ vlans }) => String(vlans) === wanted)
  );
}

function plannedSteps(full, { outside }, { fullProblem }) {
  if (outside) return [];
  if (fullProblem !== undefined) return [make('p', { class: 'bad' }, `z/VM's side cannot be shown: ${fullProblem}`)];
  if (full === undefined) return [make('p', { class: 'soft' }, 'reading z/VM …')];
  if (full.inOrder) return [make('p', { class: 'good' }, 'Record and z/VM agree.')];
  const steps = full.steps.map((step) => make('li', {}, step));
  const problems = full.problems.map((problem) => make('p', { class: 'bad' }, problem));
  if (steps.length === 0) return problems;
  return [make('h3', {}, 'Reconciliation would'), make('ol', { class: 'steps' }, ...steps), ...problems];
}

/** Whose operations are shown: the chosen port's, or else the guest's. */
function chosenOf({ chosen: { guest, nic }, host }) {
  const found = host.guests.find(({ userid }) => userid === guest)?.nics.find(({ key }) => key === nic);
  return found?.port === undefined ? guest : `NIC ${found.vdev ?? 'without vdev'} of ${guest}`;
}

function chosenOperations({ chosen, operations, operationsProblem: problem }) {
  if (problem !== undefined) return [make('p', { class: 'bad' }, problem)];
  if (operations?.guest !== chosen.guest || operations.nic !== chosen.nic)
    return [make('p', { class: 'soft' }, 'looking …')];
  if (operations.list.length === 0) return [make('p', { class: 'soft' }, 'none that Temporal still has')];
  return [make('ol', { class: 'operations' }, ...operations.list.map(operationLine))];
}

function vswitchDetails(vswitch, { host }, actions) {
  const { name, missing, physicalNetwork, portSelection, transport, vlanAware, status, uplinks, authorisations, nics } =
    vswitch;
  const own = new Set(
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
function usedBy(virtualDevice, controller) {
  const used = virtualDevice !== undefined && virtualDevice !== '0000';
  return [used && `virtual device ${virtualDevice}`, controller && `controller ${controller}`]
    .filter(Boolean)
    .join(', ');
}

function onlyThese(name, { find }) {
  return make(
    'p',
    {},
    button('show', 'Show only its guests', () => find(`vswitch:${name.toLowerCase()}`)),
  );
}

function vlanDetails(vlan, { host }, actions) {
  const isOn = (nic) => (vlan === 'flat' ? nic.kind === 'flat' : nic.vlans.includes(Number(vlan)));
  const nics = host.guests.flatMap((guest) => guest.nics.filter(isOn));
  const by = [...Map.groupBy(nics, ({ vswitch }) => vswitch ?? 'not wired')].toSorted();
  return [
    heading(vlan === 'flat' ? 'Flat' : `VLAN ${vlan}`, actions),
    facts([
      ['Guests', String(new Set(nics.map(({ userid }) => userid)).size)],
      ...by.map(([name, list]) => [`NICs on ${name}`, String(list.length)]),
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

function facts(rows) {
  return make(
    'dl',
    {},
    ...rows.flatMap(([name, value, bad]) => [make('dt', {}, name), make('dd', { class: bad ? 'bad' : '' }, value)]),
  );
}

function button(key, text, onclick) {
  return make('button', { 'data-focus': key, onclick }, text);
}

/** The host's newest operations. */
export function showOperations(operations) {
  const list = element('operations');
  keepingFocus(list, () =>
    list.replaceChildren(
      ...(operations.length === 0 ? [make('li', { class: 'soft' }, 'none yet')] : operations.map(operationLine)),
    ),
  );
}

/** An operation, linked to its run in the Temporal UI. */
function operationLine({ id, runId, type, userid, state, outcome, startedAt, run }) {
  const name = `${type}${userid === undefined ? '' : ` ${userid}`}`;
  const word = state === 'running' ? 'running' : (outcome ?? state);
  return make(
    'li',
    { 'data-operation': id },
    make(
      'span',
      {},
      run === undefined
        ? name
        : make('a', { href: run, target: '_blank', rel: 'noreferrer', 'data-focus': `run ${runId}` }, name),
      make('br'),
      make('small', {}, new Date(startedAt).toLocaleString()),
    ),
    make('span', { class: `state ${word}` }, word),
  );
}
