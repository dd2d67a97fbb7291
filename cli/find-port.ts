import { readHostView } from '../client/read-state.ts';
import type { HostView, PortView } from '../domain/host/host-view.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import type { Session } from './session.ts';

const SHORTEST = 4;

/** The present state of a host. Throws a CommandFailure when it cannot be read. */
export async function readHost(session: Session): Promise<HostView> {
  const host = await session.hostToRead();
  return session.read(host, readHostView(await session.client(), host, session.generation));
}

/**
 * The recorded port with this id, or with these first characters of it, at least four. Throws a CommandFailure when there is none, or
 * several.
 */
export function findPort({ host, guests }: HostView, words: string): PortView {
  const start = words.toLowerCase();
  if (start.length < SHORTEST || !/^[0-9a-f-]+$/.test(start))
    throw new CommandFailure(EXIT.usage, `${words} is not a port id, nor its first characters (at least ${SHORTEST})`);
  const found = guests.flatMap(({ ports }) => ports.filter(({ portId }) => portId.startsWith(start)));
  const [port, ...others] = found;
  if (port === undefined) throw new CommandFailure(EXIT.notFound, `${host} has no recorded port ${words}.`);
  if (others.length > 0)
    throw new CommandFailure(
      EXIT.usage,
      `${words} matches ${found.length} ports:\n${found
        .slice(0, 10)
        .map((each) => `  ${each.portId} of ${each.userid}`)
        .join('\n')}`,
    );
  return port;
}
