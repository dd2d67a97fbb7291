import { expect, test } from 'vitest';
import { resultOf, verdictOf } from './results.ts';

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
const results = LINES.flatMap((line) => resultOf(line) ?? []);

test('what tempest prints of its tests is read', () => {
  expect(results.map(({ outcome }) => outcome)).toEqual(['ok', 'failed', 'skipped', 'failed']);
  expect(results[1]).toEqual({ name: FAILED, outcome: 'failed' });
});

test('a run is good when all that fails is known to, and all that is known to fails', () => {
  const known = { [FAILED]: 'no such address', [OTHER]: 'the same' };
  expect(verdictOf(results, known, false)).toEqual({
    isGood: true,
    lines: [
      `known to fail: ${FAILED}: no such address`,
      `known to fail: ${OTHER}: the same`,
      '1 passed, 2 failed, 0 of them unexpectedly, 1 skipped',
    ],
  });
});

test('a run is bad when something else fails, when what is known to fail does not, and when nothing has run', () => {
  expect(verdictOf(results, { [FAILED]: 'known' }, false).isGood).toBe(false);
  const mended = verdictOf(results, { [FAILED]: 'x', [OTHER]: 'x', [PASSED]: 'x' }, false);
  expect(mended.isGood).toBe(false);
  expect(mended.lines).toContain(`known to fail, but does not: ${PASSED}`);
  expect(verdictOf([], {}, false).isGood).toBe(false);
});
