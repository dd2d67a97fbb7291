import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';
import { parse } from 'yaml';
import { type IssuerSettings, OidcFile } from '../../gateway/oidc/file.ts';
import type { Get } from '../../gateway/oidc/issuer.ts';
import { Oidc } from '../../gateway/oidc/oidc.ts';

/** Documents of an identity provider are a few kilobytes. */
const MOST_BYTES = 1_000_000;

/** The identity providers of a YAML or JSON file. Throws an Error that names the file, the field and the problem. */
export function readOidcFile(file: string): Oidc {
  let text: unknown;
  try {
    text = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'syntax';
    throw new Error(`${file} is not readable as YAML (${reason})`);
  }
  const result = OidcFile.safeParse(text);
  const [issue] = result.error?.issues ?? [];
  if (!result.success) throw new Error(`${file}: ${issue?.path.join('.')}: ${issue?.message}`);
  return oidcOf(result.data.issuers);
}

/** The same from settings. Throws an Error when a file of certificates cannot be read. */
export function oidcOf(issuers: readonly IssuerSettings[], unknownKeyPauseMs?: number): Oidc {
  return new Oidc(issuers, getFor, unknownKeyPauseMs);
}

function getFor({ caFile }: IssuerSettings): Get {
  const ca = caFile === undefined ? {} : { connect: { ca: readFileSync(caFile, 'utf8') } };
  const dispatcher = new Agent({ ...ca, maxResponseSize: MOST_BYTES });
  return async (url, { headers, signal }) => {
    // A redirect would take the question to a place that nobody has configured.
    const answer = await fetch(url, { headers, signal, redirect: 'manual', dispatcher });
    return new Response(await answer.arrayBuffer(), { status: answer.status });
  };
}
