import { expect, test } from 'vitest';
import { parsePanOutput } from '../../model/pan-output.ts';

const report = (errors: number, states = '778294') => `
(Spin Version 6.5.2 -- 6 December 2019)

Full statespace search for:
	never claim         	- (none specified)
	assertion violations	+
	invalid end states	+

State-vector 188 byte, depth reached 143, errors: ${errors}
   ${states} states, stored
  1406911 states, matched
`;

test('a search without errors found nothing', () => {
  expect(parsePanOutput(report(0))).toEqual({ found: 'none', states: 778_294 });
});

test('a number of states in exponential notation is read', () => {
  expect(parsePanOutput(report(0, '1.18406e+07')).states).toBe(11_840_600);
});

test('a violated assertion is called by the name that it ends with', () => {
  const error = 'pan:1: assertion violated ( !(writeUnderWay)||oneWriter) (at depth 71)\npan: wrote model.pml.trail\n';
  expect(parsePanOutput(error + report(1)).found).toBe('oneWriter');
});

test('a state in which an operation waits for ever is an operation that does not end', () => {
  expect(parsePanOutput(`pan:1: invalid end state (at depth 28)\n${report(1)}`).found).toBe('eachOperationEnds');
});

test('an execution that goes on for ever is a loop', () => {
  expect(parsePanOutput(`pan:1: non-progress cycle (at depth 14)\n${report(1)}`).found).toBe('noLoop');
});

test.each(['error: max search depth too small', 'pan: reached -DMEMLIM bound', 'Warning: Search not completed'])(
  'a search that did not come to its end proves nothing: %s',
  (line) => {
    expect(parsePanOutput(`${line}\n${report(0)}`).found).toBe('incomplete');
  },
);

test('an assertion without a name is an error', () => {
  const error = 'pan:1: assertion violated (zvm[0]==1) (at depth 3)\n';
  expect(() => parsePanOutput(error + report(1))).toThrow('an error that is not an invariant');
});

test('errors that are counted and not named are an error', () => {
  expect(() => parsePanOutput(report(1))).toThrow('errors without a name');
});

test('output that is no report is an error', () => {
  expect(() => parsePanOutput('Segmentation fault')).toThrow('not a report of a search');
});
