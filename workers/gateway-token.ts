import { z } from 'zod';
import { NONE, runProgram, UsageError } from '../command-line/program.ts';
import { HostName } from '../domain/text/identifiers.ts';
import { Expiry, VERBS } from '../gateway/http/tokens.ts';
import { addToken, readTokens } from '../runtime/gateway/token-file.ts';
import { readUses, useFileOf } from '../runtime/gateway/token-use.ts';

const Arguments = z.object({
  name: z.string('--name is missing').min(1),
  host: z.array(z.union([z.literal('*'), HostName], '--host: must be the name of a host')).min(1, '--host is missing'),
  verb: z.array(z.enum(VERBS, `--verb: must be one of ${VERBS.join(', ')}`)).min(1, '--verb is missing'),
  file: z.string(),
  expires: Expiry.refine((date) => date.getTime() > Date.now(), '--expires: must be in the future').optional(),
});

/** The tokens of a file, a line each, with their last use. */
function listing(file: string, useFile: string): string {
  const uses = readUses(useFile);
  const lines = readTokens(file).map(({ name, hosts, verbs, expires }) => {
    const until =
      expires === undefined ? 'never' : `${expires.toISOString()}${expires <= new Date() ? ' (expired)' : ''}`;
    return [name, hosts.join(','), verbs.join(','), `expires ${until}`, `last used ${uses.get(name) ?? 'unknown'}`];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => `${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('');
}

runProgram(
  {
    name: 'gateway-token',
    does: "Makes a token of the HTTP API, prints it once, and adds its SHA-256 to the gateway's file; or lists the tokens of the file.",
    argument: { name: '[list]', help: 'list the tokens with hosts, verbs, expiry and last use', values: ['', 'list'] },
    options: {
      name: { type: 'string', value: 'NAME', help: 'the name of the caller' },
      host: { type: 'string', multiple: true, default: NONE, value: 'HOST', help: "a host, or '*' for all" },
      verb: { type: 'string', multiple: true, default: NONE, value: 'VERB', help: VERBS.join(', ') },
      expires: {
        type: 'string',
        value: 'DATE',
        help: 'the date, or date and time with zone, from which it is refused',
      },
      file: { type: 'string', default: 'tokens.json', value: 'FILE', help: 'the file of the tokens; made if missing' },
      'use-file': { type: 'string', value: 'FILE', help: 'where the gateway keeps the last use (default: FILE.used)' },
    },
    environment: { STATE_DIRECTORY: 'the directory with the last use, in place of that of the file' },
    example: '--name portal --host zvm1 --host zvm2 --verb read --verb change --expires 2030-01-01 --file tokens.json',
  },
  (values, argument) => {
    if (argument === 'list') {
      const useFile = values['use-file'] ?? useFileOf(values.file, process.env);
      process.stdout.write(listing(values.file, useFile));
      return;
    }
    const wanted = Arguments.safeParse(values);
    if (!wanted.success) throw new UsageError(wanted.error.issues[0]?.message);
    const { name, host, verb, file, expires } = wanted.data;
    process.stdout.write(`${addToken(file, name, host, verb, expires)}\n`);
    process.stderr.write(
      `${file} holds the SHA-256 of the token. The token is shown only once. A gateway that reads the file accepts it now.\n`,
    );
  },
);
