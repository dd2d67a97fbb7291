import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { z } from 'zod';
import { HOST, TASK_QUEUE } from './places.ts';
import { runProgram } from './processes.ts';
import type { Random } from './random.ts';
import { type PortRequest, type Request, workflowInput } from './requests.ts';

/** The Workflow ID of an accepted operation; undefined where its issuer never learned it. */
export type Acceptance = { workflowId: string } | undefined;

/** One of the ways in. */
export type Way = { send(request: Request, key: string): Promise<Acceptance> };

const ANSWER_MS = 20_000;
const ZVMNET_MS = 60_000;

/**
 * The HTTP API, through any of the gateways. A request whose answer is lost is sent again with its Idempotency-Key until it is answered, so that its
 * acceptance is known. `isOver` ends that.
 */
export function byHttp(gateways: readonly string[], random: Random, isOver: () => boolean): Way {
  const [first = '', ...others] = gateways;
  return {
    async send(request, key) {
      const { method, path, body } = httpOf(request);
      while (!isOver()) {
        const url = `${random.pick([first, ...others])}/v1/hosts/${HOST}/${path}`;
        const answer = await fetch(url, {
          method,
          headers: { 'idempotency-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(ANSWER_MS),
        }).catch(() => undefined);
        const text = await answer?.text().catch(() => undefined);
        if (answer !== undefined && text !== undefined && !isTransient(answer.status)) {
          if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
          return { workflowId: Accepted.parse(JSON.parse(text)).id.replaceAll('~', '/') };
        }
        await sleep(random.between(200, 1_000));
      }
      return undefined;
    },
  };
}

const Accepted = z.object({ id: z.string() });

function isTransient(status: number): boolean {
  return status >= 500 || status === 429;
}

/** Temporal itself, as by the UI's Start or any SDK: only the workflow's type, its task queue and a Workflow ID. */
export function byTemporal(client: Client, isOver: () => boolean): Way {
  return {
    async send(request, key) {
      const workflowId = `own/${key}`;
      while (!isOver()) {
        try {
          await client.withDeadline(Date.now() + ANSWER_MS, () =>
            client.workflow.start(request.type, {
              taskQueue: TASK_QUEUE,
              workflowId,
              workflowIdReusePolicy: 'REJECT_DUPLICATE',
              args: [workflowInput(request)],
            }),
          );
          return { workflowId };
        } catch (error) {
          // An earlier answer was lost: the operation is started already.
          if (error instanceof WorkflowExecutionAlreadyStartedError) return { workflowId };
          await sleep(500);
        }
      }
      return undefined;
    },
  };
}

/** The command zvmnet, run once: only Temporal shows whether a failed command has started an operation. */
export function byZvmnet(env: NodeJS.ProcessEnv, folder: string): Way {
  return {
    async send(request) {
      const args = zvmnetOf(request);
      if (args === undefined) throw new Error(`zvmnet has no command for ${request.type}`);
      const all = [...args, '--host', HOST, '--no-wait', '--json', ...(request.dryRun ? ['--dry-run'] : [])];
      const command = {
        name: 'zvmnet',
        file: join('cli', 'main.ts'),
        args: all,
        env,
        logFile: join(folder, 'zvmnet.log'),
      };
      const { code, output } = await runProgram(command, ZVMNET_MS);
      if (code === 2) throw new Error(`zvmnet ${all.join(' ')}: wrong usage`);
      const accepted = code === 0 ? Accepted.safeParse(JSON.parse(output)).data : undefined;
      return accepted === undefined ? undefined : { workflowId: accepted.id.replaceAll('~', '/') };
    },
  };
}

/** True when zvmnet has a command for the request. */
export function isForZvmnet(request: Request): boolean {
  return zvmnetOf(request) !== undefined;
}

function zvmnetOf(request: Request): string[] | undefined {
  if (request.type === 'wirePorts') return undefined;
  const { type, place, input } = request;
  const { portId, userid } = place;
  const vlan = (of: unknown) => String(Vlan.parse(of).network.segmentationId);
  const create = (port: unknown) => [
    ...['port', 'create', '--guest', userid, '--vswitch', place.vswitch, '--vlan', vlan(port)],
    ...['--id', portId, ...(place.vdev === undefined ? ['--mac', place.mac] : ['--vdev', place.vdev])],
  ];
  switch (type) {
    case 'createPort':
      return create(input);
    case 'attachNic': {
      const [port] = z.array(z.unknown()).parse(input.ports);
      return Vlan.safeParse(port).success ? [...create(port), '--live'] : ['nic', 'attach', portId];
    }
    case 'changeVlan':
      return ['port', 'set-vlan', portId, vlan(input)];
    case 'setAdminState':
      return ['port', input.adminStateUp === true ? 'up' : 'down', portId];
    case 'detachNic':
      return ['nic', 'detach', portId];
    case 'deletePort':
      return ['port', 'delete', portId];
  }
}

const Vlan = z.object({ network: z.object({ segmentationId: z.number() }) });

function httpOf(request: Request): { method: string; path: string; body?: unknown } {
  const query = request.dryRun ? '?dryRun=true' : '';
  const { dryRun: _dryRun, ...input } = request.input;
  if (request.type === 'wirePorts') return { method: 'POST', path: `ports${query}`, body: input };
  return portRequestOf(request, input, query);
}

function portRequestOf({ type, place }: PortRequest, input: Record<string, unknown>, query: string) {
  const guest = `guests/${place.userid}`;
  const port = `${guest}/ports/${place.portId}${query}`;
  const { portId: _portId, ...body } = input;
  switch (type) {
    case 'createPort':
      return { method: 'PUT', path: port, body };
    case 'attachNic':
      return { method: 'POST', path: `${guest}/nics${query}`, body };
    case 'changeVlan':
    case 'setAdminState':
      return { method: 'PATCH', path: port, body };
    case 'detachNic':
      return { method: 'DELETE', path: `${guest}/nics/${place.portId}${query}` };
    case 'deletePort':
      return { method: 'DELETE', path: port };
  }
}
