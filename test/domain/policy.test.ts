import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidePolicy, type PlannedForPolicy } from '../../domain/policy/decision.ts';
import { Policy } from '../../domain/policy/policy.ts';
import { type Consent, isNamed, strictestOf, type Wait, whyNotApproved } from '../../domain/policy/verdict.ts';
import { allOpenAt, ChangeWindow, isOpen } from '../../domain/policy/window.ts';

const PLAN = 'a'.repeat(32);
const MINUTE = 60_000;
/** A Sunday in winter, at noon in UTC. */
const NOON = Date.UTC(2026, 10, 29, 12);
const NIGHT = { opens: '0 22 * * SUN', zone: 'Europe/Berlin', minutes: 240 };
const ALWAYS = { opens: '* * * * *', zone: 'UTC', minutes: 1 };

/** A change of a port's VLAN on a live NIC, asked for by alice. */
const CHANGE: PlannedForPolicy = {
  ...{ plan: PLAN, host: 'zvm1', userid: 'LNX1', caller: { by: 'alice', via: 'http' }, guests: 1 },
  ...{ interrupts: true, deletes: false, vswitch: false },
  ...{ vswitches: ['VSW1'], networks: ['physnet1'], vlans: [100, 200] },
};

const policyOf = (...rules: object[]) =>
  Policy.parse({
    windows: { night: NIGHT, always: ALWAYS },
    rules: rules.map((rule, index) => ({ name: `r${index}`, ...rule })),
  });
const verdictOn = (rule: object, change: Partial<PlannedForPolicy> = {}, consent?: Consent, now = NOON) =>
  decidePolicy(policyOf(rule), { ...CHANGE, ...change }, consent, now);

describe('a rule is about', () => {
  test.each([
    ['changes that interrupt a live NIC', { interrupts: true }, { interrupts: true }, { interrupts: false }],
    ['deletions', { deletes: true }, { deletes: true }, { deletes: false }],
    ['changes of a VSWITCH', { vswitch: true }, { vswitch: true }, { vswitch: false }],
    ['migrations of a record', { migrates: true }, { migrates: true }, {}],
    ['operations on more guests than it says', { moreGuestsThan: 10 }, { guests: 11 }, { guests: 10 }],
    ['hosts by pattern', { hosts: ['prod-*', 'zvm9'] }, { host: 'PROD-7' }, { host: 'test-1' }],
    ['guests by pattern', { guests: ['LNX*'] }, { userid: 'LNX00042' }, { userid: 'DB2' }],
    ['VSWITCHes, before the change or after it', { vswitches: ['VSW2'] }, { vswitches: ['VSW1', 'VSW2'] }, {}],
    ['physical networks', { networks: ['phys*2'] }, { networks: ['physnet2'] }, {}],
    ['VLANs and ranges of them', { vlans: [5, '1000-1999'] }, { vlans: [1500] }, { vlans: [2000] }],
    ['flat networks', { vlans: ['flat'] }, { vlans: ['flat'] }, { vlans: [1] }],
    ['every VLAN of a changed VSWITCH', { vlans: [5] }, { vlans: 'all' }, { vlans: [6] }],
    ['callers by pattern', { callers: ['ops-*'] }, { caller: { by: 'ops-7', via: 'http' } }, {}],
    ['all but some callers', { exceptCallers: ['ali*'] }, { caller: { by: 'bob', via: 'http' } }, {}],
    ['a way in', { via: ['neutron'] }, { caller: { by: 'neutron', via: 'neutron' } }, {}],
    ['all but some ways in', { exceptVia: ['http'] }, { caller: { by: 'alice', via: 'zvmnet' } }, {}],
  ] as const)('%s', (_what, match, fits, differs) => {
    const rule = { match, action: 'approval' };
    expect(verdictOn(rule, fits as Partial<PlannedForPolicy>).kind).toBe('approval');
    expect(verdictOn(rule, differs as Partial<PlannedForPolicy>).kind).toBe('go');
  });

  test('changes outside a window, and none in it', () => {
    const rule = { match: { outside: 'night' }, action: 'approval' };
    expect(verdictOn(rule).kind).toBe('approval');
    expect(verdictOn(rule, {}, undefined, Date.UTC(2026, 10, 29, 21)).kind).toBe('go');
  });

  test('all conditions at once', () => {
    const rule = { match: { interrupts: true, hosts: ['zvm2'] }, action: 'refuse' };
    expect(verdictOn(rule).kind).toBe('go');
    expect(verdictOn(rule, { host: 'zvm2' }).kind).toBe('refuse');
  });

  test('an unknown caller as if it were each that the rule names, and none that it exempts', () => {
    const unknown = { caller: { via: 'temporal' as const } };
    expect(verdictOn({ match: { callers: ['bob'] }, action: 'refuse' }, unknown).kind).toBe('refuse');
    expect(verdictOn({ match: { exceptCallers: ['*'] }, action: 'refuse' }, unknown).kind).toBe('refuse');
  });
});

