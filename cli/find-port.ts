import { readHostView } from '../client/read-state.ts';
import type { HostView, PortView } from '../domain/host/host-view.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import type { Session } from './session.ts';

const SHORTEST = 4;

/** A host's state as it is now. Throws a CommandFailure when it cannot be read. */
export async function readHost(session: Session): Promise<HostView> {
  const host = await session.hostToRead();
  return session.read(host, readHostView(await session.client(), host, session.generation));
}

/**
 * The recorded port that is meant by an id or by its first characters, at least four. Throws a CommandFailure when there is none, or
 * several.
 */
export function findPort({ host, guests }: HostView, words: string): PortView {
  const start = words.toLowerCase();
  if (start.length < SHORTEST || !/^[0-9a-f-]+$/.test(start))
    throw new CommandFailure(
      EXIT.usage,
      `${words}: a port is named by its id, or by the first characters of it (at least ${SHORTEST})`,
    );
  const found = guests.flatMap(({ ports }) => ports.filter(({ portId }) => portId.startsWith(start)));
  const [port, ...others] = found;
  if (port === undefined) throw new CommandFailure(EXIT.notFound, `No port ${words} is recorded on ${host}.`);
  if (others.length > 0)
    throw new CommandFailure(
      EXIT.usage,
      `${words} is the beginning of ${found.length} ports:\n${found
        .slice(0, 10)
        .map((each) => `  ${each.portId} of ${each.userid}`)
        .join('\n')}`,
    );
  return port;
}
