import { afterAll, beforeAll, expect, it } from 'vitest';
import { createXcatClient, type XcatClient } from '../../../backend/xcat/rest/client.ts';
import { deleteWhere, insertRow, setWhere } from '../../../backend/xcat/tables/table-entries.ts';
import type { CommandOutcome } from '../../../backend/xcat/zhcp/channel.ts';
import * as smcli from '../../../backend/xcat/zhcp/smcli.ts';
import {
  parseDirectory,
  parseIplTime,
  parseLiveNics,
  parseVmlan,
  parseVswitches,
} from '../../../backend/xcat/zhcp/smcli-parsers.ts';
import { judge } from '../../../backend/zvm/return-codes.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';

let simulator: Simulator;
let client: XcatClient;

beforeAll(async () => {
  simulator = await startSimulator({ hosts: 2, guests: 4, release: '6.3' });
  client = createXcatClient({
    url: simulator.url,
    username: 'admin',
    password: 'admin',
    timeoutMs: 20_000,
    verifyTls: true,
    credentialsInQuery: false,
  });
});
afterAll(async () => {
  await client.close();
  await simulator.close();
});

const [zhcp, guest, vswitch, vdev] = [
  Userid.parse('ZHCP1'),
  Userid.parse('LNX10001'),
  VswitchName.parse('VSW1'),
  Vdev.parse('2000'),
];

function outputOf(outcome: CommandOutcome | undefined): string {
  if (outcome?.ran !== true) throw new Error('not run');
  expect(outcome).toMatchObject({ exitStatus: 0 });
  return outcome.output;
}

it('a NIC is authorised, defined and coupled on the simulator, and read back', async () => {
  expect(await client.checkVersion()).toMatchObject({ supported: true });
  expect((await client.tables.dump('zvm')).find((row) => row.node === 'zhcp1')?.userid).toBe('ZHCP1');
  const channel = client.channel('zhcp1');
  const wired = await channel.run([
    smcli.grant(zhcp, vswitch, guest, [1001]),
    smcli.defineNicsInDirectory(guest, [{ vdev, macId: '0A0B0C', vswitch }]),
    smcli.defineLiveNic(guest, vdev, '0A0B0C'),
    smcli.couple(guest, vdev, vswitch),
  ]);
  for (const outcome of wired) outputOf(outcome);
  const [vswitches, nics, directory, vmlan, info] = await channel.run([
    [smcli.queryVswitches(zhcp, '*')],
    [smcli.queryLiveNics(guest)],
    [smcli.queryDirectory(guest)],
    [smcli.queryVmlan()],
    [smcli.systemInfo()],
  ]);
  const found = parseVswitches(outputOf(vswitches)).find((each) => each.name === vswitch);
  expect(found?.authorisations).toContainEqual({ userid: guest, vlans: [1001] });
  expect(found?.nics).toContainEqual(expect.objectContaining({ userid: guest, vdev }));
  expect(parseLiveNics(outputOf(nics))).toContainEqual({ vdev, vswitch });
  expect(parseDirectory(outputOf(directory))).toContainEqual({ vdev, vswitch, macId: '0A0B0C' });
  expect(parseVmlan(outputOf(vmlan))).toMatch(/^02:/);
  expect(parseIplTime(outputOf(info))).toMatch(/^\d{4}-/);
});

it('a change made twice on the simulator is judged as already so', async () => {
  const [again] = await client.channel('zhcp1').run([smcli.couple(guest, vdev, vswitch)]);
  if (again?.ran !== true) throw new Error('not run');
  const verdict = judge('Virtual_Network_Adapter_Connect_Vswitch', again.exitStatus, again.output);
  expect(verdict).toEqual({ ok: true, already: true });
});

it('table rows are inserted, changed and deleted on the simulator', async () => {
  const key = { node: 'lnx10001', port: 'p-1' };
  await client.tables.change('switch', [insertRow('switch', { ...key, interface: '1000', comments: 'zhcp1' })]);
  await client.tables.change('switch', [setWhere({ key, table: 'switch', values: { switch: 'VSW1', vlan: '-1' } })]);
  const rows = (await client.tables.dump('switch')).filter((row) => row.port === 'p-1');
  expect(rows).toEqual([expect.objectContaining({ node: 'lnx10001', switch: 'VSW1', vlan: '-1', disable: '' })]);
  expect(await client.tables.getAttribute('switch', 'port', 'p-1', 'interface')).toBe('1000');
  await client.tables.change('switch', [deleteWhere('switch', key)]);
  expect(await client.tables.getAttribute('switch', 'port', 'p-1', 'interface')).toBeUndefined();
});

it('however much waits, no script and no argument is longer than a program takes', async () => {
  const chains = Array.from({ length: 2_000 }, () => [smcli.systemInfo()]);
  const outcomes = await client.channel('zhcp1').run(chains);
  expect(outcomes.every((outcome) => outcome.ran && outcome.exitStatus === 0)).toBe(true);
  const rows = Array.from({ length: 1_200 }, (_, index) => ({
    kind: 'insert' as const,
    table: 'switch' as const,
    values: { node: `many${index}`, port: `p-${index}`, interface: '1000', comments: 'x'.repeat(100) },
  }));
  await Promise.all(rows.map((row) => client.tableWriter.write([row])));
  expect((await client.tables.dump('switch')).filter((row) => row.node?.startsWith('many'))).toHaveLength(1_200);
}, 120_000);

it('an unknown zHCP and a wrong password are told apart', async () => {
  await expect(client.channel('nope').run([smcli.systemInfo()])).rejects.toMatchObject({ code: 'unknown-node' });
  const stranger = createXcatClient({
    url: simulator.url,
    username: 'admin',
    password: 'wrong',
    timeoutMs: 5_000,
    verifyTls: true,
    credentialsInQuery: false,
  });
  await expect(stranger.version()).rejects.toMatchObject({ code: 'unauthorised', retryable: false });
  await stranger.close();
});
