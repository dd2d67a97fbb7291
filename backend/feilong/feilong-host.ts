import type { Finding } from '../../domain/drift/finding.ts';
import type { DownPorts } from '../../domain/host/checkpoint.ts';
import type { ConfiguredRules } from '../../domain/host/host.ts';
import { type PortId, Userid } from '../../domain/text/identifiers.ts';
import { BackendError } from '../backend-error.ts';
import { createDirectoryEntries, type DirectoryEntries } from '../directory-entries.ts';
import { createProbeAnswers, type ProbeAnswers } from '../probe-answers.ts';
import type { Place } from './record/recorded-ports.ts';
import type { FeilongClient, HostAnswer } from './rest/client.ts';

/** One host as Feilong's backend works on it: its rules, the client, and what is known of it from call to call. */
export type FeilongHost = {
  rules: ConfiguredRules;
  feilong: FeilongClient;
  entries: DirectoryEntries;
  answers: ProbeAnswers;
  about: HostMemory;
  /** Where this worker has put ports, and whether they are up. Another worker may have put them elsewhere since: it counts where z/VM agrees. */
  placed: Map<PortId, Place>;
};

/** Put together the parts of a host, with nothing read yet. */
export function createFeilongHost(rules: ConfiguredRules, feilong: FeilongClient): FeilongHost {
  const about = createHostMemory(() => feilong.host());
  return { rules, feilong, entries: createDirectoryEntries(), answers: createProbeAnswers(), about, placed: new Map() };
}

/** Take what an earlier worker has left of ports that are down; what this one has done counts more. */
export function recallDown({ placed }: FeilongHost, ports: DownPorts): void {
  for (const [portId, vswitch] of ports) if (!placed.has(portId)) placed.set(portId, { vswitch, adminStateUp: false });
}

/** The part of GET /host that hardly ever changes, and when z/VM was started; it costs z/VM five calls. */
export type AboutHost = {
  /** Of the server's own guest. */
  userid: Userid;
  release: string | undefined;
  iplTime: string | undefined;
  /** Why it could not be read. */
  findings: readonly Finding[];
};

type HostMemory = {
  /** As it was read last. */
  known(): Promise<AboutHost>;
  /** As it is now. */
  read(): Promise<AboutHost>;
};

/** A userid that no guest has. */
const NOBODY = Userid.parse('--------');

function createHostMemory(ask: () => Promise<HostAnswer>): HostMemory {
  let last: AboutHost | undefined;
  const read = async () => {
    try {
      last = aboutOf(await ask());
      return last;
    } catch (error) {
      // Some systems do not let the server ask for all of it: the rest of the host is read all the same.
      if (!(error instanceof BackendError) || error.retryable || error.code === 'unauthorised') throw error;
      const findings = [{ of: 'host', reason: error.message }];
      return { userid: NOBODY, release: undefined, iplTime: undefined, findings };
    }
  };
  return { read, known: async () => last ?? read() };
}

function aboutOf({ zcc_userid, hypervisor_version, ipl_time }: HostAnswer): AboutHost {
  const userid = Userid.safeParse(zcc_userid).data ?? NOBODY;
  // 7.3.0 is 730.
  const [, version, release, level] = /^(\d)(\d)(\d)$/.exec(String(hypervisor_version)) ?? [];
  const text = version === undefined ? undefined : `${version}.${release}${level === '0' ? '' : `.${level}`}`;
  return { userid, release: text, iplTime: iplTimeIn(ipl_time), findings: [] };
}

/** CP's `IPL at 06/11/14 01:38:37 EDT`, in the form of the other backend: `2014-06-11 01:38:37 EDT`. */
function iplTimeIn(text: string): string | undefined {
  const [, month, day, year, time, zone] = /(\d\d)\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d) (\S{1,8})/.exec(text) ?? [];
  return month === undefined ? undefined : `20${year}-${month}-${day} ${time} ${zone}`;
}
