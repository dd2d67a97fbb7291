import { createXcatClient } from '../backend/xcat/rest/client.ts';

/** A port for the historic agent: its row in the `switch` table, which Nova writes. */
export type HistoricPort = { portId: string; node: string; userid: string; macId: string; vdev: string };

const ZHCP = 'zhcp1';
const SET_VSWITCH = '/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Set_Extended';

/**
 * Wire VLAN ports one after another by the calls of the historic agent, nine for each (docs/reference/xcat.md 6.1). Nova's rows
 * are written first and do not count. Answers the total time in seconds.
 */
export async function wireHistorically(url: string, ports: readonly HistoricPort[], vlan: number): Promise<number> {
  const { transport, close } = createXcatClient({
    url,
    username: 'admin',
    password: 'admin',
    timeoutMs: 300_000,
    verifyTls: true,
    credentialsInQuery: false,
  });
  const attribute = (table: string, col: string, value: string, name: string) =>
    transport.request({ method: 'GET', path: `/tables/${table}`, query: { col, value, attribute: name } });
  const put = (path: string, ...body: string[]) => transport.request({ method: 'PUT', path, body });
  const grant = (userid: string, more: string) =>
    put(
      `/nodes/${ZHCP}/dsh`,
      `command=${SET_VSWITCH} -T ${userid} -k switch_name=VSW1 -k grant_userid=${userid}${more}`,
    );
  try {
    for (const { portId, node, vdev } of ports) {
      await put(
        '/tables/switch',
        `switch.node=${node} switch.port=${portId} switch.interface=${vdev} switch.comments=${ZHCP}`,
      );
    }
    const started = performance.now();
    for (const { portId, node, userid, macId, vdev } of ports) {
      await attribute('switch', 'port', portId, 'node');
      await attribute('zvm', 'node', node, 'userid');
      await grant(userid, '');
      await attribute('switch', 'port', portId, 'node');
      await attribute('zvm', 'node', node, 'userid');
      await grant(userid, ` -k user_vlan_id=${vlan}`);
      await put('/tables/switch', `port=${portId} switch.switch=VSW1 switch.vlan=${vlan}`);
      await attribute('switch', 'port', portId, 'interface');
      const nicdef = `NICDEF=VDEV=${vdev} TYPE=QDIO MACID=${macId} LAN=SYSTEM SWITCHNAME=VSW1`;
      await put(`/vms/${node}`, '--smcli', `Image_Definition_Update_DM -T %userid% -k '${nicdef}'`);
    }
    return (performance.now() - started) / 1_000;
  } finally {
    await close();
  }
}
