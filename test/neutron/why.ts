import { expect } from 'vitest';
import type { Cloud } from './real-neutron.ts';

/** The current details of the host's last `followNeutron`. */
export async function lastWord(cloud: Cloud): Promise<unknown> {
  const handle = cloud.environment.client.workflow.getHandle(`neutron/${cloud.host}`);
  return handle.result().catch((error: unknown) => String(error));
}

/** Expect a port's status; a failure names the reason. */
export async function expectStatus(cloud: Cloud, portId: string, wanted: string, timeoutMs?: number): Promise<void> {
  const status = await cloud.status(portId, wanted, timeoutMs);
  const word = status === wanted ? '' : ` (${JSON.stringify(await lastWord(cloud))})`;
  expect(`${status}${word}`).toBe(wanted);
}

/** The results of all runs of the host's `followNeutron` so far. */
export async function allOf(cloud: Cloud): Promise<unknown[]> {
  const { client } = cloud.environment;
  const results: unknown[] = [];
  await lastWord(cloud);
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = 'neutron/${cloud.host}'` }))
    results.push(await client.workflow.getHandle(`neutron/${cloud.host}`, runId).result());
  return results;
}
