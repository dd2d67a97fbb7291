import { type Stack, startStack } from '../../demo/stack.ts';
import { playScene, type Scene } from './scene.ts';

/** A separate stack on which a scene has been played. */
export type PlayedStage = { stack: Stack; scene: Scene };

/** Start Temporal with its UI, the simulator and the workers of two hosts, and play the scene on them. */
export async function setStage(): Promise<PlayedStage> {
  const stack = await startStack({
    hosts: 2,
    guestsPerHost: 12,
    reconcileSeconds: 10,
    releases: ['6.3'],
    say: () => {},
  });
  try {
    return { stack, scene: await playScene({ client: stack.client, simulatorUrl: stack.simulator.url }) };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
