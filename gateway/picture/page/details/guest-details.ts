import { nicChanges } from '../actions/change.ts';
import type { FullGuest } from '../api.ts';
import { type Child, make } from '../dom.ts';
import { colourOf } from '../drawing/colours.ts';
import { type DrawnGuest, type DrawnHost, type Nic, stateText, vlanText } from '../host.ts';
import { type Actions, button, changeButtons, type Details, facts, heading, may } from './detail-parts.ts';
import { operationLine } from './operations.ts';

/** A guest: its NICs, each with its record beside z/VM, what reconciliation would do, and its operations. */
export function guestDetails(guest: DrawnGuest, state: Details, actions: Actions): Child[] {
  const { fullGuest } = state;
  const full = fullGuest?.userid === guest.userid ? fullGuest : undefined;
  return [
    heading(guest.userid, actions),
    make(
      'p',
      { class: 'soft' },
      ownerText(guest),
      full === undefined ? '' : full.loggedOn ? ' · logged on' : ' · logged off',
      guest.runsOn === undefined ? '' : ` on member ${guest.runsOn}`,
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

function ownerText({ outside, node, belongsTo }: DrawnGuest): string {
  if (belongsTo !== undefined) return `a guest of member ${belongsTo} of the SSI cluster`;
  return outside ? 'a guest that xCAT has not under this zHCP' : `node ${node}`;
}

function nicDetails(
  nic: Nic,
  guest: DrawnGuest,
  full: FullGuest | undefined,
  state: Details,
  actions: Actions,
): HTMLElement {
  const { chosen, host } = state;
  const { choose } = actions;
  const isLive = full?.actual.live.some(({ vdev }) => vdev === nic.vdev) ?? nic.coupledTo !== undefined;
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
    may(state, 'change') && !guest.outside && changeButtons(nicChanges(nic, host, isLive), actions),
  );
}

/** Record, directory, the running guest and the VSWITCH's authorisation, side by side. */
function sideBySide(nic: Nic, full: FullGuest | undefined, host: DrawnHost): HTMLElement {
  const { port } = nic;
  const directory = full?.actual.directory.find(({ vdev }) => vdev === nic.vdev);
  const live = full?.actual.live.find(({ vdev }) => vdev === nic.vdev);
  const authorisation = authorisationOf(nic, host, directory?.portNumber);
  return make(
    'div',
    {},
    facts([
      ['Port', port?.portId ?? 'none: recorded nowhere', port === undefined],
      ['Network', networkText(nic)],
      ['Admin state', port === undefined ? 'not known' : port.adminStateUp ? 'up' : 'down'],
      [
        `Authorised${nic.vswitch === undefined ? '' : ` on ${nic.vswitch}`}`,
        grantedText(nic, authorisation),
        authorisation === undefined && nic.drift.length > 0,
      ],
    ]),
    comparison(nic, full === undefined ? '…' : '—', [
      ['VSWITCH', port?.vswitch, directory?.vswitch ?? (directory && 'none'), live?.vswitch ?? (live && 'not coupled')],
      [
        'VLAN',
        vlansText(nic.vlans),
        vlansText(directory?.authorization?.vlans),
        vlansText(live?.vlans ?? authorisation?.vlans),
      ],
      ['MAC', port?.mac, directory?.macId, live?.mac],
      ['Port no.', undefined, directory?.portNumber, live?.portNumber ?? authorisation?.portNumber],
    ]),
  );
}

function vlansText(vlans: readonly number[] | undefined): string | undefined {
  return vlans === undefined || vlans.length === 0 ? undefined : vlans.join(', ');
}

function networkText({ kind, vlans, written }: Nic): string {
  if (kind === 'foreign') return 'not known';
  if (kind === 'unreadable') return `not readable: "${written}"`;
  if (kind === 'flat') return 'flat';
  return `${kind === 'trunk' ? 'trunk of VLANs' : 'VLAN'} ${vlans.join(', ')}`;
}

type Authorisation = DrawnHost['vswitches'][number]['authorisations'][number];

function grantedText({ vswitch }: Nic, authorisation: Authorisation | undefined): string {
  if (vswitch === undefined) return 'none: not wired';
  if (authorisation === undefined) return 'none';
  return authorisation.vlans.length === 0 ? 'without VLAN' : `VLAN ${authorisation.vlans.join(', ')}`;
}

type Cell = string | number | undefined;

/** A row for each thing that record, directory and running guest have; `wait` stands for what is not known yet. */
function comparison(
  nic: Nic,
  wait: string,
  rows: readonly (readonly [name: string, record: Cell, directory: Cell, live: Cell])[],
): HTMLElement {
  const head = ['', 'Recorded', 'Directory', 'Live'].map((text) => make('th', { scope: 'col' }, text));
  return make(
    'table',
    {},
    make('thead', {}, make('tr', {}, ...head)),
    make(
      'tbody',
      {},
      ...rows.map(([name, record, directory, live]) =>
        make(
          'tr',
          {},
          make('th', { scope: 'row' }, name),
          make('td', {}, String(record ?? '—')),
          ...[directory, live].map((cell) => compared(nic, name, record, cell, wait)),
        ),
      ),
    ),
  );
}

/** A cell beside the recorded one; red where it differs, unless the port is down, which uncouples it, or being changed. */
function compared({ port, inProgress }: Nic, name: string, record: Cell, cell: Cell, wait: string): HTMLElement {
  const differs = record !== undefined && cell !== undefined && plain(name, record) !== plain(name, cell);
  if (!differs || (name === 'VSWITCH' && port?.adminStateUp === false)) return make('td', {}, String(cell ?? wait));
  return make(
    'td',
    { class: inProgress === true ? 'changing' : 'differs' },
    make('span', { 'aria-hidden': true }, '≠ '),
    make('span', { class: 'heard' }, 'differs: '),
    String(cell),
  );
}

/** The part of a cell that counts: the directory has the last half of a MAC alone. */
function plain(name: string, cell: NonNullable<Cell>): string {
  const text = String(cell).toLowerCase();
  return name === 'MAC' ? text.replaceAll(/[^0-9a-f]/g, '').slice(-6) : text;
}

/** On a port-based VSWITCH the one with the NIC's port number, or else with its VLANs. */
function authorisationOf(
  nic: Nic,
  { vswitches }: DrawnHost,
  portNumber: number | undefined,
): Authorisation | undefined {
  const entries = (vswitches.find(({ name }) => name === nic.vswitch)?.authorisations ?? []).filter(
    ({ userid }) => userid === nic.userid,
  );
  if (entries.every((entry) => entry.portNumber === undefined)) return entries[0];
  const wanted = String(nic.vlans);
  return (
    entries.find((entry) => entry.portNumber === portNumber) ?? entries.find(({ vlans }) => String(vlans) === wanted)
  );
}

function plannedSteps(full: FullGuest | undefined, { outside }: DrawnGuest, { fullProblem }: Details): Child[] {
  if (outside) return [];
  if (fullProblem !== undefined) return [make('p', { class: 'bad' }, `z/VM's side cannot be shown: ${fullProblem}`)];
  if (full === undefined) return [make('p', { class: 'soft' }, 'reading z/VM …')];
  if (full.inOrder) return [make('p', { class: 'good' }, 'Record and z/VM agree.')];
  const steps = full.steps.map((step) => make('li', {}, step));
  const problems = full.problems.map((problem) => make('p', { class: 'bad' }, problem));
  if (steps.length === 0) return problems;
  return [make('h3', {}, 'Reconciliation would'), make('ol', { class: 'steps' }, ...steps), ...problems];
}

/** The name over the operations: the chosen port's, or else the guest's. */
function chosenOf({ chosen: { guest, nic }, host }: Details): string {
  const found = host.guests.find(({ userid }) => userid === guest)?.nics.find(({ key }) => key === nic);
  return found?.port === undefined ? guest : `NIC ${found.vdev ?? 'without vdev'} of ${guest}`;
}

function chosenOperations({ chosen, operations, operationsProblem: problem }: Details): Child[] {
  if (problem !== undefined) return [make('p', { class: 'bad' }, problem)];
  if (operations?.guest !== chosen.guest || operations.nic !== chosen.nic)
    return [make('p', { class: 'soft' }, 'looking …')];
  if (operations.list.length === 0) return [make('p', { class: 'soft' }, 'none that Temporal still has')];
  return [make('ol', { class: 'operations' }, ...operations.list.map(operationLine))];
}
