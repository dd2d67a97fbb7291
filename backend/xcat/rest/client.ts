import { defined } from '../../../domain/defined.ts';
import { BackendError } from '../../backend-error.ts';
import { dumpTables } from '../tables/bulk-dump.ts';
import { createNameService, type NameService } from '../tables/name-service.ts';
import { createTableWriter, type TableWriter } from '../tables/table-writer.ts';
import { changeTable, dumpTable, getAttribute, type Row, type TableName } from '../tables/tables.ts';
import { type ChannelOptions, type CommandChannel, createCommandChannel } from '../zhcp/channel.ts';
import { managementNodeName } from '../zhcp/management-node.ts';
import { createManagementNodeShell, type ManagementNodeShell } from '../zhcp/management-node-shell.ts';
import { refuseErrors } from './answers.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';

/** The oldest xCAT that networking-zvm has declared to work with (docs/reference/xcat.md 4). */
export const MINIMUM_XCAT_VERSION = '2.8.3.16';

export type XcatClientOptions = TransportOptions & ChannelOptions;

type Abortable = { signal?: AbortSignal };

/** The calls to one management node. */
export type XcatCalls = {
  transport: Transport;
  /** Writes to xCAT's tables; those that wait together share a call. */
  tableWriter: TableWriter;
  nameService: NameService;
  /** xCAT's version, `2.8.3.16`. Throws BackendError 'bad-answer' when there is none in the answer. */
  version(options?: Abortable): Promise<string>;
  /** The version, and whether it is at least MINIMUM_XCAT_VERSION. */
  checkVersion(options?: Abortable): Promise<{ version: string; supported: boolean }>;
  /** dumpTable, getAttribute and changeTable of tables.ts on this client's transport. */
  tables: {
    dump(table: TableName, options?: Abortable): Promise<Row[]>;
    /** Several tables in one call, where the management node has a shell. */
    dumpAll<Name extends TableName>(tables: readonly Name[]): Promise<Record<Name, Row[]>>;
    getAttribute(
      table: TableName,
      keyColumn: string,
      key: string,
      attribute: string,
      options?: Abortable,
    ): Promise<string | undefined>;
    change(table: TableName, entries: readonly string[], options?: Abortable): Promise<void>;
  };
  /** The management node's own node name, looked up once. Throws BackendError 'refused' when xCAT's tables do not say it. */
  managementNode(options?: Abortable): Promise<string>;
  /** The command channel to a zHCP; those who use the same node share calls. */
  channel(zhcpNode: string): CommandChannel;
  /** Drop all connections; what is in flight fails. */
  close(): Promise<void>;
};

/** Places of scripts on the management node, which asks SMAPI for nothing: four in each call, one for each table of a reading. */
const ON_MANAGEMENT_NODE = 17;

/** The calls of bulk operations, and those of operations on their own, which wait for none of them. */
export type XcatClient = XcatCalls & { single: XcatCalls };

/** Client of one xCAT MN. Throws what createTransport throws for wrong options; connects at the first call. */
export function createXcatClient(
  options: XcatClientOptions,
  transport: Transport = createTransport(options),
): XcatClient {
  const channels = new Map<string, CommandChannel>();
  const version = ({ signal }: Abortable = {}) => readVersion(transport, signal);
  let managementNodeKnown: string | undefined;
  const managementNode = async (abortable: Abortable = {}) => {
    managementNodeKnown ??= await managementNodeName(transport, abortable);
    return managementNodeKnown;
  };
  const channelTo = (node: string) => {
    const places = node === managementNodeKnown ? { parallel: ON_MANAGEMENT_NODE } : {};
    const channel = channels.get(node) ?? createCommandChannel(transport, node, { ...options, ...places });
    channels.set(node, channel);
    return channel;
  };
  const shell = createManagementNodeShell(async () => channelTo(await managementNode()), options.onWarning);
  // All names are written anew at once, whoever asks.
  const { announce } = createNameService(transport, shell);
  const callsOf = (single: boolean): XcatCalls => {
    const ofKind: ManagementNodeShell = { run: (chains, more) => shell.run(chains, { ...more, single }) };
    return {
      transport,
      tableWriter: createTableWriter(transport, ofKind),
      nameService: { ...createNameService(transport, ofKind), announce },
      managementNode,
      version,
      async checkVersion(abortable) {
        const found = await version(abortable);
        return { version: found, supported: isAtLeast(found, MINIMUM_XCAT_VERSION) };
      },
      tables: {
        dump: (table, abortable) => dumpTable(transport, table, abortable),
        dumpAll: (tables) => dumpTables(transport, ofKind, tables),
        getAttribute: (table, keyColumn, key, attribute, abortable) =>
          getAttribute(transport, table, keyColumn, key, attribute, abortable),
        change: (table, entries, abortable) => changeTable(transport, table, entries, abortable),
      },
      channel: (node) => ({
        run: (chains, more) => channelTo(node).run(chains, { ...more, single }),
        runThenAsk: (chain, questions, more) => channelTo(node).runThenAsk(chain, questions, { ...more, single }),
        directoryWaits: () => channelTo(node).directoryWaits({ single }),
      }),
      close: () => transport.close(),
    };
  };
  return { ...callsOf(false), single: callsOf(true) };
}

/** True when a version, numbers with dots, is the minimum or later: `2.10` comes after `2.9`, and `2.8.3` before `2.8.3.16`. */
export function isAtLeast(version: string, minimum: string): boolean {
  const found = version.split('.').map(Number);
  const wanted = minimum.split('.').map(Number);
  for (let index = 0; index < Math.max(found.length, wanted.length); index += 1) {
    const difference = (found[index] ?? 0) - (wanted[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

// `Version 2.8.3.16 (built …)`, docs/reference/xcat.md 3.4.
async function readVersion(transport: Transport, signal: AbortSignal | undefined): Promise<string> {
  const operation = 'GET /version';
  const elements = await transport.request({
    method: 'GET',
    path: '/version',
    ...defined({ signal }),
  });
  refuseErrors(elements, operation);
  const text = elements.flatMap((element) => [...element.data, ...element.info]).join(' ');
  const version = /\bVersion (\d+(?:\.\d+)*)/i.exec(text)?.[1];
  if (version === undefined)
    throw new BackendError({ code: 'bad-answer', operation, message: `${operation}: the answer has no version` });
  return version;
}
