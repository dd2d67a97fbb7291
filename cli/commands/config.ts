import type { Command } from 'commander';
import { z } from 'zod';
import { andMore, ConfigurationError, problemLines } from '../../configuration/error.ts';
import { type Configuration, loadConfiguration } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import { Policy } from '../../domain/policy/policy.ts';
import { action } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour } from '../output.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';

const Options = z.object({ configFile: z.array(z.string()).default([]), configDir: z.array(z.string()).default([]) });

/** `zvmnet config …` */
export function configCommands(program: Command): void {
  const config = program.command('config').description('The ini files of worker, agent and gateway.');
  config
    .command('check')
    .description(
      'Check the ini files as the worker reads them. Each error names file, section and key. No server is contacted.',
    )
    .option('--config-file <file...>', 'a file; later ones override earlier ones')
    .option('--config-dir <directory...>', 'the *.conf files of a directory')
    .addHelpText(
      'after',
      examples([
        'zvmnet config check --config-file /etc/neutron/neutron.conf --config-file /etc/neutron/plugins/zvm/neutron_zvm_plugin.ini',
      ]),
    )
    .action(action(Options, check));
  config
    .command('policy-schema')
    .description('Print the JSON schema of a policy file, for editors.')
    .addHelpText('after', examples(['zvmnet config policy-schema > policy.schema.json']))
    .action(
      action(z.object({}), async ({ output }) => {
        output.document(z.toJSONSchema(Policy, { io: 'input' }));
        return EXIT.ok;
      }),
    );
  config
    .command('gateway-hosts')
    .description('Print ZVM_GATEWAY_HOSTS for a gateway without these files, as a line of an environment file.')
    .option('--config-file <file...>', 'a file; later ones override earlier ones')
    .option('--config-dir <directory...>', 'the *.conf files of a directory')
    .addHelpText('after', examples(['zvmnet config gateway-hosts --config-file zvm.ini > gateway.env']))
    .action(action(Options, gatewayHosts));
}

async function gatewayHosts({ output }: Session, _args: string[], files: z.output<typeof Options>): Promise<ExitCode> {
  const hosts = loaded(files).hosts.map(({ host, physicalNetworks }) => ({
    host,
    physicalNetworks: physicalNetworks.map(({ name, vswitch }) => ({ name, vswitch })),
  }));
  output.result(hosts, () => output.print(`ZVM_GATEWAY_HOSTS='${JSON.stringify(hosts)}'`));
  return EXIT.ok;
}

/** The configuration of the files. Throws a ConfigurationError, or a CommandFailure when none is given. */
function loaded({ configFile: configFiles, configDir: configDirs }: z.output<typeof Options>): Configuration {
  if (configFiles.length + configDirs.length === 0)
    throw new CommandFailure(EXIT.usage, 'give --config-file FILE or --config-dir DIRECTORY');
  return loadConfiguration({ configFiles, configDirs, env: process.env });
}

async function check(session: Session, _args: string[], options: z.output<typeof Options>): Promise<ExitCode> {
  const { output } = session;
  try {
    const shown = withoutSecrets(loaded(options));
    output.result({ ok: true, ...shown }, () => show(session, shown));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const { problems } = error;
    const { lines, more } = problemLines(problems);
    const first = problems.slice(0, lines.length);
    output.result(
      { ok: false, problems: first, ...(more === 0 ? {} : { more: problems.length - first.length }) },
      () => {
        for (const line of lines) output.print(`${colour('red', '✘')} ${line.trim()}`);
        if (more > 0) output.print(andMore(more).trim());
      },
    );
    return EXIT.usage;
  }
}

type Shown = ReturnType<typeof withoutSecrets>;

function withoutSecrets({ hosts, neutron, worker }: Configuration) {
  return {
    hosts: hosts.map(({ host, zhcpNode, xcat, feilong, physicalNetworks, webhooks, policyFile, policy }) => ({
      host,
      zhcpNode,
      ...defined({
        xcat: xcat && { url: xcat.url, username: xcat.username, verifyTls: xcat.verifyTls },
        feilong: feilong && { url: feilong.url, token: feilong.tokenFile !== undefined, verifyTls: feilong.verifyTls },
        webhooks: webhooks?.map(({ name, events }) => ({ name, events })),
      }),
      physicalNetworks,
      ...(policy === undefined ? {} : { policy: { file: policyFile, rules: policy.rules.map(({ name }) => name) } }),
    })),
    neutron: { bus: neutron?.bus !== undefined, rest: neutron?.rest !== undefined },
    worker,
  };
}

function show({ output }: Session, { hosts, neutron, worker }: Shown): void {
  output.table(
    ['HOST', 'ZHCP', 'XCAT OR FEILONG', 'PHYSICAL NETWORK → VSWITCH'],
    hosts.map(({ host, zhcpNode, xcat, feilong, physicalNetworks }) => [
      host,
      zhcpNode,
      `${xcat === undefined ? `Feilong ${feilong?.url}` : `${xcat.url} as ${xcat.username}`}${(xcat ?? feilong)?.verifyTls === true ? '' : colour('yellow', ', certificate not verified')}`,
      physicalNetworks.map(({ name, vswitch }) => `${name} → ${vswitch}`).join(', ') || colour('yellow', 'none'),
    ]),
    'No host.',
  );
  for (const { host, policy } of hosts)
    if (policy !== undefined) output.print(`policy of ${host}: ${policy.rules.join(', ')} (${policy.file})`);
  output.print(
    `reconciliation every ${worker.pollingIntervalSeconds} s; Neutron: ${neutron.bus ? 'message broker' : 'no broker'}${neutron.rest ? ', REST API' : ''}`,
  );
  output.print(`${colour('green', '✔')} the configuration is complete`);
}
