import type { Context } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';
import { readGuestRunHistory } from '../../activities/guest-run-history.ts';

const PORT = '00000000-0000-4000-8000-000000000001';
const REQUEST = {
  ...{ id: 'wiring/0', runId: 'run-of-wiring', acceptedAt: 1_000, dryRun: false },
  operation: { workflowId: 'wirePorts/zvm1/1' },
  change: { kind: 'wirePorts' },
};
const ANSWERED = { id: 'wiring/0', operation: 'wirePorts/zvm1/1', runId: 'run-of-wiring' };
const DONE = { requestId: 'wiring/0', kind: 'done', result: { found: { portIds: [PORT] } } };

const payloads = (...values: unknown[]) => ({
  payloads: values.map((value) => defaultPayloadConverter.toPayload(value)),
});
const started = (lent?: unknown) => ({
  eventId: 1,
  workflowExecutionStartedEventAttributes: { input: payloads({ host: 'zvm1', userid: 'LNX1', lent }) },
});
const given = (how: unknown, eventId = 2) => ({
  eventId,
  workflowExecutionSignaledEventAttributes: { signalName: 'giveBack', input: payloads(how) },
});

function read(...events: object[]) {
  const client = {
    options: { loadedDataConverter: { payloadCodecs: [] } },
    workflow: { getHandle: () => ({ fetchHistory: async () => ({ events }) }) },
  };
  return readGuestRunHistory(client as unknown as Context['client'], 'guest/zvm1/LNX1', 'run');
}

const LENT = started({ request: REQUEST, borrower: {} });

test('a run that ends while its guest is lent may have begun: a repeated request is not carried out', async () => {
  expect(await read(LENT)).toMatchObject({
    unanswered: [{ id: 'wiring/0', operation: 'wirePorts/zvm1/1', began: true }],
    answered: [ANSWERED],
    undelivered: [],
  });
});

test('one whose guest was given back untouched has not begun', async () => {
  expect(await read(LENT, given({ requestId: 'wiring/0', kind: 'untouched' }))).toMatchObject({
    unanswered: [{ id: 'wiring/0', began: false }],
    answered: [],
  });
});

test('one whose guest was given back with steps begun has begun', async () => {
  expect(await read(LENT, given({ requestId: 'wiring/0', kind: 'begun' }))).toMatchObject({
    unanswered: [{ id: 'wiring/0', began: true }],
    words: {},
  });
});

test('a guest that was given back as done is answered, and the word on its ports stands', async () => {
  expect(await read(LENT, given(DONE))).toEqual({
    unanswered: [],
    undelivered: [],
    answered: [ANSWERED],
    words: { [PORT]: { acceptedAt: 1_000, operation: 'wirePorts/zvm1/1' } },
  });
});

test('nonsense as a loan, and as the end of one, says nothing', async () => {
  const nothing = { unanswered: [], undelivered: [], answered: [], words: {} };
  for (const lent of [null, 7, {}, { request: null }, { request: { id: 'x' } }])
    expect(await read(started(lent), given(DONE))).toEqual(nothing);
  for (const how of [null, 'done', {}, { kind: 'done' }, { ...DONE, requestId: 'another/0' }])
    expect(await read(LENT, given(how))).toEqual(await read(LENT));
});