describe('a rule has a change', () => {
  test('wait for an approval of its plan, by others than the asker, among those that it names', () => {
    const rule = { action: 'approval', approvers: ['net-*', 'carol'], withinHours: 2 };
    const verdict = verdictOn(rule);
    expect(verdict).toEqual({ kind: 'approval', rules: ['r0'], approvers: [['net-*', 'carol']], withinMinutes: 120 });
    const by = (name: string, plan = PLAN) => verdictOn(rule, {}, { plan, by: name }).kind;
    expect({ carol: by('carol'), net: by('NET-7'), bob: by('bob'), self: by('alice') }).toEqual({
      ...{ carol: 'go', net: 'go', bob: 'approval', self: 'approval' },
    });
    expect(by('carol', 'b'.repeat(32))).toBe('approval');
  });

  test('be refused where an approval is needed and nobody has said who asks', () => {
    expect(verdictOn({ action: 'approval' }, { caller: { via: 'temporal' } }).kind).toBe('refuse');
  });

  test('wait for its window, and go when it is open', () => {
    const rule = { action: 'window', window: 'night' };
    const opensAt = Date.UTC(2026, 10, 29, 21);
    expect(verdictOn(rule)).toEqual({ kind: 'window', rules: ['r0'], windows: ['night'], opensAt });
    expect(verdictOn(rule, {}, undefined, opensAt).kind).toBe('go');
    expect(verdictOn({ action: 'window', window: 'always' }).kind).toBe('go');
  });

  test('be refused, with the reason that it gives', () => {
    const verdict = verdictOn({ action: 'refuse', because: 'year-end freeze' });
    expect(verdict).toMatchObject({ kind: 'refuse', refusals: [{ field: 'policy' }] });
    expect(JSON.stringify(verdict)).toContain('year-end freeze');
  });
});

describe('several rules', () => {
  test('want each its own: the approver is in all lists, the shortest time counts', () => {
    const policy = policyOf(
      { action: 'approval', approvers: ['bob', 'carol'], withinHours: 4 },
      { action: 'approval', approvers: ['carol', 'dave'], withinHours: 1 },
      { action: 'window', window: 'night' },
    );
    const decide = (consent?: Consent) => decidePolicy(policy, CHANGE, consent, NOON);
    expect(decide()).toMatchObject({ kind: 'approval', withinMinutes: 60 });
    expect(decide({ plan: PLAN, by: 'bob' }).kind).toBe('approval');
    // Approved, it still waits for the window.
    expect(decide({ plan: PLAN, by: 'carol' }).kind).toBe('window');
  });

  test('whose windows are never open together refuse the change', () => {
    const early = { opens: '0 1 * * *', zone: 'UTC', minutes: 60 };
    const late = { ...early, opens: '0 5 * * *' };
    const rules = ['early', 'late'].map((window) => ({ name: window, action: 'window', window }));
    const policy = Policy.parse({ windows: { early, late }, rules });
    expect(decidePolicy(policy, CHANGE, undefined, NOON).kind).toBe('refuse');
  });
});

const STRICTNESS = ['go', 'window', 'approval', 'refuse'];
const match = fc.record(
  {
    interrupts: fc.boolean(),
    deletes: fc.boolean(),
    vswitch: fc.boolean(),
    moreGuestsThan: fc.integer({ min: 0, max: 3 }),
    hosts: fc.constantFrom(['zvm1'], ['zvm*'], ['other']),
    vlans: fc.constantFrom([100], ['1-50'], ['flat']),
    callers: fc.constantFrom(['alice'], ['b*']),
    outside: fc.constantFrom('night', 'always'),
  },
  { requiredKeys: [] },
);
const rule = fc.oneof(
  fc.record({ match, action: fc.constant('approval') }),
  fc.record({ match, action: fc.constant('window'), window: fc.constantFrom('night', 'always') }),
  fc.record({ match, action: fc.constant('refuse') }),
);
const change = fc.record({
  ...{ interrupts: fc.boolean(), deletes: fc.boolean(), vswitch: fc.boolean(), guests: fc.integer({ min: 1, max: 4 }) },
  host: fc.constantFrom('zvm1', 'zvm2', 'x'),
  vlans: fc.subarray([20, 100, 'flat' as const]),
  caller: fc.constantFrom({ by: 'alice', via: 'http' as const }, { by: 'bob', via: 'zvmnet' as const }),
});
const now = fc.integer({ min: 0, max: 7 * 24 * 60 }).map((minutes) => NOON + minutes * MINUTE);

