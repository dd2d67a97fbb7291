import { parseVdev } from '../directory/nicdef.ts';
import { runShell } from '../shell/interpreter.ts';
import type { ManagementNode } from '../xcat/management-node.ts';
import type { Element } from '../xcat/tables.ts';
import type { ZvmSystem } from '../zvm/system.ts';

type Target = { userid: string; hcp: string; system: ZvmSystem };

/** `PUT /vms/<node>`: chvm (docs/reference/xcat.md 3.2). In the silent mode a failed smcli leaves no trace in the answer. */
export async function chvm(mn: ManagementNode, node: string, body: readonly string[]): Promise<Element[]> {
  const words = body.flatMap((entry) => entry.split(' '));
  const target = resolve(mn, node);
  if (Array.isArray(target)) return target;
  const commands = translate(words, target);
  if (!commands) return [error(node, `Option '${words[0] ?? ''}' not supported on chvm`)];
  const machine = mn.machine(target.system.zhcpNode);
  if (!machine) return [error(node, `unable to communicate with the zhcp system: ${target.hcp}`)];
  const texts: string[] = [];
  for (const command of commands) texts.push((await runShell(machine, `/opt/zhcp/bin/smcli ${command}`)).stdout);
  if (mn.settings.chvm === 'silent') return [];
  return texts.map((text) => printLine(text.trimEnd().replaceAll(/^/gm, `${node}: `)));
}

/** `GET /vms/<node>`: lsvm with its networking queries (docs/reference/xcat.md 3.3). */
export async function lsvm(mn: ManagementNode, node: string, query: URLSearchParams): Promise<Element[]> {
  const target = resolve(mn, node);
  if (Array.isArray(target)) return target;
  const { system, userid } = target;
  if (query.has('networknames')) {
    const lines = [...system.vswitches.keys()].map((name) => `${node}: VSWITCH SYSTEM ${name}`);
    return [{ info: [lines.join('\n')] }];
  }
  const machine = mn.machine(system.zhcpNode);
  if (!machine) return [error(node, `unable to communicate with the zhcp system: ${target.hcp}`)];
  const { stdout, status } = await runShell(machine, `/opt/zhcp/bin/smcli Image_Query_DM -T ${userid}`);
  if (status !== 0) return [error(node, `calling smcli Image_Query_DM -T ${userid}`)];
  const entry = stdout.slice(0, stdout.indexOf('*DVHOPT'));
  const wanted = query.get('checknics');
  if (wanted === null) return [{ info: [entry.trimEnd().replaceAll(/^/gm, `${node}: `)] }];
  const found = wanted
    .split(',')
    .every((vdev) => new RegExp(`NICDEF 0*${quoteForRegExp(vdev)} TYPE QDIO LAN SYSTEM `, 'i').test(entry));
  return found ? [{ info: [null] }] : [error(node, `not able to find ${wanted} in user direct`)];
}

function quoteForRegExp(text: string): string {
  return text.replaceAll(/[^0-9A-Za-z]/g, '\\$&');
}

function error(node: string, text: string): Element {
  return { error: [`${node}: (Error) ${text}`], errorcode: ['1'] };
}

function resolve(mn: ManagementNode, node: string): Target | Element[] {
  const hcp = mn.tables.nodeValue('zvm', node, 'hcp');
  const userid = mn.tables.value('zvm', 'node', node, 'userid');
  if (!hcp) return [error(node, 'Missing node HCP')];
  if (!userid) return [error(node, 'Missing user ID')];
  const system = mn.systemOf(hcp);
  return system
    ? { hcp, userid: userid.toUpperCase(), system }
    : [error(node, `unable to communicate with the zhcp system: ${hcp}`)];
}

/** zvm.pm's printLn: what looks like a failure becomes an error element. */
function printLine(text: string): Element {
  return /(\(error\)|\s*failed)/i.test(text) ? { error: [text], errorcode: ['1'] } : { info: [text] };
}

function translate([option = '', ...args]: string[], { userid, system }: Target): string[] | null {
  const [first = '', second = '', third = ''] = args;
  const prefix = 'Virtual_Network_Adapter';
  const running = system.guest(userid)?.loggedOn === true;
  const grant = (name: string) =>
    `Virtual_Network_Vswitch_Set_Extended -T ${userid} -k switch_name=${name} -k grant_userid=${userid} -k persist=YES`;
  switch (option) {
    case '--smcli':
      return [
        args
          .join(' ')
          .replace(/^"(.*)"$/s, '$1')
          .replaceAll('%userid%', userid),
      ];
    case '--addnic':
      return [`${prefix}_Create_DM -T ${userid} -v ${first} -a ${second === 'QDIO' ? 2 : 1} -n ${third}`];
    case '--grantvswitch':
      return [grant(first)];
    case '--connectnic2vswitch': {
      const link = `-T ${userid} -v ${first} -n ${second}`;
      const live = running ? [`${prefix}_Connect_Vswitch ${link}`] : [];
      return [grant(second), `${prefix}_Connect_Vswitch_DM ${link}`, ...live];
    }
    case '--connectnic2guestlan': {
      const live = running ? [`${prefix}_Connect_LAN -T ${userid} -v ${first} -l ${second} -o ${third}`] : [];
      return [...live, `${prefix}_Connect_LAN_DM -T ${userid} -v ${first} -n ${second} -o ${third}`];
    }
    case '--disconnectnic':
      return [`${prefix}_Disconnect_DM -T ${userid} -v ${first}`];
    case '--removenic':
      return parseVdev(first) === null ? null : [`${prefix}_Delete_DM -T ${userid} -v ${first}`];
    default:
      return null;
  }
}
