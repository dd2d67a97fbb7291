// One page without a build step. Guests are drawn only where they are looked at, so that thousands scroll as well as ten.

const CARD_HEIGHT = 112;
const CARD_WIDTH = 230;
const element = (id) => document.getElementById(id);
const model = { host: '', view: undefined, guests: [], chosen: undefined, vswitch: undefined, source: undefined };

function colourOf(network) {
  if (network.type === 'flat') return '#5f6b7a';
  const vlan = network.type === 'vlan' ? network.segmentationId : network.segmentationIds[0];
  // Neighbouring VLANs get colours that are far apart.
  return `hsl(${Math.round((vlan * 137.508) % 360)} 55% 38%)`;
}

function vlanText(network) {
  if (network.type === 'flat') return 'flat';
  if (network.type === 'vlan') return String(network.segmentationId);
  const ids = network.segmentationIds;
  return ids.length > 3 ? `${ids[0]}…${ids.at(-1)}` : ids.join('+');
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'style') node.style.cssText = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

function headers() {
  const token = sessionStorage.getItem('token');
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function get(path) {
  const answer = await fetch(path, { headers: headers() });
  if (answer.status === 401) {
    await askForToken();
    return get(path);
  }
  if (!answer.ok) throw new Error((await answer.json()).detail ?? answer.statusText);
  return answer.json();
}

function askForToken() {
  const dialog = element('login');
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => {
        sessionStorage.setItem('token', element('token').value);
        resolve();
      },
      { once: true },
    );
  });
}