describe('the decision', () => {
  test('is to go where no rule matches, and else the strictest that one of the rules alone would have', () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 6 }), change, now, (rules, asked, at) => {
        const planned = { ...CHANGE, ...asked };
        const alone = rules.map((each) =>
          STRICTNESS.indexOf(decidePolicy(policyOf(each), planned, undefined, at).kind),
        );
        const all = STRICTNESS.indexOf(decidePolicy(policyOf(...rules), planned, undefined, at).kind);
        expect(all).toBe(Math.max(...alone));
      }),
      { numRuns: 500 },
    );
  });

  test('is never stricter with an approval than without, and never passes a refusal or a window by it', () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 6 }), change, now, (rules, asked, at) => {
        const planned = { ...CHANGE, ...asked };
        const others = policyOf(...rules.filter(({ action }) => action !== 'approval'), {
          action: 'window',
          window: 'always',
        });
        const consent = { plan: PLAN, by: 'carol' };
        expect(decidePolicy(policyOf(...rules), planned, consent, at).kind).toBe(
          decidePolicy(others, planned, undefined, at).kind,
        );
      }),
      { numRuns: 500 },
    );
  });

  test('on several plans at once is the strictest of them', () => {
    const approval: Wait = { kind: 'approval', rules: ['a'], approvers: [['x']], withinMinutes: 60 };
    const window: Wait = { kind: 'window', rules: ['w'], windows: ['night'], opensAt: 5 };
    expect(strictestOf([])).toBeUndefined();
    expect(strictestOf([window, { ...window, opensAt: 7 }])).toEqual({ ...window, opensAt: 7 });
    expect(strictestOf([window, approval, { ...approval, rules: ['b'], withinMinutes: 30 }])).toEqual({
      ...approval,
      ...{ rules: ['a', 'b'], withinMinutes: 30 },
    });
  });
});

test('an asker is known again in other letters and with blanks; an unknown one lets nobody approve', () => {
  const asked = { by: 'alice', via: 'http' as const };
  expect(whyNotApproved([], asked, ' ALICE ')?.field).toBe('by');
  expect(whyNotApproved([], asked, 'bob')).toBeUndefined();
  expect(whyNotApproved([], { via: 'temporal' }, 'bob')?.field).toBe('by');
});

test('patterns are no expressions: a dot is a dot', () => {
  expect(isNamed('a.b', ['a.b'])).toBe(true);
  expect(isNamed('axb', ['a.b'])).toBe(false);
  expect(isNamed('net-ops@x', ['net-*'])).toBe(true);
});

describe('a window', () => {
  const at = (text: string) => Date.parse(text);
  test('is open from its time in its zone for its length', () => {
    const open = ['2026-11-29T21:00:00Z', '2026-11-30T00:59:59Z'].map((time) => isOpen(NIGHT, at(time)));
    const closed = ['2026-11-29T20:59:59Z', '2026-11-30T01:00:00Z'].map((time) => isOpen(NIGHT, at(time)));
    expect({ open, closed }).toEqual({ open: [true, true], closed: [false, false] });
  });

  test('follows the clock of its zone over the change to summer time', () => {
    expect(new Date(allOpenAt([NIGHT], at('2026-03-29T12:00:00Z')) ?? 0).toISOString()).toBe(
      '2026-03-29T20:00:00.000Z',
    );
  });

  test.each([
    ['opens', { opens: 'soon' }],
    ['opens', { opens: '0 0 30 2 *' }],
    ['opens', { opens: '2026-11-29T22:00:00' }],
    ['opens', { opens: '0 0 22 * * SUN' }],
    ['zone', { zone: 'Mars/Olympus' }],
    ['minutes', { minutes: 0 }],
  ])('with a wrong %s is refused', (field, wrong) => {
    const { error } = ChangeWindow.safeParse({ ...NIGHT, ...wrong });
    expect(error?.issues.map(({ path }) => path[0])).toEqual([field]);
  });
});

test.each([
  ['rules.0.window', { rules: [{ name: 'a', action: 'window', window: 'none' }] }],
  ['rules.0.match.outside', { rules: [{ name: 'a', action: 'refuse', match: { outside: 'constructor' } }] }],
  ['rules.1.name', { rules: ['a', 'a'].map((name) => ({ name, action: 'refuse' })) }],
  ['rules.0.match.vlans.0', { rules: [{ name: 'a', action: 'refuse', match: { vlans: ['all'] } }] }],
  ['rules.0.match', { rules: [{ name: 'a', action: 'refuse', match: { interupts: true } }] }],
  ['rules', { rules: [] }],
])('a policy with a wrong %s is refused', (field, wrong) => {
  const { error } = Policy.safeParse(wrong);
  expect(error?.issues.map(({ path }) => path.join('.'))).toContain(field);
});
