import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vdev, vdevsOverlap } from '../../network/vdev.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';

const USERID = 'LNX10001';
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment();
});
afterAll(() => zvm.close());

test('fifty operations at once on one guest end in what some serial order gives, with no vdev and no MAC used twice', async () => {
  const settled = await Promise.all(
    Array.from({ length: 50 }, async (_, number) => {
      const id = portId(Math.floor(number / 2));
      const created = { portId: id, vswitch: number % 4 < 2 ? 'VSW1' : 'VSW2', network: vlan(100) };
      const deletes = number % 10 === 9;
      const operation =
        number % 2 === 0
          ? zvm.run('attachNic', { userid: USERID, ports: [created] })
          : deletes
            ? zvm.run('deletePort', { userid: USERID, portId: id })
            : zvm.run('createPort', { userid: USERID, ...created });
      return operation.then(
        (result) => ({ id, deletes, result }),
        () => failureOf(operation).then((failure) => ({ id, deletes, failure })),
      );
    }),
  );
  expect(settled.filter((one) => 'failure' in one)).toEqual([]);
  const guest = await zvm.guest(USERID);
  const vdevs = guest.rows.map((row) => Vdev.parse(row.interface));
  for (const [index, vdev] of vdevs.entries())
    expect(vdevs.slice(index + 1).some((other) => vdevsOverlap(vdev, other))).toBe(false);
  const macs = guest.directory.map((nic) => nic.macid);
  expect(new Set(macs).size).toBe(macs.length);
  expect(guest.directory.map((nic) => nic.vdev).sort()).toEqual([...vdevs].sort());
  expect(guest.nics.every((nic) => nic.vswitch !== null)).toBe(true);
  // Every port that nobody deletes is there; one that is created and deleted is there or not, as the order was.
  const deleted = new Set(settled.filter((one) => one.deletes).map((one) => one.id));
  for (const { id } of settled) if (!deleted.has(id)) expect(guest.rows.map((row) => row.port)).toContain(id);
  const usedVswitches = [...new Set(guest.rows.map((row) => row.switch ?? ''))].sort();
  expect(Object.keys(guest.granted).sort()).toEqual(usedVswitches);
}, 300_000);
