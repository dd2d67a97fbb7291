import { UsageError } from '../../command-line/program.ts';

/** How long a call to the management node takes before anything is done. */
export type Latency =
  | { distribution: 'fixed'; ms: number }
  | { distribution: 'uniform'; fromMs: number; toMs: number }
  /** Most calls near the median, some much longer: what a busy management node shows. */
  | { distribution: 'lognormal'; medianMs: number; sigma: number };

/** A source of numbers from 0 up to 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The milliseconds of one call. */
export function drawLatency(latency: Latency, random: () => number): number {
  switch (latency.distribution) {
    case 'fixed':
      return latency.ms;
    case 'uniform':
      return latency.fromMs + random() * (latency.toMs - latency.fromMs);
    case 'lognormal': {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return latency.medianMs * Math.exp(latency.sigma * normal);
    }
  }
}

/** Reads `500`, `uniform:200:800` or `lognormal:500:0.4`. Throws an Error on anything else. */
export function parseLatency(text: string): Latency {
  const [kind = '', ...rest] = text.split(':');
  const numbers = (rest.length === 0 ? [kind] : rest).map(Number);
  const [first = Number.NaN, second = Number.NaN] = numbers;
  const valid = numbers.every((number) => number >= 0);
  if (valid && rest.length === 0) return { distribution: 'fixed', ms: first };
  if (valid && rest.length === 2 && kind === 'uniform' && first <= second)
    return { distribution: 'uniform', fromMs: first, toMs: second };
  if (valid && rest.length === 2 && kind === 'lognormal')
    return { distribution: 'lognormal', medianMs: first, sigma: second };
  throw new UsageError(`--latency ${text}: must be MS, uniform:MS:MS or lognormal:MEDIAN_MS:SIGMA`);
}
