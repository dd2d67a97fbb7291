import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Snapshot } from '../../simulator/control/snapshot.ts';
import { harness } from './harness.ts';

const GUESTS = ['LNX10001', 'LNX10002', 'LNX20001'];
const words = (text: string) => text.split(' ');
const operation = fc.oneof(
  fc
    .constantFrom(...GUESTS)
    .chain((guest) =>
      fc.constantFrom(
        words(
          `Virtual_Network_Vswitch_Set_Extended -T ZHCP1 -k switch_name=VSW1 -k grant_userid=${guest} -k user_vlan_id=7`,
        ),
        words(`Virtual_Network_Vswitch_Set_Extended -T ZHCP1 -k switch_name=VSW1 -k revoke_userid=${guest}`),
        words(`Virtual_Network_Adapter_Create_Extended -T ${guest} -k image_device_number=1000 -k adapter_type=QDIO`),
        words(`Virtual_Network_Adapter_Connect_Vswitch -T ${guest} -v 1000 -n VSW1`),
        words(`Virtual_Network_Adapter_Create_DM -T ${guest} -v 1000 -a 2 -n 3`),
        words(`Virtual_Network_Vswitch_Create_Extended -T ZHCP1 -k switch_name=NEW -k vlan_id=AWARE`),
        [
          'Virtual_Network_Vswitch_Set_Extended',
          '-T',
          'ZHCP1',
          '-k',
          'switch_name=VSWPORT',
          '-k',
          `portnum=5 ${guest}`,
        ],
      ),
    ),
);

test('a snapshot put back makes everything what it was, whatever was done in between', async () => {
  const sim = await harness({ hosts: 2, guests: 2 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { maxLength: 12 }),
      fc.array(operation, { maxLength: 12 }),
      async (first, then) => {
        for (const argv of first) await sim.smcli(...argv);
        await sim.call('PUT', '/tables/switch', ['port=p-1 switch.vlan=7']);
        const [snapshot, state] = [await sim.control('GET', '/snapshot'), await sim.control('GET', '/state')];
        Snapshot.parse(snapshot);
        for (const argv of then) await sim.smcli(...argv);
        await sim.control('POST', '/systems/zhcp1/ipl');
        await sim.control('POST', '/restart');
        await sim.control('PUT', '/snapshot', snapshot);
        expect(await sim.control('GET', '/state')).toEqual(state);
        expect(await sim.control('GET', '/snapshot')).toEqual(snapshot);
      },
    ),
    { numRuns: 15 },
  );
  await sim.close();
});

test('a snapshot of other systems, or none at all, is refused with the reason', async () => {
  const [one, two] = await Promise.all([harness({ hosts: 1 }), harness({ hosts: 2 })]);
  const snapshot = await one.control('GET', '/snapshot');
  expect(await two.control('PUT', '/snapshot', snapshot)).toMatchObject({ error: expect.stringContaining('zhcp1') });
  expect(await two.control('PUT', '/snapshot', { version: 2 })).toMatchObject({ error: expect.any(Array) });
  await Promise.all([one.close(), two.close()]);
});
