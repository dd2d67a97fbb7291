import { isIP } from 'node:net';
import type { Element, Tables } from './tables.ts';

const HOSTS_FILE = '/etc/hosts';
const EMPTY = '127.0.0.1 localhost\n';

type Row = Record<string, string | null>;
type Named = { ip: string; name: string; others: string };

/**
 * `makehosts`: write the `hosts` table into the management node's `/etc/hosts` (xcat-core, hosts.pm). A line of the same address or
 * name is replaced; others stay, also those of rows that are gone, unless `-d` takes a node's out before.
 */
export function makehosts(tables: Tables, files: Map<string, string>, argv: readonly string[]): Element[] {
  const wrong = argv.find((word) => word.startsWith('-') && !['-d', '-n'].includes(word));
  if (wrong !== undefined || argv.filter((word) => !word.startsWith('-')).length > 1)
    return [{ data: ['Usage: makehosts <noderange> [-d] [-n] [-l] [-a] [-o] [-m]'], errorcode: ['1'] }];
  const range = argv.find((word) => !word.startsWith('-'));
  const deletes = argv.includes('-d');
  if (deletes && range === undefined) return [];
  const domain = tables.value('site', 'key', 'domain', 'value') ?? '';
  const nodes = range?.split(',');
  const rows = tables.list('hosts').filter((row) => nodes === undefined || nodes.includes(row.node ?? ''));
  let lines = linesOf(argv.includes('-n') ? EMPTY : (files.get(HOSTS_FILE) ?? EMPTY));
  for (const named of rows.flatMap(namesOf)) {
    const at = lines.findIndex((line) => isAbout(line, named));
    const others = lines.filter((line) => !isAbout(line, named));
    lines = deletes ? others : others.toSpliced(at < 0 ? others.length : at, 0, lineOf(named, domain));
  }
  files.set(HOSTS_FILE, lines.map((line) => `${line}\n`).join(''));
  return [];
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** The lines of a row: the node with its address, then each of `otherinterfaces`, `<name>:<ip>` or with `!`. */
function namesOf(row: Row): Named[] {
  const node = row.node ?? '';
  const own = { ip: row.ip ?? '', name: node, others: row.hostnames ?? '' };
  const interfaces = (row.otherinterfaces ?? '').split(',').map((pair): Named => {
    const [name = '', ...rest] = pair.split(pair.includes('!') ? '!' : ':');
    return { ip: rest.join(':'), name: name.startsWith('-') ? `${node}${name}` : name, others: '' };
  });
  return [own, ...interfaces].filter(({ ip }) => isIP(ip) !== 0);
}

function isAbout(line: string, { ip, name }: Named): boolean {
  const [address, ...names] = line.split(/\s+/);
  return address === ip || names[0] === name || names[1] === name;
}

function lineOf({ ip, name, others }: Named, domain: string): string {
  const long = domain === '' ? [] : [`${name}.${domain}`];
  return [ip, name, ...long, ...others.split(/[, ]/).filter((other) => other !== '' && other !== name)].join(' ');
}
