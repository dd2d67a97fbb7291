import { describe, expect, test } from 'vitest';
import { failureText, subjectKey, subjectsOf } from '../../domain/drift/repair-subject.ts';
import { HOST_OPERATIONS } from '../../domain/operations/host-operations.ts';
import { RepairFailure } from '../../domain/operations/requests.ts';
import { RESULTS } from '../../domain/operations/results.ts';
import { acceptedCarried } from '../../workflows/reconciliation-result.ts';

const PORT = '00000000-0000-4000-8000-000000000001';
const SUBJECTS = [
  [{ kind: 'guest', userid: 'LNX1' }, 'guest LNX1'],
  [{ kind: 'port', portId: PORT }, `port ${PORT}`],
  [{ kind: 'vswitch', vswitch: 'VSW1' }, 'VSWITCH VSW1'],
  [{ kind: 'uplinks', vswitch: 'VSW1' }, 'uplinks of VSWITCH VSW1'],
  [{ kind: 'node', node: 'LNX1' }, 'node LNX1'],
  [{ kind: 'missingNode', userid: 'LNX1' }, 'node of guest LNX1'],
  [{ kind: 'dhcpNode' }, 'DHCP node'],
  [{ kind: 'managementNetwork' }, 'management network'],
  [{ kind: 'neutron' }, 'Neutron'],
] as const;

const failureOf = (about: object) => ({ about, reason: 'it is locked', attempts: 2, notBefore: 1 });
const EARLIER = { userid: 'uplinks of VSW1', reason: 'it is locked', attempts: 2, notBefore: 1 };
const all = SUBJECTS.map(([about]) => RepairFailure.parse(failureOf(about)));
const carried = (failures: unknown[]) =>
  acceptedCarried({ checkpoint: '', drifted: 0, repaired: 0, drifts: [], reIpled: false, failures })?.failures;

describe('a failed repair', () => {
  test.each(SUBJECTS)('about %o is called so', (about, text) => {
    expect(failureText(RepairFailure.parse(failureOf(about)))).toBe(`${text}: it is locked`);
  });

  test('about another thing has another key', () => {
    expect(new Set(all.map(({ about }) => subjectKey(about))).size).toBe(SUBJECTS.length);
  });

  test('holds back the guest or the port that it is about, and no namesake', () => {
    const { userids, portIds } = subjectsOf(all);
    expect({ userids: [...userids], portIds: [...portIds] }).toEqual({ userids: ['LNX1'], portIds: [PORT] });
    expect(subjectsOf(all.filter(({ about }) => about.kind === 'node')).userids.size).toBe(0);
  });

  test('of each kind goes over to the run that a run continues as', () => {
    expect(carried(all)).toEqual(all);
  });
});

describe('a failed repair in the form of an earlier version', () => {
  const others = [EARLIER, failureOf({ kind: 'guest' }), failureOf({ kind: 'toString', userid: 'LNX1' }), 'LNX1', null];

  test('is dropped when a run takes over the state of another, which keeps the rest', () => {
    expect(carried([...others, ...all])).toEqual(all);
  });

  test('is dropped from the input of a run', () => {
    const last = { checkpoint: 'kept', failures: [EARLIER, ...all] };
    const { input } = HOST_OPERATIONS.reconcileHost;
    expect(input.parse({ host: 'zvm1', last }).last).toEqual({ checkpoint: 'kept', failures: all });
  });

  test('keeps its reason in the result, though its subject is unknown', () => {
    const counts = { examined: 1, inOrder: 0, drifted: 0, repaired: 0, failed: 1, foreign: 0, skipped: 0, waiting: 0 };
    const result = { host: 'zvm1', dryRun: false, reIpled: false, drifts: [], ...counts, failures: [EARLIER] };
    expect(RESULTS.reconciliation.parse(result).failures.map(failureText)).toEqual(['it is locked']);
  });
});
