import { describe, expect, test } from 'vitest';
import { recordedOnHost, recordedPortsOf, standingOf, viewTables } from '../../../backend/xcat/rows/guest-standing.ts';
import type { Row } from '../../../backend/xcat/tables/tables.ts';
import { Userid } from '../../../domain/text/identifiers.ts';

const LNX1 = Userid.parse('LNX1');
const PORT = '00000000-0000-4000-8000-000000000001';
const ZHCP = { node: 'zhcp1', hcp: 'zhcp1.zvm.example', userid: 'ZHCP1' };

function guest(node: string, userid = 'LNX1', hcp = ZHCP.hcp): Row {
  return { node, hcp, userid };
}

function row(node: string, values: Row = {}): Row {
  return { node, port: PORT, switch: 'VSW1', vlan: '50', interface: '1000', comments: 'zhcp1', ...values };
}

function record(zvm: readonly Row[], rows: readonly Row[]) {
  return recordedOnHost(viewTables('zhcp1', [ZHCP, ...zvm], rows, []));
}

function reasons(zvm: readonly Row[], rows: readonly Row[]): string[] {
  return record(zvm, rows).findings.map(({ of, reason }) => `${of}: ${reason}`);
}

describe('an odd row of the zvm table', () => {
  test('hides no other guest, and is told', () => {
    const found = record([guest('x_', 'LNX9'), guest('lnx1')], [row('lnx1')]);
    expect([...found.recorded.keys()]).toEqual(['LNX1']);
    expect([...found.guests]).not.toContain('LNX9');
    expect(reasons([guest('x_', 'LNX9')], [])).toEqual([expect.stringContaining('"x_" is not a valid node name')]);
    expect(reasons([guest('lnx9', 'NO USERID')], [])).toEqual([
      expect.stringContaining('"NO USERID" is not a valid userid'),
    ]);
  });

  test('of another host is not told here', () => {
    expect(reasons([guest('x_', 'LNX9', 'zhcp2.zvm.example')], [])).toEqual([]);
  });

  test('of a second node leaves the NICs of the rows under it alone', () => {
    const found = record([guest('lnx1'), guest('x_')], [row('x_')]);
    expect([...found.hidesPorts]).toEqual(['LNX1']);
    expect(found.orphans.map(({ node }) => node)).toEqual(['x_']);
  });
});

describe('rows of one port under two nodes of a guest', () => {
  const view = (values: Row) =>
    viewTables('zhcp1', [ZHCP, guest('lnx1'), guest('lnx1b')], [row('lnx1'), row('lnx1b', values)], []);
  const ports = (values: Row) => {
    const standing = standingOf(view(values), LNX1);
    return standing === undefined ? [] : recordedPortsOf(view(values), standing);
  };

  test('are one port where they say the same', () => {
    const at = { rows: 2, nodes: ['lnx1', 'lnx1b'] };
    expect(ports({})).toMatchObject([{ port: { portId: PORT, doubled: 'has 2 rows' }, at }]);
    expect(ports({})[0]?.port).not.toHaveProperty('unreadable');
    expect(ports({ switch: '', vlan: '', interface: '' })[0]?.port).not.toHaveProperty('unreadable');
  });

  test.each([
    ['switch', 'VSW2', 'VSW1 and VSW2', 'vswitch'],
    ['vlan', '60', 'VLAN 50 and VLAN 60', 'network'],
    ['interface', '2000', '1000 and 2000', 'vdev'],
  ])('are unreadable where they differ in %s', (name, value, said, field) => {
    expect(ports({ [name]: value })[0]?.port.unreadable).toEqual([{ field, name, value: said }]);
  });
});

describe('rows of others', () => {
  test('keep the NIC that they are about, and are told when no zHCP is their owner', () => {
    const found = record(
      [guest('lnx1')],
      [row('lnx1', { comments: 'nobody' }), row('lnx1', { comments: '', interface: '2000' })],
    );
    expect(found.nicsOfOthers.get(LNX1)).toEqual(['1000', '2000']);
    expect(found.findings).toHaveLength(1);
    expect(found.findings[0]?.reason).toContain('"nobody" names no zHCP');
  });

  test('that a guest of this host has brought along are its own', () => {
    const found = record(
      [guest('lnx1'), guest('lnx2', 'LNX2', 'zhcp2.zvm.example')],
      [row('lnx1', { comments: 'zhcp2' })],
    );
    expect(found.recorded.get(LNX1)).toMatchObject([{ portId: PORT, recordedFor: 'zhcp2' }]);
    expect(found.nicsOfOthers.get(LNX1)).toEqual([]);
  });
});

test("the node that a userid is named like may be another guest's: its rows are not the userid's", () => {
  const view = viewTables('zhcp1', [ZHCP, guest('lnx1', 'LNX2')], [row('lnx1')], []);
  expect(standingOf(view, LNX1)).toBeUndefined();
});
