import type { SimulatorOptions } from '../../simulator/simulator.ts';
import { startSimulator } from '../../simulator/simulator.ts';

export type Reply = { status: number; type: string; text: string; json: () => { data: Record<string, unknown>[] } };

/** A running simulator with the few calls the tests make. */
export async function harness(options: SimulatorOptions = {}) {
  const simulator = await startSimulator({ release: '6.3', ...options });
  const call = async (method: string, path: string, body?: unknown, query = ''): Promise<Reply> => {
    const url = `${simulator.url}/xcatws${path}?userName=admin&password=admin&format=json${query}`;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const init = body === undefined ? { method } : { method, body: text, headers: { 'content-type': 'text/plain' } };
    const response = await fetch(url, init);
    const answer = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, text: answer, json: () => JSON.parse(answer) };
  };
  const dsh = async (node: string, command: string) =>
    (await call('PUT', `/nodes/${node}/dsh`, [`command=${command}`])).json().data;
  const smcli = async (...argv: string[]): Promise<string> => {
    const words = argv.map((word) => `'${word}'`).join(' ');
    const elements = await dsh('zhcp1', `/opt/zhcp/bin/smcli ${words}`);
    const chunks = elements.flatMap((each) => (Array.isArray(each.data) ? each.data : []));
    return chunks
      .filter((each) => each !== null)
      .join('\n')
      .replaceAll(/^zhcp1: ?/gm, '');
  };
  const control = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    return (await fetch(`${simulator.url}/simulator${path}`, init)).json();
  };
  return { simulator, call, dsh, smcli, control, close: simulator.close };
}
