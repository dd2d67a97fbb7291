import { Document, isMap, isScalar, LineCounter, parseAllDocuments, visit } from 'yaml';
import { DesiredHost } from '../domain/host/desired-host.ts';
import { refusalsOf } from '../domain/planning/refusal.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { PortFileError, Problems } from './port-file-problems.ts';

/** A text and its name in messages. */
export type NamedText = { name: string; text: string };

type Path = readonly (string | number)[];
/** A host as one place of a file says it. */
type Said = { host: DesiredHost; placeOf(path: Path): string };

/**
 * The hosts that files say, each once: several files may say guests of one host. YAML with one host a document, or a list of hosts; JSON is
 * YAML. Throws a PortFileError with each mistake by file and line.
 */
export function readDesiredHosts(texts: readonly NamedText[]): DesiredHost[] {
  const problems = new Problems();
  const said = texts.flatMap((text) => saidIn(text, problems));
  findRepeated(said, problems);
  if (problems.count > 0) throw new PortFileError(problems);
  return [...Map.groupBy(said, ({ host }) => host.host)].map(([host, parts]) => ({
    host,
    vswitches: [...new Set(parts.flatMap((part) => part.host.vswitches.map(({ vswitch }) => vswitch)))].map(
      (vswitch) => ({
        vswitch,
      }),
    ),
    guests: parts.flatMap((part) => part.host.guests),
  }));
}

function saidIn({ name, text }: NamedText, problems: Problems): Said[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text.replace(/^\uFEFF/, ''), { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number) => `${name}, line ${lines.linePos(offset).line}`;
  return [...documents].flatMap((document) => {
    const wrong = [...document.errors, ...document.warnings];
    for (const { pos, message } of wrong) problems.add({ place: placeAt(pos[0]), field: '', reason: message });
    if (wrong.length > 0) return [];
    const whole = plainOf(document, placeAt, problems);
    const hosts: { at: Path; value: unknown }[] = Array.isArray(whole)
      ? whole.map((value: unknown, index) => ({ at: [index], value }))
      : [{ at: [], value: whole }];
    return hosts.flatMap(({ at, value }) => {
      if (value === null || value === undefined) return [];
      const placeOf = (path: Path) => placeAt(offsetOf(document, [...at, ...path]));
      const parsed = DesiredHost.safeParse(value);
      if (parsed.success) return [{ host: parsed.data, placeOf }];
      for (const { field, reason } of refusalsOf(parsed.error, ''))
        problems.add({ place: placeOf(field === '' ? [] : field.split('.')), field, reason });
      return [];
    });
  });
}

/** The value of a document; undefined of one whose aliases would grow without bounds. */
function plainOf(document: Document.Parsed, placeAt: (offset: number) => string, problems: Problems): unknown {
  try {
    return document.toJS();
  } catch (error) {
    problems.add({ place: placeAt(0), field: '', reason: messageOf(error) });
    return undefined;
  }
}

/** The offset of the node, or of the nearest one around it. */
function offsetOf(document: Document.Parsed, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] | null } | undefined;
    if (node?.range != null) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** A guest or a port that is said twice: nobody can tell which is meant. */
function findRepeated(said: readonly Said[], problems: Problems): void {
  const places = new Map<string, string>();
  const see = (key: string, field: string, what: string, place: string) => {
    const before = places.get(key);
    if (before === undefined) places.set(key, place);
    else problems.add({ place, field, reason: `${what} is a duplicate of the one in ${before}` });
  };
  for (const { host, placeOf } of said) {
    for (const [index, { userid, ports }] of host.guests.entries()) {
      const at = ['guests', index];
      see(`${host.host} guest ${userid}`, at.join('.'), userid, placeOf([...at, 'userid']));
      for (const [number, { portId }] of ports.entries()) {
        const ofPort = [...at, 'ports', number, 'portId'];
        see(portId, ofPort.join('.'), `port ${portId}`, placeOf(ofPort));
      }
    }
  }
}

/** Hosts as a file: the same for the same hosts. */
export function desiredText(hosts: readonly DesiredHost[], form: 'yaml' | 'json'): string {
  if (form === 'json') return `${JSON.stringify(hosts, null, 2)}\n`;
  return hosts.map((host) => documentOf(host).toString({ lineWidth: 0 })).join('---\n');
}

/** A network takes one line: a changed VLAN is one line of a difference. */
function documentOf(host: DesiredHost): Document {
  const document = new Document(host, { aliasDuplicateObjects: false });
  visit(document, {
    Pair(_key, { key, value }) {
      if (isScalar(key) && key.value === 'network' && isMap(value)) value.flow = true;
    },
  });
  return document;
}
