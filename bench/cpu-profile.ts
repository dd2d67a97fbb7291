import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Profile = z.object({
  nodes: z.array(z.object({ id: z.number(), callFrame: z.object({ functionName: z.string(), url: z.string() }) })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** V8's CPU profile of one thread, as far as it is read here. */
export type CpuProfile = z.infer<typeof Profile>;

/** Where CPU time goes: a package, a folder of the project or a part of the engine, and seconds of its own time there. */
export type Place = { place: string; seconds: number };

const NOT_BUSY = '(idle)';

/** The places where the threads of a process have spent most of their time, by the profiles that Node has written into a folder. */
export async function profilesIn(folder: string, most: number): Promise<Place[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  const profiles = await Promise.all(
    files.map(async (name) => Profile.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))),
  );
  return placesOf(profiles).slice(0, most);
}

/** The time of each place in some profiles, the dearest first. */
export function placesOf(profiles: readonly CpuProfile[]): Place[] {
  const seconds = new Map<string, number>();
  for (const { nodes, samples, timeDeltas } of profiles) {
    const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
    for (const [index, id] of samples.entries()) {
      const place = places.get(id) ?? 'unknown';
      seconds.set(place, (seconds.get(place) ?? 0) + (timeDeltas[index] ?? 0) / 1_000_000);
    }
  }
  return [...seconds]
    .filter(([place]) => place !== NOT_BUSY)
    .map(([place, of]) => ({ place, seconds: Math.round(of * 100) / 100 }))
    .sort((one, other) => other.seconds - one.seconds);
}

function placeOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName.startsWith('(') ? functionName : `built-in ${functionName || 'function'}`;
  if (url.startsWith('node:')) return 'Node';
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (inPackage !== undefined) return inPackage;
  if (url.includes('workflow-bundle')) return 'workflow bundle';
  const folder = url.startsWith('file:') ? url.slice(new URL('..', import.meta.url).href.length) : url;
  return `${folder.split('/')[0] ?? folder}/`;
}
