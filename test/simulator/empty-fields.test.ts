import { afterAll, beforeAll, expect, test } from 'vitest';
import { harness } from './harness.ts';

// The C code of smcli prints these for fields of length 0 (docs/reference/smcli.md 1.2).
let zvm: Awaited<ReturnType<typeof harness>>;
beforeAll(async () => {
  zvm = await harness({ hosts: 1, guests: 2 });
});
afterAll(() => zvm.close());

test('a NIC that is not coupled has the LAN owner and name (null)', async () => {
  await zvm.smcli('Virtual_Network_Adapter_Create', '-T', 'LNX10001', '-v', '1000', '-t', '2', '-d', '3');
  const printed = await zvm.smcli('Virtual_Network_Adapter_Query', '-T', 'LNX10001', '-v', '1000');
  expect(printed).toContain('  LAN owner: (null)\n  LAN name: (null)');
});

test('a device without port name has the port name (null)', async () => {
  expect(await zvm.smcli('Virtual_Network_Vswitch_Query', '-T', 'ZHCP1', '-s', 'VSW1')).toContain('Port name: (null)');
});

test('a device without controller is told, the answer goes on, and the exit status is 1 without a return code', async () => {
  const query = "/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Query_Extended -T ZHCP1 -k 'switch_name=*'";
  const vswitch = zvm.simulator.mn.systems[0]?.vswitch('VSW1');
  if (vswitch === undefined) throw new Error('no VSW1');
  vswitch.controller = '';
  const elements = await zvm.dsh('zhcp1', query);
  const printed = JSON.stringify(elements);
  expect(printed).toContain('Error controller_name is NULL!!');
  expect(printed).not.toContain('Return Code');
  expect(printed).toMatch(/VSW1.*Error controller_name.*VSW2/s);
  expect(elements.at(-1)).toMatchObject({ errorcode: ['1'] });
});
