import { sleep } from '../flow.ts';
import type { External, Io } from '../shell/machine.ts';
import type { Element, Tables } from './tables.ts';

/** The state that the commands work on. */
type Database = { tables: Tables; files: Map<string, string>; makehosts(argv: readonly string[]): Element[] };

/**
 * xCAT's own commands, as root has them in the management node's shell: clients of xcatd that print its answer's data, errors as
 * `Error: …` to stderr, and exit with its error code (xcat-core, xCAT-client).
 */
export function xcatCommands(mn: Database, commandMs: number): Record<string, External> {
  const { tables } = mn;
  const client =
    (answer: (argv: string[], io: Io) => Element[]): External =>
    async (argv, io) => {
      if (commandMs > 0) await sleep(commandMs);
      return print(answer(argv, io), io);
    };
  const commands: Record<string, External> = {
    tabch: client((argv) => tables.change(argv)),
    tabdump: client(([table]) => (table === undefined ? [{ data: tables.names() }] : tables.dump(table))),
    tabrestore: client((argv) => tabrestore(tables, argv, (path) => mn.files.get(path))),
    makehosts: client((argv) => mn.makehosts(argv)),
  };
  const absolute = Object.entries(commands).map(([name, run]) => [`/opt/xcat/sbin/${name}`, run] as const);
  return { ...commands, ...Object.fromEntries(absolute) };
}

/** The table is named by the file, as the real one has it: `switch.csv`, up to the first dot. */
function tabrestore(tables: Tables, argv: string[], readFile: (path: string) => string | undefined): Element[] {
  const addRows = argv[0] === '-a' || argv[0] === '--addrows';
  const file = addRows ? argv[1] : argv[0];
  if (file === undefined || file.startsWith('-'))
    return [{ data: ['Usage: tabrestore [-a] <tablename>.csv'], errorcode: ['2'] }];
  const text = readFile(file);
  if (text === undefined) return [{ data: [`Error: Unable to open ${file} for reading.`], errorcode: ['3'] }];
  const table = (file.split('/').at(-1) ?? '').replace(/\..*$/, '');
  return tables.restore(table, text.split('\n'), addRows);
}

function print(elements: Element[], io: Io): number {
  let status = 0;
  for (const element of elements) {
    for (const line of texts(element.data)) io.out.write(line.endsWith('\n') ? line : `${line}\n`);
    for (const line of texts(element.error)) io.err.write(`Error: ${line}\n`);
    const [code] = texts(element.errorcode);
    if (code !== undefined && code !== '0') status = Number(code);
  }
  return status;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}
