const derived = new WeakMap();
const outsiders = new Map();

/** A host as it is drawn: VSWITCHes (those too that ports name and z/VM lacks), guests with their NICs, VLANs with how often they occur. */
export function hostOf(view) {
  const known = new Set(view.guests.map(({ userid }) => userid));
  const guests = [...view.guests.map(guestOf), ...outsidersOf(view, known)];
  const nics = guests.flatMap((guest) => guest.nics);
  const vlans = new Map();
  for (const nic of nics) for (const vlan of nic.vlans) vlans.set(vlan, (vlans.get(vlan) ?? 0) + 1);
  return {
    view,
    guests,
    vswitches: vswitchesOf(view, nics),
    vlans: new Map([...vlans].toSorted(([one], [other]) => one - other)),
    flat: nics.filter(({ kind }) => kind === 'flat').length,
    ports: nics.filter(({ port }) => port !== undefined).length,
    drifted: guests.filter(({ drift }) => drift.length > 0).length,
  };
}

/** The same view gives the same guest: what has not changed is not drawn anew. */
function guestOf(view) {
  const known = derived.get(view);
  if (known !== undefined) return known;
  const nics = [
    ...view.ports.map((port) => portNic(view, port)),
    ...view.foreignNics.map((nic) => foreignNic(view, nic)),
  ];
  const guest = {
    userid: view.userid,
    node: view.node,
    nics: nics.toSorted((one, other) => (one.vdev ?? '~').localeCompare(other.vdev ?? '~')),
    drift: view.drift,
    outside: view.outside === true,
  };
  derived.set(view, guest);
  return guest;
}

function portNic({ userid, ports, inProgress = false }, port) {
  const { vdev, network, vswitch, actual, adminStateUp, mac, drift } = port;
  const coupled = actual.coupledTo !== null;
  return {
    key: `${userid}/${port.portId}`,
    userid,
    vdev,
    mac,
    port,
    kind: network.type,
    vlans: vlansOf(network),
    written: network.text,
    vswitch,
    coupledTo: actual.coupledTo ?? undefined,
    state: vswitch === undefined ? 'unwired' : coupled ? 'coupled' : adminStateUp ? 'open' : 'down',
    drift,
    inProgress,
    running: ports.some((other) => other.actual.coupledTo !== null),
  };
}

/** None of a network that nobody can read. */
function vlansOf({ type, segmentationId, segmentationIds }) {
  if (type === 'vlan') return [segmentationId];
  return type === 'trunk' ? segmentationIds : [];
}

function foreignNic({ userid }, { vdev, vswitch, mac }) {
  return {
    key: `${userid}/${vdev}`,
    userid,
    vdev,
    mac,
    kind: 'foreign',
    vlans: [],
    vswitch,
    coupledTo: vswitch,
    state: 'foreign',
    drift: [],
    running: true,
  };
}

/** Guests that are coupled here, but that xCAT has not under this zHCP. */
function outsidersOf(view, known) {
  const nics = view.vswitches.flatMap(({ name, nics }) =>
    nics.filter(({ userid }) => !known.has(userid)).map((nic) => ({ ...nic, vswitch: name })),
  );
  return [...Map.groupBy(nics, ({ userid }) => userid)].map(([userid, foreignNics]) => {
    const key = JSON.stringify(foreignNics);
    if (outsiders.get(userid)?.key !== key)
      outsiders.set(userid, { key, userid, node: '', ports: [], foreignNics, drift: [], outside: true });
    return guestOf(outsiders.get(userid));
  });
}

function vswitchesOf(view, nics) {
  const named = new Set(nics.map(({ vswitch }) => vswitch).filter((name) => name !== undefined));
  const there = new Set(view.vswitches.map(({ name }) => name));
  const missing = [...named]
    .filter((name) => !there.has(name))
    .map((name) => ({
      name,
      missing: true,
      physicalNetwork: null,
      uplinks: [],
      authorisations: [],
      nics: [],
      status: null,
    }));
  const all = [...view.vswitches, ...missing];
  // What is configured stands together, by its physical network.
  return all.toSorted((one, other) => orderOf(one).localeCompare(orderOf(other)));
}

function orderOf({ physicalNetwork, name, missing }) {
  return `${missing ? 1 : physicalNetwork === null ? 2 : 0} ${physicalNetwork ?? ''} ${name}`;
}

/** VLANs in few characters: `100`, `100+101`, `100–104`, `6 VLANs`, `flat`. */
export function vlanText({ kind, vlans }) {
  if (kind === 'foreign') return 'foreign';
  if (kind === 'flat') return 'flat';
  if (kind === 'unreadable') return 'not readable';
  if (vlans.length <= 2) return vlans.join('+');
  const dense = vlans.at(-1) - vlans[0] === vlans.length - 1;
  return dense ? `${vlans[0]}–${vlans.at(-1)}` : `${vlans.length} VLANs`;
}

/** What is to be said of a NIC beside its line. */
export function stateText(nic) {
  if (nic.drift.length > 0) return driftText(nic);
  if (nic.inProgress === true && nic.state === 'open') return 'being changed';
  if (nic.state === 'down') return 'down';
  if (nic.state === 'open') return nic.running ? 'not coupled' : 'not coupled, or logged off';
  if (nic.state === 'unwired') return 'not wired';
  if (nic.state === 'foreign') return 'recorded nowhere';
  return '';
}

function driftText({ port, vswitch, coupledTo }) {
  if (port.unreadable !== undefined) return 'record not readable: left as it is';
  if (coupledTo !== undefined && coupledTo !== vswitch) return `on ${coupledTo}, not ${vswitch}`;
  if (port.actual.vlans === null) return 'not authorised';
  return coupledTo !== undefined && !port.adminStateUp ? 'down, but coupled' : 'drifted';
}

/** A NIC as a sentence, for those who hear the page. */
export function nicSentence(nic) {
  const network = ['vlan', 'trunk'].includes(nic.kind) ? `VLAN ${nic.vlans.join(', ')}` : vlanText(nic);
  const where = nic.vswitch === undefined ? 'on no VSWITCH' : `on ${nic.vswitch}`;
  const state = stateText(nic);
  return `NIC ${nic.vdev ?? 'without vdev'}, ${network}, ${where}${state === '' ? ', coupled' : `, ${state}`}`;
}