/** Server-sent events over fetch: EventSource cannot send a token. */
async function follow(host) {
  model.source?.abort();
  const source = new AbortController();
  model.source = source;
  while (!source.signal.aborted) {
    try {
      const answer = await fetch(`/v1/hosts/${encodeURIComponent(host)}/events`, {
        headers: headers(),
        signal: source.signal,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      element('live').classList.add('on');
      let rest = '';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const blocks = (rest + value).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) take(block);
      }
    } catch {
      if (source.signal.aborted) return;
    }
    element('live').classList.remove('on');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

function take(block) {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
  if (fields.data === undefined) return;
  const data = JSON.parse(fields.data);
  if (fields.event === 'state') show(data);
  else if (fields.event === 'operations') showOperations(data);
  else if (fields.event === 'problem') showProblem(data);
}

function showProblem(text) {
  element('problem').hidden = text === null;
  element('problem').textContent = text ?? '';
}

function show(view) {
  model.view = view;
  showSwitches();
  filter();
  if (model.chosen !== undefined) showDetail(model.chosen);
}

function showSwitches() {
  const ports = model.view.guests.flatMap((guest) => guest.ports);
  const nodes = model.view.vswitches.map((vswitch) => {
    const { name, physicalNetwork, portSelection, transport, uplinks, nics, status } = vswitch;
    const count = ports.filter((port) => port.vswitch === name).length;
    const lines =
      uplinks.length === 0
        ? [make('span', { class: 'hint' }, 'no uplink')]
        : uplinks.map((uplink) =>
            make('span', { class: `uplink ${uplink.state}`, title: uplink.error }, `${uplink.rdev} `),
          );
    return make(
      'button',
      {
        class: 'switch',
        'aria-pressed': String(model.vswitch === name),
        'data-vswitch': name,
        title: status ?? '',
        onclick: () => choose(name),
      },
      make('b', {}, name),
      make(
        'small',
        {},
        `${physicalNetwork ?? 'not configured'} · ${portSelection === 'PORTBASED' ? 'port-based' : 'user-based'} · ${transport === 'IP' ? 'layer 3' : 'layer 2'}`,
      ),
      make('small', {}, `${count} ports, ${nics.length} NICs coupled`),
      ...lines,
    );
  });
  element('switches').replaceChildren(...nodes);
}

function choose(name) {
  model.vswitch = model.vswitch === name ? undefined : name;
  showSwitches();
  filter();
}

function textOf(guest) {
  const ports = guest.ports.map(
    (port) =>
      `${port.portId} ${port.mac ?? ''} ${port.vdev ?? ''} ${port.vswitch ?? ''} vlan ${vlanText(port.network)} ${vlanText(port.network)}`,
  );
  return `${guest.userid} ${guest.node} ${ports.join(' ')} ${guest.drift.join(' ')}`.toLowerCase();
}

function filter() {
  const words = element('find')
    .value.toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const drifted = element('drifted').checked;
  const { guests } = model.view;
  model.guests = guests.filter((guest) => {
    if (drifted && guest.drift.length === 0) return false;
    if (model.vswitch !== undefined && !guest.ports.some((port) => port.vswitch === model.vswitch)) return false;
    if (words.length === 0) return true;
    guest.text ??= textOf(guest);
    return words.every((word) => guest.text.includes(word));
  });
  const wired = guests.reduce((sum, guest) => sum + guest.ports.length, 0);
  const bad = guests.filter((guest) => guest.drift.length > 0).length;
  element('counts').textContent = `${model.guests.length} of ${guests.length} guests, ${wired} ports, ${bad} drifted`;
  draw();
}

/** Draw the rows that are in view. */
function draw() {
  const scroll = element('scroll');
  const columns = Math.max(1, Math.floor((scroll.clientWidth - 24) / CARD_WIDTH));
  const rows = Math.ceil(model.guests.length / columns);
  element('space').style.height = `${rows * CARD_HEIGHT + 16}px`;
  const first = Math.max(0, Math.floor(scroll.scrollTop / CARD_HEIGHT) - 2);
  const last = Math.min(rows, Math.ceil((scroll.scrollTop + scroll.clientHeight) / CARD_HEIGHT) + 2);
  const guests = element('guests');
  guests.style.setProperty('--columns', String(columns));
  guests.style.transform = `translateY(${first * CARD_HEIGHT}px)`;
  guests.replaceChildren(...model.guests.slice(first * columns, last * columns).map(card));
}

function card(guest) {
  const nics = guest.ports.map((port) => {
    const apart = port.adminStateUp && port.vswitch !== undefined && port.actual.vlans === null;
    const classes = ['nic', port.adminStateUp ? '' : 'down', apart ? 'apart' : ''].join(' ');
    const coupled = port.actual.coupledTo === null ? '○' : '●';
    return make(
      'button',
      {
        class: classes,
        style: `--vlan: ${colourOf(port.network)}`,
        title: `${port.portId}\n${port.mac ?? 'no MAC'}\n${port.actual.coupledTo === null ? 'not coupled' : `coupled to ${port.actual.coupledTo}`}`,
        onclick: (event) => {
          event.stopPropagation();
          select(guest.userid);
        },
      },
      `${coupled} ${port.vdev ?? '—'} ${port.vswitch ?? 'unwired'} ${vlanText(port.network)}`,
    );
  });
  const foreign = guest.foreignNics.map((nic) =>
    make('span', { class: 'nic foreign', title: 'recorded nowhere' }, `${nic.vdev} ${nic.vswitch}`),
  );
  return make(
    'article',
    {
      class: `guest ${guest.drift.length > 0 ? 'drift' : ''} ${model.chosen === guest.userid ? 'chosen' : ''}`,
      'data-userid': guest.userid,
      onclick: () => select(guest.userid),
    },
    make(
      'h3',
      {},
      guest.userid,
      guest.drift.length > 0 ? make('span', { title: guest.drift.join('\n') }, 'drift') : undefined,
    ),
    make(
      'div',
      { class: 'nics' },
      ...nics,
      ...foreign,
      ...(nics.length + foreign.length === 0 ? [make('span', { class: 'hint' }, 'no ports')] : []),
    ),
  );
}

function select(userid) {
  model.chosen = userid;
  showDetail(userid);
  draw();
}

function showDetail(userid) {
  const guest = model.view.guests.find((each) => each.userid === userid);
  if (guest === undefined) return;
  const row = (name, value, bad) =>
    make('tr', {}, make('th', {}, name), make('td', { class: bad ? 'bad' : '' }, value));
  const tables = guest.ports.map((port) => {
    const { vlans, coupledTo } = port.actual;
    return make(
      'table',
      {},
      row('port', port.portId),
      row(
        'recorded',
        `NIC ${port.vdev ?? 'none'} on ${port.vswitch ?? 'no VSWITCH'}, ${port.network.type === 'flat' ? 'flat' : `VLAN ${vlanText(port.network)}`}, ${port.mac ?? 'no MAC'}, ${port.adminStateUp ? 'up' : 'down'}`,
      ),
      row(
        'z/VM has',
        vlans === null
          ? 'no authorisation'
          : vlans.length === 0
            ? 'authorised without VLAN'
            : `authorised with VLAN ${vlans.join(', ')}`,
        vlans === null,
      ),
      row('NIC', coupledTo === null ? 'not coupled' : `coupled to ${coupledTo}`),
      row('history', make('a', { href: `/v1/operations?port=${port.portId}` }, 'operations of this port')),
    );
  });
  element('detail').replaceChildren(
    make('h3', {}, `${guest.userid} (node ${guest.node})`),
    ...guest.drift.map((line) => make('p', { class: 'bad' }, line)),
    ...tables,
  );
}

function showOperations(operations) {
  element('operations').replaceChildren(
    ...operations.map((operation) => {
      const { type, userid, state, outcome, startedAt, run } = operation;
      const name = `${type}${userid === undefined ? '' : ` ${userid}`}`;
      const word = state === 'running' ? 'running' : (outcome ?? state);
      const title =
        run === undefined
          ? make('span', {}, name)
          : make('a', { href: run, target: '_blank', rel: 'noreferrer' }, name);
      return make(
        'li',
        {},
        make('span', {}, title, make('br'), make('small', {}, new Date(startedAt).toLocaleTimeString())),
        make('span', { class: `state ${word}` }, word),
      );
    }),
  );
}

async function start() {
  const { hosts } = await get('/v1/hosts');
  const wanted = new URLSearchParams(location.search).get('host');
  element('host').replaceChildren(...hosts.map(({ host }) => make('option', { value: host }, host)));
  const first = hosts.find(({ host }) => host === wanted) ?? hosts[0];
  if (first === undefined) return showProblem('this gateway serves no host that you may read');
  const open = (host) => {
    model.host = host;
    model.chosen = undefined;
    history.replaceState(null, '', `?host=${encodeURIComponent(host)}`);
    void follow(host);
  };
  element('host').value = first.host;
  element('host').addEventListener('change', (event) => open(event.target.value));
  element('find').addEventListener('input', () => model.view !== undefined && filter());
  element('drifted').addEventListener('change', () => model.view !== undefined && filter());
  element('scroll').addEventListener('scroll', () => requestAnimationFrame(draw), { passive: true });
  window.addEventListener('resize', () => model.view !== undefined && draw());
  open(first.host);
}

start().catch((error) => showProblem(error.message));
