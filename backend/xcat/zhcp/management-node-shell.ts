import { BackendError } from '../../backend-error.ts';
import type { Command, CommandChannel, CommandOutcome, RunOptions } from './channel.ts';

/** The management node has no shell that scripts can be given to, or not one with xCAT's commands. */
export class NoShell extends Error {}

export type ManagementNodeShell = {
  /**
   * Run chains of xCAT's own commands on the management node, as the channel does. Throws NoShell where that cannot be, at once when it is
   * known already.
   */
  run(chains: readonly (readonly Command[])[], options?: RunOptions): Promise<CommandOutcome[]>;
};

const NOT_FOUND = 127;

/** The shell of the management node. That there is none is found out once, and said in one warning. */
export function createManagementNodeShell(
  channel: () => Promise<CommandChannel>,
  onWarning: (warning: string) => void = () => undefined,
): ManagementNodeShell {
  let missing = false;
  const none = (): NoShell => {
    if (!missing) onWarning('the management node runs no scripts: xCAT tables are changed row by row, which is slower');
    missing = true;
    return new NoShell('the management node has no shell for scripts');
  };
  return {
    async run(chains, options) {
      if (missing) throw none();
      try {
        const outcomes = await (await channel()).run(chains, options);
        if (outcomes.some((outcome) => outcome.ran && outcome.exitStatus === NOT_FOUND)) throw none();
        return outcomes;
      } catch (error) {
        if (error instanceof BackendError && ['unknown-node', 'unauthorised'].includes(error.code)) throw none();
        throw error;
      }
    },
  };
}
