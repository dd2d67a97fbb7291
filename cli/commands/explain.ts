import type { Command } from 'commander';
import { z } from 'zod';
import { readErrorDocs } from '../../client/error-docs.ts';
import { action } from '../action.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';

/** `zvmnet explain`: the section of the documentation about an error; without a name, the names. */
export function explainCommand(program: Command): void {
  program
    .command('explain [error]')
    .summary('the cause of an error, what to check, what to do')
    .description(
      'Print the cause of an error, what to check and what to do. Failures name the error: smapi-212-8, field-vswitch. Without a name, list them.',
    )
    .action(
      action(z.object({}), async ({ output }, [name]) => {
        const pages = [...(await readErrorDocs())];
        const all = pages.flatMap(([page, sections]) => sections.map((section) => ({ page, ...section })));
        if (name === undefined) {
          const names = all.flatMap((section) => section.names);
          output.result({ errors: names }, () => output.print(names.join('\n')));
          return EXIT.ok;
        }
        const found = all.find(({ names }) => names.includes(name));
        if (found === undefined)
          throw new CommandFailure(EXIT.notFound, `there is no error ${name}: zvmnet explain lists them`);
        const { page, text } = found;
        output.result({ error: name, page: `docs/errors/${page}`, text }, () =>
          output.print(`${name} (docs/errors/${page})\n\n${text.replaceAll('**', '')}`),
        );
        return EXIT.ok;
      }),
    );
}
