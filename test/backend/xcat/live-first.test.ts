import { expect, test } from 'vitest';
import type { Step } from '../../../domain/planning/steps.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { passing, simulatedHost } from './simulated-host.ts';

const VSW1 = VswitchName.parse('VSW1');
const vdev = Vdev.parse('2000');
const never = new AbortController().signal;

const directoryStep = (userid: Userid): Step => {
  return { kind: 'ensureDirectoryNic', userid, vdev, macId: '002000', vswitch: VSW1, disturbs: false };
};
const liveSteps = (userid: Userid): Step[] => [
  { kind: 'ensureAuthorisation', userid, vswitch: VSW1, vlans: [1001], disturbs: false },
  { kind: 'ensureLiveNic', userid, vdev, macId: '002000', disturbs: false },
  { kind: 'ensureCoupled', userid, vdev, vswitch: VSW1, disturbs: false },
];

test("a live NIC of a bulk operation does not wait for other guests' changes of the directory", async () => {
  let asked = 0;
  // A change takes far longer than anything else here.
  const host = await simulatedHost(
    { guests: 4, directoryMs: 3_000 },
    {
      seen: passing((command, node) => {
        if (node === 'zhcp1') asked += 1;
        return command;
      }),
    },
  );
  const { backend, client, system } = host;
  const [running, ...resting] = ['LNX10001', 'LNX10002', 'LNX10003', 'LNX10004'].map((name) => Userid.parse(name));
  if (running === undefined) throw new Error('no guests');
  if (!host.guest(running).loggedOn) system.logon(host.guest(running));
  const events = async (type: string) => (await host.events(type)).filter((event) => event.vdev === '2000');
  const apply = (steps: readonly Step[]) =>
    backend.applySteps(steps, { stop: never, leave: never }, { single: false, arrive: async () => undefined });

  const others: Promise<unknown>[] = [];
  for (const [index, guest] of resting.entries()) {
    expect(client.channel('zhcp1').directoryWaits()).toBe(false);
    others.push(apply([directoryStep(guest)]));
    await expect.poll(() => asked).toBe(index + 1);
  }
  expect(client.channel('zhcp1').directoryWaits()).toBe(true);
  const wired = apply([...liveSteps(running), directoryStep(running)]);
  await expect.poll(() => events('coupled'), { timeout: 10_000 }).toMatchObject([{ userid: running }]);
  expect((await events('nicdef-added')).map(({ userid }) => userid)).not.toContain(running);
  const { reports, failure } = await wired;
  expect(failure?.error).toBeUndefined();
  expect(reports).toHaveLength(4);
  await Promise.all(others);
  expect((await events('nicdef-added')).at(-1)).toMatchObject({ userid: running });
}, 60_000);
