import type { Client } from '@temporalio/client';
import { taskQueueOf } from '../domain/host/host.ts';
import { searchAttributesOf } from '../temporal-config/search-attributes.ts';
import type { followNeutron } from '../workflows/follow-neutron.ts';
import type { NeutronNews } from '../workflows/follow-neutron-result.ts';
import { originMemo } from './origin.ts';

/**
 * Tell the host's `followNeutron` of ports and networks that Neutron has said something of; its Workflow ID is `neutron/<host>`. Starts it when
 * it does not run.
 */
export async function tellOfNeutron(client: Client, host: string, news: NeutronNews): Promise<void> {
  await client.workflow.signalWithStart<typeof followNeutron, [NeutronNews]>('followNeutron', {
    taskQueue: taskQueueOf(host),
    workflowId: `neutron/${host}`,
    args: [{ host }],
    signal: 'neutronNews',
    signalArgs: [news],
    typedSearchAttributes: searchAttributesOf({ host, by: 'neutron' }),
    memo: originMemo({ by: 'neutron', via: 'neutron' }),
    staticSummary: `changes of ${host} at Neutron`,
  });
}
