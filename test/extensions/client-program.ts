// A user's program: it is compiled and run in a folder of its own (client.test.ts).
import { createClient, OperationFailed, OperationOpen, ZvmProblem } from 'networking-zvm-client';

declare const process: { argv: string[]; stdout: { write(text: string): void } };

const [, , url = '', token = '', host = ''] = process.argv;
const reason = 'CHG0012345 – für Müller';
const zvm = createClient({ url, token: () => Promise.resolve(token), reason });
const portId = '00000000-0000-4000-8000-000000000001';
const path = { host, userid: 'LNX10001' };
const ports = '/v1/hosts/{host}/guests/{userid}/ports';
const onVlan = (segmentationId: number) => ({
  ports: [{ portId, vswitch: 'VSW1', network: { type: 'vlan' as const, segmentationId } }],
  live: true,
});

/** The error that a promise is rejected with. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const header = { 'idempotency-key': 'port-1' };
const started = await zvm.body(zvm.api.POST(ports, { params: { path, header }, body: onVlan(1001) }));
const ended = await zvm.ended(started);
const again = await zvm.body(zvm.api.POST(ports, { params: { path, header }, body: onVlan(1001) }));
const port = await zvm.body(zvm.api.GET(`${ports}/{portId}`, { params: { path: { ...path, portId } } }));

const elsewhere = zvm.api.POST(ports, {
  params: { path: { host, userid: 'NOSUCH' }, header: { prefer: 'wait=60' } },
  body: onVlan(1001),
});
const refused = await errorOf(elsewhere);
if (!(refused instanceof ZvmProblem)) throw refused;

const unknown = await zvm.body(
  zvm.api.POST(ports, { params: { path: { host, userid: 'NOSUCH' } }, body: onVlan(1001) }),
);
const failed = await errorOf(zvm.ended(unknown));
if (!(failed instanceof OperationFailed)) throw failed;

const slow = await zvm.body(
  zvm.api.PATCH(`${ports}/{portId}`, {
    params: { path: { ...path, portId } },
    body: { network: { type: 'vlan', segmentationId: 1002 } },
  }),
);
const open = await errorOf(zvm.ended(slow, { timeoutSeconds: 0 }));
if (!(open instanceof OperationOpen)) throw open;
await zvm.ended(slow);

/** The tries of a request whose first answer is *try again*. */
async function triesOf(call: (flaky: typeof zvm) => Promise<unknown>): Promise<number> {
  let tries = 0;
  const flaky = createClient({
    url,
    token,
    fetch: (request) => {
      tries += 1;
      return tries === 1 ? Promise.resolve(new Response('', { status: 503 })) : fetch(request);
    },
  });
  await call(flaky).catch(() => {});
  return tries;
}
const change = (headers: { 'idempotency-key'?: string }) =>
  triesOf((flaky) =>
    flaky.api.POST(ports, { params: { path, header: headers, query: { dryRun: 'true' } }, body: onVlan(1002) }),
  );

process.stdout.write(
  JSON.stringify({
    outcome: ended.outcome,
    network: port.record.network,
    vlans: port.actual.live?.vlans ?? port.actual.authorisation?.vlans,
    again: again.runId === started.runId,
    refused: { kind: refused.kind, field: refused.errors[0]?.field, page: refused.page },
    failed: failed.operation.failure?.type,
    open: open.reason,
    reason: ended.origin?.reason,
    tries: {
      reading: await triesOf((flaky) => flaky.api.GET('/v1/hosts')),
      change: await change({}),
      withKey: await change({ 'idempotency-key': 'dry-1' }),
    },
  }),
);
