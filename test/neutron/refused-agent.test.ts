import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram } from '../program.ts';
import { neutronIsHere } from './real-neutron.ts';
import { startTestBroker, type TestBroker } from './test-broker.ts';

const MINUTE = 60_000;

describe.skipIf(!neutronIsHere)('with a RabbitMQ broker', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker();
  }, 5 * MINUTE);
  afterAll(() => broker?.close(), MINUTE);

  test('a process of the agent that is refused ends, and says beside its log why and what to do', async () => {
    const ini = join(broker.folder, 'refused.ini');
    const url = broker.rabbit.transportUrl.replace('neutron-secret', 'Hush-1');
    await writeFile(
      ini,
      `[DEFAULT]
transport_url = ${url}
[AGENT]
zvm_host = zvm1
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = http://127.0.0.1:1
zvm_xcat_username = admin
zvm_xcat_password = admin
[ovs]
bridge_mappings = physnet1:VSW1
`,
    );
    const { ended, said } = startProgram('workers/neutron-agent.ts', ['--config-file', ini]);
    expect(await ended, said()).toBe(1);
    const [line] = said()
      .split('\n')
      .filter((each) => !each.startsWith('{'));
    expect(line).toMatch(/refuses user name or password: check/);
    expect(said()).not.toContain('Hush-1');
  });
});
