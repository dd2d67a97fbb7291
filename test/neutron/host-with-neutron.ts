import { onTestFinished } from 'vitest';
import { tellOfNeutron } from '../../client/neutron-news.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import type { PortId } from '../../domain/text/identifiers.ts';
import type { SimulatorOptions } from '../../simulator/simulator.ts';
import type { FollowNeutronResult } from '../../workflows/follow-neutron-result.ts';
import { createEnvironment } from '../workflows/environment.ts';
import { MemoryNeutron } from './memory-neutron.ts';

/** A segment of Neutron on a VLAN. */
export const onVlan = (segmentationId: number, physicalNetwork = 'physnet1') => ({
  networkType: 'vlan',
  physicalNetwork,
  segmentationId,
});

/** A simulated z/VM system of this test whose ports are in a Neutron in memory. */
export async function withNeutron(configured: Partial<HostConfiguration> = {}, simulated: SimulatorOptions = {}) {
  const neutron = new MemoryNeutron();
  const there = await createEnvironment(simulated, true, configured, neutron);
  onTestFinished(() => there.close());
  const { client, host } = there;
  const follow = async (...portIds: PortId[]): Promise<FollowNeutronResult> => {
    await tellOfNeutron(client, host, { portIds, networkIds: [] });
    return client.workflow.getHandle(`neutron/${host}`).result();
  };
  return { neutron, host, there, follow };
}
