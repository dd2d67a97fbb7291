import {
  DirectoryNetworkAuthorization,
  SmapiLevel,
  type SmcliKind,
  ZvmRelease,
} from '../../../domain/host/host-capabilities.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import { badOutput } from '../../zvm/parsing.ts';

/**
 * Release and service level, from CP's `z/VM Version 7 Release 4.0, service level 2401 (64-bit)`: `7.4` and `2401`. Throws BackendError
 * 'bad-answer' for other text.
 */
export function parseCpLevel(output: string): { release: string; serviceLevel: string } {
  const [, version, release, level, serviceLevel] =
    /^\s*z\/VM Version (\d{1,2}) Release (\d{1,2})(?:\.(\d{1,2}))?, service level (\w{1,20})/im.exec(output) ?? [];
  const text = `${version}.${release}${level === undefined || level === '0' ? '' : `.${level}`}`;
  const parsed = ZvmRelease.safeParse(text).data;
  if (parsed === undefined || serviceLevel === undefined)
    throw badOutput('read the CP level', 'no version, release and service level in the output');
  return { release: parsed, serviceLevel };
}

/**
 * Directory network authorization, from `q vmlan`: without the line there is none (docs/reference/zvm.md 5.3). Throws BackendError
 * 'bad-answer' for an answer that is cut off, and for another word.
 */
export function parseDirectoryNetworkAuthorization(output: string): DirectoryNetworkAuthorization {
  const operation = 'read the directory network authorization';
  const word = /^\s*VMLAN Directory Network Authorization:[ \t]*(\S*)/im.exec(output)?.[1];
  if (word === undefined) {
    // Every release ends its general activity with this line, and the one that is looked for comes after it.
    if (/^\s*TRANSIENT\s+Limit:/im.test(output)) return 'absent';
    throw badOutput(operation, 'the answer of QUERY VMLAN is incomplete');
  }
  const parsed = DirectoryNetworkAuthorization.exclude(['absent']).safeParse(word.toLowerCase()).data;
  if (parsed === undefined) throw badOutput(operation, `${quoteValue(word)} is neither ENABLED nor DISABLED`);
  return parsed;
}

/** The newest network APAR, from `q vmlan`: `Latest Service: VM65925`. Throws BackendError 'bad-answer' without one. */
export function parseNetworkService(output: string): string {
  const service = /^\s*Latest Service:[ \t]*(\w{1,20})/im.exec(output)?.[1];
  if (service === undefined) throw badOutput('read the network service of CP', 'no latest service in the output');
  return service;
}

/**
 * The SSI cluster and the systems that are members, from CP's `QUERY SSI`; undefined for a system that is no member. Throws BackendError
 * 'bad-answer' for other text.
 */
export function parseSsi(output: string): { name: string; systems: string[] } | undefined {
  if (/not a member of an SSI cluster/i.test(output)) return undefined;
  const name = /^\s*SSI Name:[ \t]*(\S{1,8})/im.exec(output)?.[1];
  const systems = [...output.matchAll(/^\s*[1-4]\s+([A-Z0-9@#$_]{1,8})\s+[A-Z]/gim)].flatMap(
    ([, system]) => system ?? [],
  );
  if (name === undefined || systems.length === 0)
    throw badOutput('read the SSI cluster', 'neither a cluster with members in the output, nor that there is none');
  return { name, systems };
}

/** The name of the z/VM system, from CP's `ZHCP1    AT ZVM1`. Throws BackendError 'bad-answer' for other text. */
export function parseSystem(output: string): string {
  const system = /^\s*\S{1,8}\s+AT\s+([A-Z0-9@#$_]{1,8})\s*$/im.exec(output)?.[1];
  if (system === undefined) throw badOutput('read the name of the z/VM system', 'no system in the output');
  return system;
}

/** SMAPI's level, from smcli's sentence `The API functional level is z/VM V7.2`. Throws BackendError 'bad-answer' for other text. */
export function parseFunctionalLevel(output: string): string {
  const level = /functional level is\s{1,9}(?:z\/VM\s{1,9})?(\S{1,20})/i.exec(output)?.[1];
  const parsed = SmapiLevel.safeParse(level?.toUpperCase()).data;
  if (parsed === undefined) throw badOutput('read the SMAPI level', 'no functional level in the output');
  return parsed;
}

/**
 * The kind of smcli, from its answer to an option that only the later one has: that begins with a line of codes, and xCAT's leaves the option
 * to getopt, which complains (docs/reference/smcli.md 1.1). Throws BackendError 'bad-answer' for other text.
 */
export function parseSmcliKind(output: string): SmcliKind {
  if (/^\s*-?\d+ -?\d+ -?\d+ \(details\)/.test(output)) return 'feilong';
  if (/(invalid|unrecognized) option/i.test(output)) return 'xcat';
  throw badOutput('read the kind of smcli', 'it neither accepts the option --addRCheader nor refuses it');
}
