import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NICDEF_KEYWORDS, ProbedBehaviour } from '../../domain/host/probed-behaviour.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { answerOf, whyNotAsked } from '../../domain/probe/course.ts';
import { type Facts, findingOf, type Variant } from '../../domain/probe/question.ts';
import { QUESTION_IDS, type QuestionId, questionOf } from '../../domain/probe/questions.ts';
import type { ProbeScene } from '../../domain/probe/scene.ts';
import { Userid, VswitchName } from '../../domain/text/identifiers.ts';

const listed = QUESTION_IDS.flatMap((id) => {
  const { answers } = questionOf(id);
  return typeof answers === 'function' ? [] : answers.map((variant) => ({ id, variant }));
});
const names = [...new Set(listed.flatMap(({ variant }) => Object.keys(variant.when)))];
const words = [...new Set(listed.flatMap(({ variant }) => Object.values(variant.when).flat()))];

/** Facts by which an answer is recognised. */
const factsFor = ({ when }: Variant): fc.Arbitrary<Facts> =>
  fc.record(
    Object.fromEntries(Object.entries(when).map(([name, wanted]) => [name, fc.constantFrom(...[wanted].flat())])),
  );

const anyFacts = fc.dictionary(
  fc.constantFrom(...names, ...NICDEF_KEYWORDS, 'codes', 'first', 'next', 'milliseconds'),
  fc.oneof(fc.constantFrom(...words, 'taken', 'lost', '24/210'), fc.string(), fc.nat()),
);
const anyQuestion = fc.constantFrom(...QUESTION_IDS);

describe('the answers to a question', () => {
  test('are recognised by what was seen, each as itself', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...listed).chain((each) => fc.tuple(fc.constant(each), factsFor(each.variant))),
        ([{ id, variant }, facts]) => {
          expect(findingOf(questionOf(id), facts)).toEqual({ finds: variant.finds, says: variant.says });
        },
      ),
    );
  });

  test('exclude each other: no facts have two of them', () => {
    fc.assert(
      fc.property(anyQuestion, anyFacts, (id, facts) => {
        const { answers } = questionOf(id);
        if (typeof answers === 'function') return;
        const fitting = answers.filter((variant) => findingOf({ answers: [variant] }, facts) !== undefined);
        expect(fitting.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2_000 },
    );
  });

  test('are values that a host can be configured with, whatever was seen', () => {
    fc.assert(
      fc.property(anyQuestion, anyFacts, (id, facts) => {
        const answer = answerOf(id, facts);
        if (answer !== undefined) expect(ProbedBehaviour.parse(answer.finds)).toEqual(answer.finds);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a fact that no answer has makes it a surprise', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...listed).chain((each) => fc.tuple(fc.constant(each), factsFor(each.variant))),
        fc.nat(),
        ([{ id, variant }, facts], which) => {
          const wanted = Object.keys(variant.when);
          const name = wanted[which % wanted.length] ?? '';
          expect(findingOf(questionOf(id), { ...facts, [name]: 'never heard of' })).toBeUndefined();
        },
      ),
    );
  });
});

test('a keyword counts only when it was read back', () => {
  const refused = Object.fromEntries(NICDEF_KEYWORDS.map((keyword) => [keyword, '24/210']));
  expect(answerOf('nicdefKeywords', { ...refused, VLAN: 'taken', PORTTYPE: 'lost' })).toMatchObject({
    finds: { nicdefKeywords: ['VLAN'], nicdefWrite: 'replace' },
    says: 'VLAN; PORTTYPE without an effect',
  });
  expect(answerOf('nicdefKeywords', { ...refused, VLAN: 'taken', PORTTYPE: 'taken' })?.finds.nicdefWrite).toBe(
    'keywords',
  );
  expect(answerOf('nicdefKeywords', { ...refused, VLAN: '100/8' })).toBeUndefined();
});

describe('a question is asked', () => {
  const scene: ProbeScene = {
    userid: Userid.parse('SCRATCH1'),
    vswitch: VswitchName.parse('ZVMPROBE'),
    isOwnVswitch: true,
    vdevs: [Vdev.parse('0F00'), Vdev.parse('0F03'), Vdev.parse('0F06')],
    vlans: [4094, 4093],
    wasRunning: true,
    mayLogOff: false,
  };
  const askable = (changes: Partial<ProbeScene>, directoryAuthorizes = true, known: ProbedBehaviour = {}) =>
    QUESTION_IDS.filter(
      (id) => whyNotAsked(id, known, { scene: { ...scene, ...changes }, directoryAuthorizes }) === undefined,
    );
  const without = (...ids: QuestionId[]) => QUESTION_IDS.filter((id) => !ids.includes(id));
  const AT_LOGON = ['nicdefAlone', 'vlanWinner', 'dnaPorts', 'dnaRegrant', 'dnaRevoke'] as const;

  test('always, of a guest that may be logged off and on where the directory authorises', () => {
    expect(askable({ mayLogOff: true })).toEqual(QUESTION_IDS);
    expect(askable({ mayLogOff: true, wasRunning: false })).toEqual(QUESTION_IDS);
  });

  test('of a running guest that stays so where COUPLE reads the directory; else no NICDEF counts', () => {
    expect(askable({}, true, { coupleReadsDirectory: true })).toEqual(without('loggedOff'));
    expect(askable({}, true, { coupleReadsDirectory: false })).toEqual(without('loggedOff', ...AT_LOGON));
  });

  test('of a guest that is off and stays so only as far as the directory and VSWITCHes are concerned', () => {
    expect(askable({ wasRunning: false }, false)).toEqual([
      'nicdefUpdate',
      'nicdefsAtOnce',
      'nicdefKeywords',
      'directoryTimes',
      'directoryReplace',
      'informative',
      'portNumbersOnUserBased',
      'loggedOff',
    ]);
  });

  test('about the directory as authorisation only where it is one', () => {
    expect(askable({ mayLogOff: true }, false)).toEqual(without('coupleReadsDirectory', ...AT_LOGON));
  });

  test('about VLANs only where z/VM tells them', () => {
    const hidden = { adapterVlan: 'hidden', vlanStatistics: 'hidden' } as const;
    expect(askable({ mayLogOff: true }, true, hidden)).toEqual(without('vlanWinner'));
  });

  test('about a second VSWITCH only where the first is one of the probe', () => {
    expect(askable({ mayLogOff: true, isOwnVswitch: false })).toEqual(without('informative'));
  });
});
