import type { GuestState } from '../guest/guest.ts';
import { authorizationText, namesAccess } from '../guest/nicdef-authorization.ts';
import { directoryAuthorizes, type HostCapabilities } from '../host/host-capabilities.ts';
import type { Finding } from './finding.ts';

/** NICDEFs that name VLANs or port types where z/VM does not heed them, or nobody knows whether it does: what they say is not what a NIC gets. */
export function misleadingNicdefs(
  { userid, directory }: Pick<GuestState, 'userid' | 'directory'>,
  capabilities: HostCapabilities | undefined,
): Finding[] {
  const value = capabilities?.directoryNetworkAuthorization;
  const isAbsent = value === undefined || (value.state === 'known' && value.value === 'absent');
  if (isAbsent || directoryAuthorizes(capabilities)) return [];
  const why = value.state === 'known' ? `is ${value.value}` : 'is not known';
  return directory.flatMap(({ vdev, authorization = {} }) => {
    if (!namesAccess(authorization)) return [];
    const reason = `it names ${authorizationText(authorization)}, but directory network authorization ${why}: a grant or a port number counts`;
    return [{ of: `guest ${userid}, NICDEF ${vdev}`, reason }];
  });
}
