import { expect, test } from 'vitest';
import { type Span, startCollector } from './collector.ts';
import { startPrograms, wirePort } from './programs.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

/** The names of a span and of those that it belongs to, from the outermost. */
function pathOf(span: Span, all: readonly Span[]): string[] {
  const parent = all.find(({ spanId }) => spanId === span.parentSpanId);
  return [...(parent === undefined ? [] : pathOf(parent, all)), span.name];
}

test("a request's trace goes from the caller through operation, guest run and activities to SMAPI's functions", async () => {
  const { env, spans } = await startCollector();
  const programs = await startPrograms(env);
  const answer = await wirePort(programs, 'LNX10001', { traceparent: `00-${TRACE}-${CALLER}-01` });
  expect(answer.status, await answer.text()).toBe(200);
  const operation = answer.headers.get('location');

  const named = (name: string) => spans.filter((span) => span.name === name);
  await expect.poll(() => named('GuestRequest').length).toBe(1);
  await expect.poll(() => named('RunWorkflow:createPort').length).toBe(1);
  await expect.poll(() => spans.some(({ parentSpanId }) => parentSpanId === CALLER)).toBe(true);
  const ours = spans.filter(({ traceId }) => traceId === TRACE);
  const [request] = ours.filter(({ parentSpanId }) => parentSpanId === CALLER);
  expect(request, 'the gateway continues the trace of its caller').toMatchObject({
    name: 'PUT /v1/hosts/:host/guests/:userid/ports/:portId',
    service: 'networking-zvm-gateway',
    attributes: { 'http.response.status_code': 200 },
  });
  const functions = ours.filter((span) => 'smcli.function' in span.attributes);
  const change = functions.find(({ attributes }) => attributes['zvm.lane'] === 'directory');
  expect(change?.attributes).toMatchObject({
    'smcli.function': expect.arrayContaining([expect.stringMatching(/_DM$/)]),
    'smapi.rc': 0,
    'zvm.host': programs.host,
  });
  expect(change && pathOf(change, ours)).toEqual([
    'PUT /v1/hosts/:host/guests/:userid/ports/:portId',
    'RunWorkflow:createPort',
    'GuestRequest',
    'RunActivity:applySteps',
    change?.name,
  ]);
  const calls = ours.filter(({ attributes }) => attributes['peer.service'] === 'xCAT');
  expect(calls.map(({ name }) => name)).toContain('xCAT PUT /nodes/zhcp1/dsh');
  expect(calls.every((call) => pathOf(call, ours).length > 3)).toBe(true);
  expect(JSON.stringify(spans)).not.toContain('admin');
  expect(operation).toBeTruthy();

  const logged = programs.gateway
    .said()
    .split('\n')
    .find((line) => line.includes('"msg":"request"') && line.includes('PUT'));
  expect(JSON.parse(logged ?? '{}')).toMatchObject({
    trace_id: TRACE,
    operation: expect.stringMatching(/^create-port~/),
  });
});

test('without an endpoint no program makes traces', async () => {
  const programs = await startPrograms();
  const answer = await wirePort(programs, 'LNX10002', { traceparent: `00-${TRACE}-${CALLER}-01` });
  expect(answer.status, await answer.text()).toBe(200);
  expect(programs.gateway.said()).not.toContain('trace_id');
});
