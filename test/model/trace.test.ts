import { expect, test } from 'vitest';
import { chooseTraces, parseTrace } from '../../model/trace.ts';

const LINES = [
  'ports: 0 1 0',
  'move: accept 0 while 0 7',
  'move: accept 1 while 0 7',
  'move: arrive 1 while 0 7',
  'move: accept 2 while 1 7',
  'move: cancel 2 while 4 1',
  'seen: ended 2 2',
  'move: arrive 0 while 4 1',
  'seen: begin 0',
  'move: terminateRun 0 while 6 0',
  'seen: ended 0 4',
  'seen: begin 1',
  'move: write 0 while 6 1',
  'seen: done 1',
  'seen: ended 1 1',
  'seen: over',
];

test('a trace has the moves of the environment, each with where the guest run was', () => {
  const { moves } = parseTrace(7, LINES);
  expect(moves).toHaveLength(8);
  expect(moves[0]).toEqual({ move: 'accept', operation: 0, while: { phase: 'closed' } });
  expect(moves[4]).toEqual({ move: 'cancel', operation: 2, while: { phase: 'waiting', current: 1 } });
  expect(moves[6]).toEqual({ move: 'terminateRun', while: { phase: 'writing', current: 0 } });
});

test('a trace tells the ports, the order in which words were carried out, and how each operation ended', () => {
  expect(parseTrace(7, LINES)).toMatchObject({
    seed: 7,
    ports: [0, 1, 0],
    carriedOut: [1],
    outcomes: ['lost', 'done', 'cancelled'],
  });
});

test('a simulation that did not come to its end is an error with its seed', () => {
  expect(() => parseTrace(7, LINES.slice(0, -1))).toThrow('seed 7');
});

test('an unknown move is an error', () => {
  expect(() => parseTrace(7, [...LINES, 'move: explode 0 while 0 7'])).toThrow('not a move of the environment');
});

test('traces are chosen for what is new in them', () => {
  const same = [parseTrace(1, LINES), parseTrace(2, LINES)];
  const other = parseTrace(3, [...LINES, 'move: kill 0 while 6 1']);
  expect(chooseTraces([...same, other], 2).map(({ seed }) => seed)).toEqual([3, 1]);
  expect(chooseTraces(same, 5)).toHaveLength(2);
});
