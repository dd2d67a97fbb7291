import { afterEach, describe, expect, it, test } from 'vitest';
import { BackendError } from '../../../backend/backend-error.ts';
import { deleteWhere, insertRow, setWhere } from '../../../backend/xcat/tables/table-entries.ts';
import { changeTable, dumpTable, getAttribute } from '../../../backend/xcat/tables/tables.ts';
import { fakeXcat } from './fake-xcat.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const HEADER = '#node,switch,port,vlan,interface,comments,disable';
const answer = (...elements: object[]) => JSON.stringify({ data: elements });

describe('a table dump', () => {
  it('reads rows by column name, with quotes, commas and empty values', async () => {
    const body = answer({ data: [HEADER, '"os1",,"p-1",,"1000","say ""a,b""",', '"os2"'] });
    const xcat = await fakeXcat(() => ({ body }));
    closers.push(xcat.close);
    const rows = await dumpTable(xcat.transport, 'switch');
    expect(rows[0]).toEqual({
      node: 'os1',
      switch: '',
      port: 'p-1',
      vlan: '',
      interface: '1000',
      comments: 'say "a,b"',
      disable: '',
    });
    expect(rows[1]).toMatchObject({ node: 'os2', disable: '' });
  });

  it('lets those who come while one is in flight share the next one', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const xcat = await fakeXcat(async (_, index) => {
      if (index === 0) await gate;
      return { body: answer({ data: [HEADER, `"call${index}"`] }) };
    });
    closers.push(xcat.close);
    const first = dumpTable(xcat.transport, 'switch');
    await expect.poll(() => xcat.seen.length).toBe(1);
    const signal = AbortSignal.abort(new Error('gone'));
    const abandoned = dumpTable(xcat.transport, 'switch', { signal }).catch((error: Error) => error.message);
    const later = [dumpTable(xcat.transport, 'switch'), dumpTable(xcat.transport, 'switch')];
    expect(await abandoned).toBe('gone');
    open();
    expect((await first)[0]?.node).toBe('call0');
    for (const rows of await Promise.all(later)) expect(rows[0]?.node).toBe('call1');
    expect((await dumpTable(xcat.transport, 'switch'))[0]?.node).toBe('call2');
    expect(xcat.seen).toHaveLength(3);
  });

  it('does not take an answer without header, nor an error, for an empty table', async () => {
    const bodies = [answer(), answer({ error: ['No such table: zvm'], errorcode: ['1'] })];
    const xcat = await fakeXcat((_, index) => ({ body: bodies[index] ?? '' }));
    closers.push(xcat.close);
    await expect(dumpTable(xcat.transport, 'zvm')).rejects.toMatchObject({ code: 'bad-answer', retryable: true });
    await expect(dumpTable(xcat.transport, 'zvm')).rejects.toMatchObject({ code: 'refused', retryable: false });
  });
});

test('a table of 100,000 rows is read whole', async () => {
  const rows = Array.from(
    { length: 100_000 },
    (_, index) => `"os${index}","VSW1","00000000-0000-4000-8000-${index}","5","1000","zhcp",`,
  );
  const body = answer({ data: ['#node,switch,port,vlan,interface,comments,disable', ...rows] });
  const xcat = await fakeXcat(() => ({ body }));
  closers.push(xcat.close);
  expect(await dumpTable(xcat.transport, 'switch')).toHaveLength(100_000);
}, 60_000);

describe('table look-ups and changes', () => {
  it('find an attribute, or undefined', async () => {
    const bodies = [answer({ data: ['ZHCP'] }), answer(), answer({ data: ['#node,userid'] })];
    const xcat = await fakeXcat((_, index) => ({ body: bodies[index] ?? answer() }));
    closers.push(xcat.close);
    expect(await getAttribute(xcat.transport, 'zvm', 'node', 'zhcp', 'userid')).toBe('ZHCP');
    expect(await getAttribute(xcat.transport, 'zvm', 'node', 'other', 'userid')).toBeUndefined();
    // A management node that answers nothing to anything is broken: that says nothing of the row.
    const broken = getAttribute(xcat.transport, 'zvm', 'node', 'other', 'userid');
    await expect(broken).rejects.toMatchObject({ code: 'bad-answer', retryable: true });
    await expect(getAttribute(xcat.transport, 'zvm', 'node', 'a,b', 'userid')).rejects.toThrow(BackendError);
    expect(xcat.seen[0]?.url).toBe('/xcatws/tables/zvm?col=node&value=zhcp&attribute=userid&format=json');
  });

  it('make a call for each change and stop at the first that xCAT refuses', async () => {
    const refusal = answer({ error: ['DB error UNIQUE'], errorcode: ['4'] });
    const xcat = await fakeXcat((_, index) => ({ body: index === 0 ? answer() : refusal }));
    closers.push(xcat.close);
    const changes = changeTable(xcat.transport, 'switch', ['a', 'b', 'c']);
    await expect(changes).rejects.toThrow('PUT /tables/switch: DB error UNIQUE');
    expect(xcat.seen.map((call) => call.body)).toEqual(['["a"]', '["b"]']);
  });

  it('are written as tabch wants them, and refuse what tabch would split', () => {
    const key = { node: 'os1', port: 'p-1' };
    expect(setWhere({ key, table: 'switch', values: { vlan: '', disable: null } })).toBe(
      'node=os1,port=p-1 switch.vlan= switch.disable=NULL',
    );
    expect(insertRow('switch', { node: 'os1', disable: null })).toBe('switch.node=os1');
    expect(() => setWhere({ key, table: 'switch', values: { switch: 'NULLSW' } })).toThrow(BackendError);
    expect(insertRow('mac', { node: 'os1', mac: '02:00:00:00:00:01!os1-1000' })).toBe(
      'mac.node=os1 mac.mac=02:00:00:00:00:01!os1-1000',
    );
    expect(deleteWhere('switch', { node: 'os1' })).toBe('-d node=os1 switch');
    for (const value of ['a b', 'a,b', 'a=b', 'a\nb', 'ä']) {
      expect(() => insertRow('switch', { node: value })).toThrow(BackendError);
    }
    expect(() => deleteWhere('switch', {})).toThrow(BackendError);
    expect(() => deleteWhere('switch', { node: '' })).toThrow(BackendError);
    expect(() => insertRow('switch', { 'a b': 'x' })).toThrow(BackendError);
  });
});
