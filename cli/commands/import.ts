import type { Command } from 'commander';
import { z } from 'zod';
import { followPart, type ImportCounts, type ImportedPort, partsOf, startPart } from '../../client/import-ports.ts';
import { type GuestPortRequest, neutronHostsIn, openPortFile, readPortFile } from '../../client/port-file.ts';
import { PortFileError } from '../../client/port-file-problems.ts';
import { readHostView } from '../../client/read-state.ts';
import { action, goneWhileWaiting } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { checkReport, writeReport } from '../import-report.ts';
import { nameOfInput, readInput } from '../input-file.ts';
import { colour, colourAside } from '../output.ts';
import { ProgressBar } from '../progress-bar.ts';
import type { Session } from '../session.ts';
import { countsOf, showWiring } from '../wiring.ts';
import { examples } from './change.ts';

const Options = z.object({
  live: z.boolean().default(false),
  check: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  report: z.string().optional(),
});

/** `zvmnet import` */
export function importCommand(program: Command): void {
  program
    .command('import <file>')
    .summary('wire the ports of a file')
    .description(
      'Wire the ports of a file: JSON, CSV, or ports and networks of Neutron. A repeated import continues the first; wired ports stay unchanged.',
    )
    .option('--live', 'make the ports live on running guests now, not at their next logon')
    .option('--dry-run', 'show the outcome that each port would have')
    .option('--check', 'check the file only')
    .option('--report <file>', 'write the outcome of each port, as JSON, or as CSV when the file name ends so')
    .addHelpText(
      'after',
      examples([
        'zvmnet import docs/examples/ports.csv --live --report report.csv',
        'zvmnet import ports.json --check',
        'make-ports | zvmnet import - --live       # from standard input',
        '',
        'CSV has the columns host, userid, portId, vswitch, segmentationId (empty: flat; 1001+1002: trunk), mac, vdev, adminStateUp, address,',
        '  hostname; only userid, portId and vswitch are required. Entries without a host belong to --host.',
      ]),
    )
    .action(action(Options, run));
}

async function run(session: Session, [file = '']: string[], options: z.output<typeof Options>): Promise<ExitCode> {
  const { output } = session;
  const { report } = options;
  const ports = await read(session, file, session.namedHost());
  const hosts = [...new Set(ports.map(({ host }) => host))];
  output.tell(
    `${ports.length} ports of ${new Set(ports.map(({ userid }) => userid)).size} guests on ${hosts.join(', ')}`,
  );
  if (options.check) {
    output.result({ ok: true, ports: ports.length, hosts }, () =>
      output.print(colour('green', `${nameOfInput(file)} has no errors.`)),
    );
    return EXIT.ok;
  }
  for (const host of hosts) await session.known(host);
  for (const host of hosts) await session.warnWithoutWorker(host, 'the import');
  if (report !== undefined) await checkReport(report, file);
  const done = await wireAll(session, ports, options);
  const unwritten = report === undefined ? undefined : await writeReport(report, done);
  const counts = countsOf(done);
  output.result({ ...(options.dryRun ? { dryRun: true } : {}), ...counts, ports: done }, () => {
    showWiring(output, done, options.dryRun);
    if (report !== undefined && unwritten === undefined) output.print(`report: ${report}`);
  });
  if (unwritten !== undefined) output.tell(`${colourAside('red', 'zvmnet:')} ${unwritten}`);
  if (counts.failed > 0 || unwritten !== undefined) return EXIT.failed;
  return counts.refused > 0 ? EXIT.refused : EXIT.ok;
}

