import { z } from 'zod';
import { NONE, runProgram, UsageError } from '../command-line/program.ts';
import { HostName } from '../domain/text/identifiers.ts';
import { VERBS } from '../gateway/http/tokens.ts';
import { addToken } from '../runtime/gateway/token-file.ts';

const Arguments = z.object({
  name: z.string('--name is missing').min(1),
  host: z.array(z.union([z.literal('*'), HostName], '--host: must be the name of a host')).min(1, '--host is missing'),
  verb: z.array(z.enum(VERBS, `--verb: must be one of ${VERBS.join(', ')}`)).min(1, '--verb is missing'),
  file: z.string(),
});

runProgram(
  {
    name: 'gateway-token',
    does: "Makes a token of the HTTP API, prints it once, and adds its SHA-256 to the gateway's file.",
    options: {
      name: { type: 'string', value: 'NAME', help: 'the name of the caller' },
      host: { type: 'string', multiple: true, default: NONE, value: 'HOST', help: "a host, or '*' for all" },
      verb: { type: 'string', multiple: true, default: NONE, value: 'VERB', help: VERBS.join(', ') },
      file: { type: 'string', default: 'tokens.json', value: 'FILE', help: 'the file of the tokens; made if missing' },
    },
    example: '--name portal --host zvm1 --host zvm2 --verb read --verb change --file tokens.json',
  },
  (values) => {
    const wanted = Arguments.safeParse(values);
    if (!wanted.success) throw new UsageError(wanted.error.issues[0]?.message);
    const { name, host, verb, file } = wanted.data;
    process.stdout.write(`${addToken(file, name, host, verb)}\n`);
    process.stderr.write(
      `${file} holds the SHA-256 of the token. The token is shown only once. A gateway that reads the file accepts it now.\n`,
    );
  },
);
