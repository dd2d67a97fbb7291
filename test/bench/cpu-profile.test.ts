import { expect, test } from 'vitest';
import { placesOf } from '../../bench/cpu-profile.ts';

const node = (id: number, functionName: string, url: string) => ({ id, callFrame: { functionName, url } });

test('the time of a profile is told by package, folder and part of the engine, the dearest first, without idle time', () => {
  const root = new URL('../../', import.meta.url).href;
  const profile = {
    nodes: [
      node(1, '(idle)', ''),
      node(2, 'plan', `${root}domain/planning/planner.ts`),
      node(3, 'encode', `${root}node_modules/@temporalio/worker/lib/worker.js`),
      node(4, '(garbage collector)', ''),
    ],
    samples: [1, 2, 3, 3, 4],
    timeDeltas: [9_000_000, 1_000_000, 2_000_000, 1_000_000, 500_000],
  };
  expect(placesOf([profile])).toEqual([
    { place: '@temporalio/worker', seconds: 3 },
    { place: 'domain/', seconds: 1 },
    { place: '(garbage collector)', seconds: 0.5 },
  ]);
});
