import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { harness } from './harness.ts';

let simulator: Awaited<ReturnType<typeof harness>>;
beforeAll(async () => {
  simulator = await harness();
});
afterAll(() => simulator.close());

const tabch = (entry: string) => simulator.call('PUT', '/tables/switch', [entry]);
const gettab = async (column: string, value: string, attribute: string) =>
  (await simulator.call('GET', '/tables/switch', undefined, `&col=${column}&value=${value}&attribute=${attribute}`))
    .json()
    .data.flatMap((element) => element.data as string[]);
const dumped = async (port: string) => {
  const lines = (await simulator.call('GET', '/tables/switch')).json().data.flatMap(({ data }) => data as string[]);
  return lines.filter((line) => line.includes(port));
};

describe("xCAT's own look-up of a row", () => {
  for (const [disable, isFound] of [
    ['0', true],
    ['no', true],
    ['NO', true],
    ['No', true],
    ['nO', true],
    ['NULL', true],
    ['', false],
    ['yes', false],
    ['1', false],
    ['off', false],
  ] as const)
    it(`${isFound ? 'finds' : 'does not find'} one whose disable was set to '${disable}', and tabdump shows it`, async () => {
      const port = `p-${disable === '' ? 'empty' : disable}`;
      await tabch(`switch.node=os1 switch.port=${port}`);
      await tabch(`port=${port} switch.disable=${disable}`);
      expect(await gettab('port', port, 'node')).toEqual(isFound ? ['os1'] : []);
      expect(await dumped(port)).toHaveLength(1);
    });

  it('finds one that was inserted without a word of disable, and none that was inserted with the text NULL', async () => {
    await tabch('switch.node=os2 switch.port=p-plain');
    await tabch('switch.node=os2 switch.port=p-text switch.disable=NULL');
    expect(await gettab('port', 'p-plain', 'node')).toEqual(['os2']);
    expect(await gettab('port', 'p-text', 'node')).toEqual([]);
  });
});

describe('tabch', () => {
  it('unsets what it updates with a value that has NULL in it', async () => {
    await tabch('switch.node=os3 switch.port=p-3 switch.vlan=7');
    await tabch('port=p-3 switch.vlan=NULLIFIED');
    expect(await dumped('p-3')).toEqual(['"os3",,"p-3",,,,']);
  });

  it('inserts no row of which all is empty', async () => {
    await tabch('port=p-4 switch.switch=');
    expect(await dumped('p-4')).toEqual([]);
  });
});
