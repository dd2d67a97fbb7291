import { expect, test } from 'vitest';
import { listedOf, resultOf, verdictOf } from './results.ts';

// Lines as `tempest run` of tempest 32 prints them.
const LINES = `{0} tempest.api.network.test_ports.PortsTestJSON.test_list_ports [0.115714s] ... ok
{1} tempest.api.network.test_ports.PortsIpV6TestJSON.test_show_port [0.2s] ... FAILED
{0} setUpClass (neutron_tempest_plugin.api.test_trunk.TrunkTestMtusJSON) [0.000000s] ... SKIPPED: No MTU
{0} tempest.api.network.test_ports.PortsTestJSON.test_show_port [0.1s] ... FAILED
======
 - Passed: 1`.split('\n');
const PASSED = 'tempest.api.network.test_ports.PortsTestJSON.test_list_ports';
const FAILED = 'tempest.api.network.test_ports.PortsIpV6TestJSON.test_show_port';
const OTHER = 'tempest.api.network.test_ports.PortsTestJSON.test_show_port';
const LISTED =
  `tempest.api.network.test_ports.PortsTestJSON.test_list_ports[id-cf95b358-3e92-4a29-a148-52445e1ac50e,smoke]
neutron_tempest_plugin.api.test_trunk.TrunkTestMtusJSON.test_add_subport_with_mtu_equal_to_trunk
tempest.api.network.test_ports.PortsTestJSON.test_show_port[id-c9a685bd-e83f-499c-939f-9f7863ca259f,smoke]
tempest.api.network.test_ports.PortsIpV6TestJSON.test_show_port[id-c9a685bd-e83f-499c-939f-9f7863ca259f,smoke]`.split(
    '\n',
  );
const results = LINES.flatMap((line) => resultOf(line) ?? []);
const listed = LISTED.flatMap((line) => listedOf(line) ?? []);
const run = { results, listed, end: 1 };

test('the lines that tempest prints of its tests are read as their results', () => {
  expect(results.map(({ outcome }) => outcome)).toEqual(['ok', 'failed', 'skipped', 'failed']);
  expect(results[1]).toEqual({ name: FAILED, outcome: 'failed' });
});

test('a run is good when all that fails is known to, and all that is known to fails', () => {
  const known = { [FAILED]: 'no such address', [OTHER]: 'the same' };
  expect(verdictOf(run, known, false)).toEqual({
    isGood: true,
    lines: [
      `known to fail: ${FAILED}: no such address`,
      `known to fail: ${OTHER}: the same`,
      '1 passed, 2 failed, 0 of them unexpectedly, 1 skipped, 0 without a result',
    ],
  });
});

test('a run is bad when something else fails, when what is known to fail does not, and when nothing has run', () => {
  expect(verdictOf(run, { [FAILED]: 'known' }, false).isGood).toBe(false);
  const mended = verdictOf(run, { [FAILED]: 'x', [OTHER]: 'x', [PASSED]: 'x' }, false);
  expect(mended.isGood).toBe(false);
  expect(mended.lines).toContain(`known to fail, but does not: ${PASSED}`);
  expect(verdictOf({ results: [], listed: [], end: 0 }, {}, false).isGood).toBe(false);
});

test('a run that was killed midway is bad, and names the tests without a result', () => {
  const known = { [FAILED]: 'no such address' };
  const { lines, isGood } = verdictOf({ ...run, results: results.slice(0, 3), end: 'SIGKILL' }, known, false);
  expect(isGood).toBe(false);
  expect(lines).toContain(`FAILED: no result of ${OTHER}`);
  expect(lines).toContain('FAILED: tempest did not come to its end: SIGKILL');
});

test('a run that ended by itself without a result of each listed test is bad', () => {
  const known = { [FAILED]: 'no such address' };
  const { isGood } = verdictOf({ ...run, results: results.slice(0, 3), end: 0 }, known, false);
  expect(isGood).toBe(false);
});
