import { expect, type TestContext, test } from 'vitest';
import type { SimulatorOptions } from '../../simulator/simulator.ts';
import { createEnvironment, type Environment, FLAT, failureOf, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

const SCRATCH = 'LNX10001';
const userid = 'LNX10003';

async function withZvm({ onTestFinished }: TestContext, options: SimulatorOptions): Promise<Environment> {
  const zvm = await createEnvironment({ guests: 4, release: '7.4', ...options });
  onTestFinished(() => zvm.close());
  return zvm;
}

/** Ask z/VM one question, on an expendable guest; answers what is known then. */
async function probe(zvm: Environment, question: string): Promise<object | undefined> {
  const ask = { host: zvm.host, userid: SCRATCH, questions: [question], mayLogOff: true };
  const { report } = await (await startRun(zvm.client, 'probeHost', ask)).result();
  return report?.record.found;
}

const LONG = { timeout: 120_000 };

test(
  'a z/VM that was seen to take the VLAN of the NICDEF gets a port on another VLAN than the guest’s old grant',
  LONG,
  async (context) => {
    const zvm = await withZvm(context, { vlanWinner: 'nicdef' });
    const [system] = zvm.simulator.mn.systems;
    system?.behave('7.4', { dna: 'disabled' });
    await zvm.run('attachNic', { userid, ports: [{ portId: portId(1), vswitch: 'VSW1', network: vlan(77) }] });
    system?.behave('7.4', { vlanWinner: 'nicdef' });
    const ports = [{ portId: portId(2), vswitch: 'VSW1', network: vlan(1001) }];
    const refusal = await failureOf(zvm.run('attachNic', { userid, ports }));
    expect(refusal).toMatchObject({ type: 'Refused', message: expect.stringContaining('not known which') });
    expect(await probe(zvm, 'vlanWinner')).toEqual({ vlanWinner: 'nicdef' });
    await zvm.run('attachNic', { userid, ports });
    const { nics, granted } = await zvm.guest(userid);
    expect(nics.map(({ vlans }) => vlans)).toEqual([[77], [1001]]);
    expect(granted).toEqual({ VSW1: [77] });
  },
);

test(
  'a z/VM whose COUPLE was seen not to read the directory gets another VLAN at the next logon, and the port is not told as live',
  LONG,
  async (context) => {
    const zvm = await withZvm(context, { coupleReadsDirectory: false });
    const off = async (state: 'logon' | 'logoff') => zvm.control('POST', `systems/zhcp1/guests/${userid}/${state}`);
    await off('logoff');
    await zvm.run('createPort', { userid, portId: portId(1), vswitch: 'VSW1', network: vlan(1001) });
    await off('logon');
    expect(await probe(zvm, 'coupleReadsDirectory')).toEqual({ coupleReadsDirectory: false });
    const { steps, ports } = await zvm.run('changeVlan', { userid, portId: portId(1), network: vlan(2001) });
    expect(steps).toContainEqual(expect.stringContaining('at the next logon'));
    expect(ports).toMatchObject([{ live: 'atNextLogon' }]);
    expect((await zvm.guest(userid)).nics).toMatchObject([{ vswitch: null }]);
    await off('logoff');
    await off('logon');
    expect((await zvm.guest(userid)).nics).toMatchObject([{ vswitch: 'VSW1', vlans: [2001] }]);
  },
);

test(
  'a z/VM that was seen to take a NICDEF alone for an authorisation gets no grant on an unaware VSWITCH',
  LONG,
  async (context) => {
    const zvm = await withZvm(context, { nicdefAlone: 'authorises' });
    expect(await probe(zvm, 'nicdefAlone')).toEqual({ nicdefAlone: 'authorises' });
    await zvm.run('attachNic', { userid, ports: [{ portId: portId(1), vswitch: 'VSWFLAT', network: FLAT }] });
    const { nics, granted } = await zvm.guest(userid);
    expect(nics).toMatchObject([{ vswitch: 'VSWFLAT' }]);
    expect(granted).toEqual({});
  },
);
