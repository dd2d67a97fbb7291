import type { Command } from 'commander';
import { z } from 'zod';
import { desiredText } from '../../client/desired-file.ts';
import { isAsDesired } from '../../domain/host/desired-changes.ts';
import { DesiredHost, desiredHostOf } from '../../domain/host/desired-host.ts';
import { action } from '../action.ts';
import { readChanges, readHosts } from '../desired-input.ts';
import { showChanges } from '../desired-words.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { colourAside } from '../output.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';

/** `zvmnet export`, `zvmnet diff`, `zvmnet schema` */
export function desiredCommands(program: Command): void {
  program
    .command('export')
    .summary('write VSWITCHes and ports as a file of desired state')
    .description(
      'Write what is as a file for apply, in a stable order: the VSWITCHes and ports of a host as YAML, with --json as JSON.',
    )
    .option('--all-hosts', 'every host')
    .addHelpText('after', examples(['zvmnet export > hosts/zvm1.yaml', 'zvmnet export --all-hosts --json']))
    .action(action(z.object({ allHosts: z.boolean().default(false) }), writeHosts));
  program
    .command('diff')
    .description('Compare hosts with a file. Exit code 6 when anything differs.')
    .requiredOption('-f, --file <path>', 'a file, or a folder of files; - is standard input')
    .option('--prune', 'count ports that the file does not name as differences')
    .addHelpText('after', examples(['zvmnet diff -f hosts/', 'zvmnet export | zvmnet diff -f -']))
    .action(action(z.object({ file: z.string(), prune: z.boolean().default(false) }), diff));
  program
    .command('schema')
    .description('Print the JSON schema of a file of desired state, for editors.')
    .addHelpText('after', examples(['zvmnet schema > desired-state.schema.json']))
    .action(
      action(z.object({}), async ({ output }) => {
        output.document(z.toJSONSchema(z.union([DesiredHost, z.array(DesiredHost)]), { io: 'input' }));
        return EXIT.ok;
      }),
    );
}

async function writeHosts(session: Session, _args: string[], { allHosts }: { allHosts: boolean }): Promise<ExitCode> {
  const { output } = session;
  const views = await readHosts(session, allHosts ? await session.hosts() : [await session.host()]);
  const said = views.map((view) => ({ host: view.host, ...desiredHostOf(view) }));
  for (const { host, unsaid } of said)
    for (const { userid, portId, reason } of unsaid)
      output.tell(colourAside('yellow', `${host}: port ${portId} of ${userid} is left out: ${reason}`));
  const hosts = said.map(({ desired }) => desired);
  process.stdout.write(desiredText(hosts, output.form === 'json' ? 'json' : 'yaml'));
  return EXIT.ok;
}

async function diff(
  session: Session,
  _args: string[],
  { file, prune }: { file: string; prune: boolean },
): Promise<ExitCode> {
  const hosts = await readChanges(session, file, prune);
  session.output.result({ hosts }, () => showChanges(session.output, hosts));
  return hosts.every(isAsDesired) ? EXIT.ok : EXIT.drift;
}
