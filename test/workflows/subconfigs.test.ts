import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeOperation, listOperations } from '../../client/operations.ts';
import { readGuestView } from '../../client/read-state.ts';
import { zvmnet } from '../cli/command.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';
import { reconcileHost } from './start.ts';

const OURS = 'LNX10001';
const OTHER = 'LNX10002';
const REASON = 'its NICDEF stands in SUBCONFIG OURS-1, which is never changed';
const LAN = 'TYPE QDIO LAN SYSTEM VSW1 PORTTYPE ACCESS VLAN 7';
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4 });
});
afterAll(() => zvm.close());

const subconfig = (name: string, statements: string[]) =>
  zvm.control('POST', `systems/zhcp1/subconfigs/${name}`, { statements });
const identity = (userid: string, ...statements: string[]) =>
  zvm.control('POST', `systems/zhcp1/guests/${userid}/directory`, {
    records: [`IDENTITY ${userid} SECRET12 2G 8G G`, ...statements],
  });
const recordsOf = (userid: string) => system().guest(userid)?.entry.records;

function system() {
  const [first] = zvm.simulator.mn.systems;
  if (first === undefined) throw new Error('no z/VM');
  return first;
}

describe('the NIC of a port that an administrator has moved to a SUBCONFIG', () => {
  const port = portId(1);
  beforeAll(async () => {
    await zvm.run('attachNic', { userid: OURS, ports: [{ portId: port, vswitch: 'VSW1', network: vlan(7) }] });
    const nicdef = recordsOf(OURS)?.find((record) => record.startsWith('NICDEF 1000')) ?? '';
    await subconfig('OURS-1', [nicdef]);
    await identity(OURS, 'BUILD ON ZVM1 USING SUBCONFIG OURS-1');
  });

  test('stays as it is: reconciliation would write nothing to the IDENTITY, and the guest says why', async () => {
    const { steps, problems } = await readGuestView(zvm.client, zvm.host, OURS);
    expect(steps).toEqual([]);
    expect(problems).toContainEqual(expect.stringContaining(`port ${port}: NIC 1000: ${REASON}`));
  });

  test('is a finding of the reconciliation that looks at its entry, and touched by no step of it', async () => {
    const before = [recordsOf(OURS), await zvm.guest(OURS)];
    const last = await reconcileHost(zvm, undefined, {});
    const { findings, repaired } = await reconcileHost(zvm, last, { sweepSeconds: 1 });
    expect([findings, repaired]).toEqual([[`guest ${OURS}, NIC 1000: ${REASON}`], 0]);
    expect([recordsOf(OURS), await zvm.guest(OURS)]).toEqual(before);
  });

  test('is wired as recorded after a re-IPL, and not written to the IDENTITY', async () => {
    const before = [recordsOf(OURS), await zvm.guest(OURS)];
    const last = await reconcileHost(zvm, undefined, {});
    system().reIpl(true);
    expect(await reconcileHost(zvm, last, { sweepSeconds: 1 })).toMatchObject({ reIpled: true, failures: [] });
    expect([recordsOf(OURS), await zvm.guest(OURS)]).toEqual(before);
  });

  test.each([
    ['changeVlan', { network: vlan(8) }],
    ['setAdminState', { adminStateUp: false }],
  ] as const)('is not changed by %s, which is refused', async (operation, values) => {
    const before = [recordsOf(OURS), await zvm.guest(OURS)];
    const failure = await failureOf(zvm.run(operation, { userid: OURS, portId: port, ...values }));
    expect(failure.type).toBe('Refused');
    expect(JSON.stringify(failure.details)).toContain(REASON);
    expect([recordsOf(OURS), await zvm.guest(OURS)]).toEqual(before);
  });

  test('is left where it is when its port is deleted, which detaches the live NIC', async () => {
    const before = recordsOf(OURS);
    const leaves = [{ userid: OURS, vdev: '1000', standsIn: 'SUBCONFIG', name: 'OURS-1' }];
    const { steps, ...planned } = await zvm.run('deletePort', { userid: OURS, portId: port, dryRun: true });
    expect({ planned, steps }).toMatchObject({
      planned: { leaves },
      steps: expect.arrayContaining([expect.any(String)]),
    });
    const deletion = ['port', 'delete', port, '--yes'];
    const { out } = await zvmnet(deletion, { ZVMNET_HOST: zvm.host });
    expect(out).toContain('NICDEF 1000 stays in SUBCONFIG OURS-1');
    const newest = async () => {
      const [told] = await listOperations(zvm.client, { host: zvm.host, type: 'deletePort' }, 1);
      return describeOperation(zvm.client, told?.id ?? '');
    };
    await expect.poll(newest).toMatchObject({ outcome: 'changed', result: { leaves } });
    expect(await zvm.guest(OURS)).toMatchObject({ nics: [], granted: {}, rows: [] });
    expect(recordsOf(OURS)).toEqual(before);
  });
});

test('a new NIC of an IDENTITY comes beside those of all its SUBCONFIGs', async () => {
  await subconfig('FIRST', [`NICDEF 1000 ${LAN}`]);
  await subconfig('SECOND', [`NICDEF 1003 ${LAN}`]);
  await identity(OTHER, 'BUILD ON ZVM1 USING SUBCONFIG FIRST', 'BUILD ON ZVM2 USING SUBCONFIG SECOND');
  const create = (number: number, more: object) =>
    zvm.run('createPort', { userid: OTHER, portId: portId(number), vswitch: 'VSW1', network: vlan(7), ...more });
  const failure = await failureOf(create(2, { vdev: '1003' }));
  expect(failure.details[0]).toMatchObject([
    { field: 'vdev', reason: expect.stringContaining('overlaps NIC 1003 of SUBCONFIG SECOND') },
  ]);
  expect(await create(2, {})).toMatchObject({ ports: [{ vdev: '1006' }] });
});
