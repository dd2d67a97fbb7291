import { BackendError } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';
import { singleFlight } from '../../waiting.ts';
import { refuseErrors } from '../rest/answers.ts';
import type { Transport } from '../rest/transport.ts';
import { type ManagementNodeShell, NoShell } from '../zhcp/management-node-shell.ts';

/** The management node's `/etc/hosts`, and its DNS, as xCAT makes them of its `hosts` table. */
export type NameService = {
  /** Take the names that a node has in the table now out of `/etc/hosts` (`makehosts <node> -d`): before its row changes. */
  forget(node: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** Write what the table says (`PUT /networks/makehosts`, docs/reference/xcat.md 3.4); who asks at the same time shares a call. */
  announce(withDns: boolean): Promise<void>;
};

/** Create the name service of one management node. Its methods throw BackendError 'refused' with xCAT's reason. */
export function createNameService(transport: Transport, shell: ManagementNodeShell): NameService {
  const make = (command: 'makehosts' | 'makedns') =>
    singleFlight(async () => {
      const path = `/networks/${command}`;
      refuseErrors(await transport.request({ method: 'PUT', path }), `PUT ${path}`);
    });
  const makehosts = make('makehosts');
  const makedns = make('makedns');
  return {
    async forget(node, options) {
      const operation = `take ${node} out of the hosts file`;
      try {
        const [outcome] = await shell.run([[{ argv: ['/opt/xcat/sbin/makehosts', node, '-d'] }]], options);
        if (outcome?.ran === true && outcome.exitStatus === 0) return;
        const reason = outcome?.ran === true ? plainText(outcome.output) : '';
        throw new BackendError({ code: 'refused', operation, message: `${operation}: ${reason || 'no reason given'}` });
      } catch (error) {
        // Without a shell, old names stay in the file until their address is another node's: makehosts then writes over them.
        if (!(error instanceof NoShell)) throw error;
      }
    },
    async announce(withDns) {
      await makehosts();
      if (withDns) await makedns();
    },
  };
}
