/** Random numbers that repeat with their seed. */
export type Random = {
  /** At least 0, below 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** A name, chosen by the weights. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  shuffled<Item>(items: readonly Item[]): Item[];
  /** A separate sequence of the same seed, so that one part of a run does not shift the numbers of another. */
  branch(name: string): Random;
};

/** Random numbers from a seed; `name` distinguishes the sequences of one seed. */
export function randomFrom(seed: number, name = ''): Random {
  let state = hash(`${seed}/${name}`);
  // Mulberry32 is small and good enough for this choice.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (items) => items[between(0, items.length - 1)] ?? items[0],
    weighted: (weights) => weighted(weights, next()),
    shuffled: (items) =>
      items
        .map((item) => ({ item, at: next() }))
        .toSorted((one, other) => one.at - other.at)
        .map(({ item }) => item),
    branch: (branch) => randomFrom(seed, `${name}/${branch}`),
  };
}

function weighted<Name extends string>(weights: Readonly<Record<Name, number>>, share: number): Name {
  const names = Object.keys(weights) as Name[];
  let left = share * names.reduce((sum, name) => sum + weights[name], 0);
  for (const name of names) {
    left -= weights[name];
    if (left < 0) return name;
  }
  const [first] = names;
  if (first === undefined) throw new Error('there is nothing to choose from');
  return first;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}
