import { parseArgs } from 'node:util';
import { z } from 'zod';
import { HostName } from '../domain/text/identifiers.ts';
import { VERBS } from '../gateway/http/tokens.ts';
import { addToken } from '../runtime/gateway/token-file.ts';

const USAGE = `npm run gateway-token -- --name NAME --host HOST… --verb VERB… [--file tokens.json]
  --host: a host, or '*' for all; --verb: ${VERBS.join(', ')}; both may be repeated`;

const Arguments = z.object({
  name: z.string('--name is missing').min(1),
  host: z.array(z.union([z.literal('*'), HostName], '--host: must be the name of a host')).min(1, '--host is missing'),
  verb: z.array(z.enum(VERBS, `--verb: must be one of ${VERBS.join(', ')}`)).min(1, '--verb is missing'),
  file: z.string(),
});

/** `npm run gateway-token`: make a token, print it once, and add its SHA-256 to the gateway's file. */
function main(): void {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      host: { type: 'string', multiple: true, default: [] },
      verb: { type: 'string', multiple: true, default: [] },
      file: { type: 'string', default: 'tokens.json' },
    },
  });
  const wanted = Arguments.safeParse(values);
  if (!wanted.success) throw new Error(`${wanted.error.issues[0]?.message}\n\n${USAGE}`);
  const { name, host, verb, file } = wanted.data;
  process.stdout.write(`${addToken(file, name, host, verb)}\n`);
  process.stderr.write(
    `${file} holds the SHA-256 of the token. The token is shown only once. A gateway that reads the file accepts it now.\n`,
  );
}

try {
  main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
