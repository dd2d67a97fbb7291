import { harness } from './harness.ts';

/** A running simulator with the calls that tests of directory network authorization make; LNX10001 is logged on, LNX10002 is not. */
export async function dnaHarness(options: Parameters<typeof harness>[0] = {}) {
  const sim = await harness({ hosts: 1, guests: 2, ...options });
  const set = (vswitch: string, ...operands: string[]) =>
    sim.smcli(
      ...['Virtual_Network_Vswitch_Set_Extended', '-T', 'ZHCP1', '-k', `switch_name=${vswitch}`],
      ...operands.flatMap((operand) => ['-k', operand]),
    );
  const entryOf = (userid: string) => sim.smcli('Image_Query_DM', '-T', userid);
  /** Replaces the entry as a client must: locked, without DirMaint's own record. */
  const rewrite = async (userid: string, change: (records: string[]) => string[]) => {
    const records = (await entryOf(userid)).split('\n').map((record) => record.trimEnd());
    const wanted = change(records.filter((record) => record !== '' && !record.startsWith('*DVHOPT')));
    await sim.smcli('Image_Lock_DM', '-T', userid);
    await sim.dsh('zhcp1', `printf '%s\\n' ${wanted.map(quoted).join(' ')} > /tmp/entry`);
    return sim.smcli('Image_Replace_DM', '-T', userid, '-f', '/tmp/entry');
  };
  /** Gives the entry these NICDEF statements in place of all others, and logs the guest on anew. */
  const logonWith = async (userid: string, ...nicdefs: string[]) => {
    await sim.control('POST', `/systems/zhcp1/guests/${userid}/logoff`);
    await sim.control('POST', `/systems/zhcp1/guests/${userid}/directory`, { statements: nicdefs });
    return sim.control('POST', `/systems/zhcp1/guests/${userid}/logon`) as Promise<LiveGuest>;
  };
  const nicsOf = async (userid: string) => {
    const state = (await sim.control('GET', '/state')) as State;
    return state.systems.zhcp1?.guests[userid]?.nics ?? [];
  };
  const couple = (userid: string, vdev: string, vswitch: string) =>
    sim.smcli('Virtual_Network_Adapter_Connect_Vswitch', '-T', userid, '-v', vdev, '-n', vswitch);
  const uncouple = (userid: string, vdev: string) =>
    sim.smcli('Virtual_Network_Adapter_Disconnect', '-T', userid, '-v', vdev);
  const vmcp = async (command: string) => {
    const [element] = await sim.dsh('zhcp1', `vmcp ${command}`);
    const chunks = Array.isArray(element?.data) ? element.data : [];
    return chunks
      .filter((each) => each !== null)
      .join('\n')
      .replaceAll(/^zhcp1: ?/gm, '');
  };
  return { ...sim, set, entryOf, rewrite, logonWith, nicsOf, couple, uncouple, vmcp };
}

/** A word for the shell, whatever stands in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

type Nic = { vdev: string; vswitch: string | null; vlans: number[]; port: number | null; mac: string };
type LiveGuest = { nics: Nic[] };
type State = { systems: Record<string, { guests: Record<string, LiveGuest> }> };

export const ACCESS = 'TYPE QDIO LAN SYSTEM VSW1';