/** Throws a CommandFailure with all errors of the file. */
async function read(session: Session, file: string, defaultHost: string | undefined): Promise<GuestPortRequest[]> {
  const opened = await openPortFile(readInput(file, session.signal));
  const networks = await physicalNetworks(session, neutronHostsIn(opened));
  try {
    const vswitchOf = (host: string, network: string) => networks.get(`${host} ${network}`);
    const ports = await readPortFile(opened, { defaultHost, vswitchOf });
    if (ports.length > 0) return ports;
    throw new CommandFailure(EXIT.usage, `${nameOfInput(file)} has no ports`);
  } catch (error) {
    if (!(error instanceof PortFileError)) throw error;
    const advice = error.problems.some(({ field, reason }) => field === 'host' && reason.endsWith('is missing'))
      ? '\nEntries without a host belong to --host.'
      : '';
    throw new CommandFailure(
      EXIT.usage,
      `${nameOfInput(file)}: the import was not started.\n${error.message}${advice}`,
    );
  }
}

/** The VSWITCH of each physical network of these hosts: Neutron's files name networks only. */
async function physicalNetworks(session: Session, hosts: readonly string[]): Promise<Map<string, string>> {
  if (hosts.length === 0) return new Map();
  const client = await session.client();
  const known = (await session.hosts()).filter((host) => hosts.includes(host));
  for (const host of known) await session.readable(host);
  const views = await Promise.all(known.map((host) => readHostView(client, host)));
  return new Map(
    views.flatMap(({ host, vswitches }) =>
      vswitches.flatMap(({ name, physicalNetwork }): [string, string][] =>
        physicalNetwork === null ? [] : [[`${host} ${physicalNetwork}`, name]],
      ),
    ),
  );
}

/** Hosts side by side, the parts of each one after another. Throws a CommandFailure on Ctrl-C. */
async function wireAll(
  session: Session,
  ports: GuestPortRequest[],
  { live, dryRun }: { live: boolean; dryRun: boolean },
): Promise<ImportedPort[]> {
  const client = await session.client();
  const bar = new ProgressBar(ports.length, 'ports');
  const standing = new Map<object, ImportCounts>();
  const done: ImportedPort[] = [];
  const byHost = Map.groupBy(partsOf(ports), ({ host }) => host);
  const wireHost = async (parts: ReturnType<typeof partsOf>) => {
    for (const part of parts) {
      const started = await startPart(client, part, { live, dryRun }, session.origin);
      const run = session.runUrl(started);
      if (run !== undefined) session.output.tell(`  ${part.host}: ${colourAside('dim', run)}`);
      let told = '';
      const tell = (counts: ImportCounts) => {
        bar.show(sum(standing.set(part, counts).values()));
        const { awaits = told } = counts;
        if (awaits !== told) session.output.tell(`  plan ${awaits} awaits the policy: zvmnet ops show '${started.id}'`);
        told = awaits;
      };
      const ended = await followPart(client, part, started, tell, session.signal);
      if (ended === undefined) return;
      done.push(...ended);
      tell(countsOf(ended));
    }
  };
  try {
    await Promise.all([...byHost.values()].map(wireHost));
    if (!session.signal.aborted) return inOrderOf(ports, done);
  } catch (error) {
    throw goneWhileWaiting(error, session, GOES_ON);
  } finally {
    bar.end();
  }
  throw new CommandFailure(EXIT.interrupted, GOES_ON);
}

const GOES_ON =
  'Started operations continue. Repeat the same import to follow them; no port is wired twice. See: zvmnet ops list --type wirePorts --state running. Cancel one and roll it back: zvmnet ops cancel ID.';

/** The ports in the order of the file: they were wired in another. */
function inOrderOf(ports: readonly GuestPortRequest[], done: readonly ImportedPort[]): ImportedPort[] {
  const byId = new Map(done.map((port) => [port.portId, port]));
  return ports.flatMap(({ portId }) => byId.get(portId) ?? []);
}

function sum(all: Iterable<ImportCounts>): ImportCounts {
  const total = { wired: 0, unchanged: 0, refused: 0, failed: 0 };
  for (const counts of all)
    for (const name of ['wired', 'unchanged', 'refused', 'failed'] as const) total[name] += counts[name];
  return total;
}
