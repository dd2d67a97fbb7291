import fc from 'fast-check';
import { expect, test } from 'vitest';
import { carriedOut, type PortChange, type PortState } from '../../chaos/model.ts';
import { type DoneWord, orderOn } from '../../chaos/order.ts';
import { layOut } from '../../chaos/places.ts';
import { macIdOf, type SimulatorEvent } from '../../chaos/simulator.ts';

const place = layOut(1).flatMap((guest) => guest.ports)[0];
if (place === undefined) throw new Error('no port');
const { vswitch, userid, mac } = place;

type Change = Pick<SimulatorEvent, 'type'> & Partial<SimulatorEvent>;

/** All that z/VM logs when a port goes from one state to another: what differs is taken away, then made. */
function changesBetween(from: PortState, to: PortState): Change[] {
  const isCoupled = (state: PortState) => state?.live === true && state.up;
  const isSameNic = from?.live === true && to?.live === true;
  const isSameCoupling = isSameNic && isCoupled(from) && isCoupled(to) && from?.vlan === to?.vlan;
  const statement = `NICDEF 1000 TYPE QDIO${to?.up === true ? ` LAN SYSTEM ${vswitch}` : ''} MACID ${macIdOf(mac)}`;
  const vlans = [to?.vlan ?? 0];
  const changes: (Change | false)[] = [
    isCoupled(from) && !isSameCoupling && { type: 'uncoupled', vdev: '1000', vswitch },
    from?.live === true && !isSameNic && { type: 'nic-removed', vdev: '1000' },
    from !== null && from.up !== to?.up && { type: 'nicdef-removed', vdev: '1000' },
    from !== null && from.vlan !== to?.vlan && { type: 'revoked', vswitch },
    to !== null && from?.vlan !== to.vlan && { type: 'granted', vswitch, vlans },
    to !== null && from?.up !== to.up && { type: 'nicdef-added', vdev: '1000', statement },
    to?.live === true && !isSameNic && { type: 'nic-defined', vdev: '1000', mac },
    isCoupled(to) && !isSameCoupling && { type: 'coupled', vdev: '1000', vswitch, vlans },
  ];
  return changes.filter((change) => change !== false);
}

/** Carry words out one after the other, in an order, which may differ from that of acceptance. */
function carryOut(
  asks: readonly PortChange[],
  order: readonly number[],
): { words: DoneWord[]; events: SimulatorEvent[] } {
  const events: SimulatorEvent[] = [];
  const words: DoneWord[] = [];
  let state: PortState = null;
  for (const [step, index] of order.entries()) {
    const change = asks[index];
    const after: { state: PortState } | undefined = change === undefined ? undefined : carriedOut(change, state);
    if (change === undefined || after === undefined) continue;
    const time = 1_000 + step * 10;
    for (const change of changesBetween(state, after.state))
      events.push({ seq: events.length + 1, time, userid, ...change });
    state = after.state;
    const reported = state === null ? null : { ...state };
    words.push({ ...wordOf(change, index), endedAt: time + 5, reported });
  }
  return { words, events };
}

function wordOf(change: PortChange, index: number) {
  return {
    workflowId: `operation-${index}`,
    type: change.kind,
    acceptedAt: index,
    change,
    answer: 'carriedOut' as const,
  };
}

/** Words of which each that sets a VLAN has one of its own. */
const words = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant({ kind: 'vlan' } as const) },
      fc.record({ kind: fc.constant('admin' as const), up: fc.boolean() }),
      fc.record({ kind: fc.constant('live' as const), live: fc.boolean() }),
      fc.constant({ kind: 'delete' } as const),
      fc.record({ kind: fc.constant('create' as const), up: fc.constant(true), live: fc.boolean() }),
    ),
    { minLength: 2, maxLength: 25 },
  )
  .map((each) => [{ kind: 'create' as const, up: true, live: true }, ...each])
  .map((each): PortChange[] =>
    each.map((change, index) =>
      change.kind === 'vlan' || change.kind === 'create' ? { ...change, vlan: index + 2 } : change,
    ),
  );

test('words that are carried out in the order of acceptance are never found inverted, and all are seen', () => {
  fc.assert(
    fc.property(words, (asks) => {
      const { words, events } = carryOut(asks, [...asks.keys()]);
      expect(orderOn(place, words, events)).toEqual({ pairs: words.length - 1, unobserved: 0, inversions: [] });
    }),
  );
});

test('two neighbours that both set a VLAN and change places are always found', () => {
  fc.assert(
    fc.property(words, fc.nat(), (asks, at) => {
      const pairs = [...asks.keys()].filter(
        (index) => asks[index]?.kind === 'vlan' && asks[index + 1]?.kind === 'vlan',
      );
      const first = pairs[at % Math.max(1, pairs.length)];
      fc.pre(first !== undefined);
      if (first === undefined) return;
      const order = [...asks.keys()].with(first, first + 1).with(first + 1, first);
      const { words, events } = carryOut(asks, order);
      fc.pre(words.some(({ acceptedAt }) => acceptedAt === first));
      const { inversions } = orderOn(place, words, events);
      expect(inversions.map(({ earlier, later }) => [earlier.acceptedAt, later.acceptedAt])).toEqual([
        [first, first + 1],
      ]);
    }),
  );
});
