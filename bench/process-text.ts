import type { Place } from './cpu-profile.ts';
import type { CpuByProcess } from './stack.ts';

const MOST_THREADS = 4;

/** CPU time by process, with the dearest threads. */
export function cpuLines({ cpu }: { cpu: CpuByProcess }): string[] {
  return Object.entries(cpu).map(([name, { seconds, threads }]) => {
    const dearest = Object.entries(threads)
      .sort(([, one], [, other]) => other - one)
      .slice(0, MOST_THREADS);
    return `  CPU of ${name}: ${seconds} s (${dearest.map(([thread, of]) => `${thread} ${of} s`).join(', ')})`;
  });
}

/** Where the worker's JavaScript spent its time. */
export function profileLines(profile: readonly Place[]): string[] {
  return profile.map(({ place, seconds }) => `  worker's JavaScript: ${seconds} s in ${place}`);
}
