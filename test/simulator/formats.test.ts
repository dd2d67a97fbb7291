import { afterAll, beforeAll, expect, it } from 'vitest';
import { harness } from './harness.ts';

let sim: Awaited<ReturnType<typeof harness>>;
beforeAll(async () => {
  sim = await harness({ hosts: 1, guests: 1 });
});
afterAll(() => sim.close());

const get = async (path: string, query: string) => {
  const response = await fetch(`${sim.simulator.url}/xcatws${path}?userName=admin&password=admin${query}`);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

it('answers in XML, one tag for each text.', async () => {
  const { type, text } = await get('/tables/site', '&format=xml&col=key&value=master&attribute=value');
  expect(type).toContain('xml');
  expect(text.trim()).toBe('<data>10.1.0.2</data>');
});

it('answers in HTML when no format is asked for, a table dump cut at its commas.', async () => {
  const { type, text } = await get('/tables/switch', '');
  expect(type).toContain('text/html');
  expect(text).toContain('<tr><td>#node</td><td>switch</td>');
});

it('refuses a format that it does not know.', async () => {
  expect(await get('/version', '&format=yaml')).toMatchObject({ status: 400, text: "The format 'yaml' is not valid" });
});

it('denies a user who has a password but no policy, and one whose policy names other commands.', async () => {
  const { tables } = sim.simulator.mn;
  tables.put('passwd', { key: 'xcat', username: 'nova', password: 'secret' });
  const as = async (path: string) => {
    const response = await fetch(`${sim.simulator.url}/xcatws${path}?userName=nova&password=secret&format=json`);
    return [response.status, await response.text()];
  };
  expect(await as('/version')).toEqual([401, '<p>Permission denied for request</p>']);
  tables.put('policy', { priority: '7', name: 'nova', commands: 'tabdump,gettab', rule: 'allow' });
  expect((await as('/tables/switch'))[0]).toBe(200);
  expect((await as('/version'))[0]).toBe(401);
});
