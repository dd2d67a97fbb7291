import { expect } from 'vitest';
import type { Cloud } from './real-neutron.ts';

/** What the host's `followNeutron` said last. */
export async function lastWord(cloud: Cloud): Promise<unknown> {
  const handle = cloud.environment.client.workflow.getHandle(`neutron/${cloud.host}`);
  return handle.result().catch((error: unknown) => String(error));
}

/** A port gets the status; when it does not, the reason stands in the failure. */
export async function expectStatus(cloud: Cloud, portId: string, wanted: string, timeoutMs?: number): Promise<void> {
  const status = await cloud.status(portId, wanted, timeoutMs);
  const word = status === wanted ? '' : ` (${JSON.stringify(await lastWord(cloud))})`;
  expect(`${status}${word}`).toBe(wanted);
}

/** What all runs of the host's `followNeutron` have said so far. */
export async function allOf(cloud: Cloud): Promise<unknown[]> {
  const { client } = cloud.environment;
  const results: unknown[] = [];
  await lastWord(cloud);
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = 'neutron/${cloud.host}'` }))
    results.push(await client.workflow.getHandle(`neutron/${cloud.host}`, runId).result());
  return results;
}
