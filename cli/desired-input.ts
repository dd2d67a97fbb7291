import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type NamedText, readDesiredHosts } from '../client/desired-file.ts';
import { PortFileError } from '../client/port-file-problems.ts';
import { readHostView } from '../client/read-state.ts';
import { changesOf, type HostChanges } from '../domain/host/desired-changes.ts';
import type { DesiredHost } from '../domain/host/desired-host.ts';
import type { HostView } from '../domain/host/host-view.ts';
import type { HostName } from '../domain/text/identifiers.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { nameOfInput, readInput } from './input-file.ts';
import type { Session } from './session.ts';

const IS_DESIRED_FILE = /\.(ya?ml|json)$/;

/** The hosts that a file says, or all files of a folder. Throws a CommandFailure with each mistake. */
async function readDesired(session: Session, path: string): Promise<DesiredHost[]> {
  const texts: NamedText[] = [];
  for (const file of await filesOf(path)) {
    let text = '';
    for await (const piece of readInput(file, session.signal)) text += piece;
    texts.push({ name: nameOfInput(file), text });
  }
  try {
    const hosts = readDesiredHosts(texts);
    if (hosts.length > 0) return hosts;
    throw new CommandFailure(EXIT.usage, `${nameOfInput(path)} says no host`);
  } catch (error) {
    if (!(error instanceof PortFileError)) throw error;
    throw new CommandFailure(EXIT.usage, error.message);
  }
}

/** Files of a folder and its folders, in the order of their names; hidden ones are no desired state. */
async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  const inside = entries
    .filter(({ name }) => !name.startsWith('.'))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(async (entry) => {
      if (entry.isDirectory()) return filesOf(join(path, entry.name));
      return IS_DESIRED_FILE.test(entry.name) ? [join(path, entry.name)] : [];
    });
  return (await Promise.all(inside)).flat();
}

/** Hosts as they are now, in the order of their names. */
export async function readHosts(session: Session, names: readonly HostName[]): Promise<HostView[]> {
  const client = await session.client();
  for (const host of names) await session.readable(host);
  return Promise.all(
    names.toSorted().map((host) => session.read(host, readHostView(client, host, session.generation))),
  );
}

/** The differences of all hosts of a file from what is. */
export async function readChanges(session: Session, path: string, prune: boolean): Promise<HostChanges[]> {
  const desired = await readDesired(session, path);
  for (const { host } of desired) await session.known(host);
  const views = await readHosts(
    session,
    desired.map(({ host }) => host),
  );
  return views.flatMap((view) =>
    desired.filter(({ host }) => host === view.host).map((one) => changesOf(one, view, prune)),
  );
}
