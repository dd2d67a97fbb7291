import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';

// A minute of pauses passes before a refusal counts as permanent: the tests wait side by side, each on a guest of its own.
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4, release: '7.4' });
});
afterAll(() => zvm.close());

const portOf = (id: number) => ({ portId: portId(id), vswitch: 'VSW1', network: vlan(1001) });

/** Have CP refuse to couple NICs of a guest as not authorised, always or so often. */
async function refuseCoupling(userid: string, times?: number): Promise<void> {
  const action = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', userid, rc: 212, rs: 8 };
  await zvm.control('POST', 'faults', { action, ...(times === undefined ? {} : { times }) });
}

test.concurrent('a coupling that z/VM refuses though the directory authorises it ends with a word on external security managers, and is undone', {
  timeout: 180_000,
}, async () => {
  const userid = 'LNX10001';
  const before = await zvm.guest(userid);
  await refuseCoupling(userid);
  const failure = await failureOf(zvm.run('attachNic', { userid, ports: [portOf(1)] }));
  expect(failure).toMatchObject({
    type: 'StepFailed',
    details: [{ undone: true, step: `couple NIC 1000 of ${userid} to VSW1` }],
  });
  expect(failure.message).toMatch(/212\/8.*external security manager such as RACF.*class VMLAN/s);
  expect(await zvm.guest(userid)).toEqual(before);
});

test.concurrent('a coupling that z/VM refuses until the directory is online is waited out', async () => {
  const userid = 'LNX10003';
  await refuseCoupling(userid, 3);
  await zvm.run('attachNic', { userid, ports: [portOf(2)] });
  expect((await zvm.guest(userid)).nics).toMatchObject([{ vdev: '1000', vlans: [1001] }]);
});

test.concurrent('a coupling that is refused beside a grant is not granted again, which would drop the other NICs', {
  timeout: 180_000,
}, async () => {
  const granting = await createEnvironment({ guests: 4, release: '6.3' });
  try {
    const userid = 'LNX10003';
    await granting.run('attachNic', { userid, ports: [portOf(3)] });
    const since = (await granting.events()).at(-1)?.seq ?? 0;
    const action = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', userid, rc: 212, rs: 8 };
    await granting.control('POST', 'faults', { action });
    const failure = await failureOf(granting.run('attachNic', { userid, ports: [portOf(4)] }));
    expect(failure).toMatchObject({ type: 'StepFailed', message: expect.stringContaining('RACF') });
    const about = (await granting.events(since)).filter(({ type }) => ['granted', 'uncoupled'].includes(type));
    expect(about).toEqual([]);
    expect((await granting.guest(userid)).granted).toEqual({ VSW1: [1001] });
  } finally {
    await granting.close();
  }
});
