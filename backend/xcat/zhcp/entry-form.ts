import { authorizationText } from '../../../domain/guest/nicdef-authorization.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { DOUBT } from '../../zvm/directory-records.ts';
import { badOutput } from '../../zvm/parsing.ts';
import { checkedMacId, type DirectoryNic } from './nicdef.ts';

/**
 * The form of a directory entry: where its NICDEF statements stand. It holds nothing of the other records, of which the first has the logon
 * password. Records are counted from 1, without empty ones, as `Image_Query_DM` prints them and with trailing blanks taken off.
 */
export type EntryForm = {
  /** How many records it has. */
  records: number;
  nicdefs: NicdefRecords[];
  /** How many records begin with NICDEF, understood or not. */
  begun: number;
  /** The record that a first NICDEF follows: the last one that is no comment. */
  end: number;
};

/** One NICDEF statement: the numbers and the texts of its records. */
export type NicdefRecords = { vdev: Vdev | undefined; at: number[]; texts: string[] };

/** A piece of an edited entry: records of the former one, or new ones. */
export type Piece = { from: number; to: number } | { texts: readonly string[] };

/** smcli takes no more of a record (smcliImage.c: buffers of 72 bytes): a longer one would become two. */
export const LONGEST_RECORD = 70;
const OPERATION = 'read the directory entry';
const FURTHER = '      ';

/** The form of an entry. Throws BackendError 'bad-answer', which quotes nothing of it, when the output is not one of a user, to its end. */
export function entryForm(output: string): EntryForm {
  const records = recordsOf(output);
  const statements: { at: number[]; texts: string[] }[] = [];
  let goesOn = false;
  for (const [index, record] of records.entries()) {
    const text = record.trim();
    if (text.startsWith('*') && goesOn) throw badOutput(OPERATION, DOUBT);
    if (text.startsWith('*')) continue;
    const open = goesOn ? statements.at(-1) : undefined;
    if (open === undefined) statements.push({ at: [index + 1], texts: [record] });
    else {
      open.at.push(index + 1);
      open.texts.push(record);
    }
    goesOn = text.endsWith(',');
  }
  const [verb = ''] = joined(statements[0]?.texts ?? []).split(/\s+/);
  if (!/^(USER|IDENTITY)$/i.test(verb)) throw badOutput(OPERATION, 'it does not begin with a user');
  if (goesOn) throw badOutput(OPERATION, 'it ends within a statement');
  return {
    records: records.length,
    nicdefs: statements.flatMap(({ at, texts }) => {
      const [first = '', vdev] = joined(texts).toUpperCase().split(/\s+/);
      return first === 'NICDEF' ? [{ vdev: Vdev.safeParse(vdev).data, at, texts }] : [];
    }),
    begun: records.filter((record) => BEGUN.test(record)).length,
    end: statements.at(-1)?.at.at(-1) ?? records.length,
  };
}

/** The record that a NICDEF statement may begin with, also as a regular expression of grep -E. */
export const BEGUN = /^ *NICDEF[ ,]/i;

function recordsOf(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.replace(/ +$/, ''))
    .filter((record) => record !== '');
}

/**
 * The entry with other NICs: each statement stands in the place of the first that its NIC had, or behind all NICDEFs; `undefined` takes all
 * statements of a NIC away. All other records stay in their order. Statements of other NICs keep their words, and are broken into
 * shorter records where smcli could not write them.
 */
export function editedEntry(
  { records, nicdefs, end }: EntryForm,
  nics: ReadonlyMap<Vdev, string | undefined>,
): Piece[] {
  const gone = new Set<number>();
  const inPlace = new Map<number, readonly string[]>();
  const placed = new Set<Vdev>();
  for (const { vdev, at, texts } of nicdefs) {
    const [first = 0] = at;
    if (vdev !== undefined && nics.has(vdev)) {
      const wanted = placed.has(vdev) ? undefined : nics.get(vdev);
      placed.add(vdev);
      inPlace.set(first, wanted === undefined ? [] : wrapped(wanted));
    } else if (texts.some(isTooLong)) inPlace.set(first, wrapped(joined(texts)));
    else continue;
    for (const number of at) gone.add(number);
  }
  const added = [...nics].flatMap(([vdev, wanted]) =>
    placed.has(vdev) || wanted === undefined ? [] : wrapped(wanted),
  );
  const behind = nicdefs.at(-1)?.at.at(-1) ?? end;
  const pieces: Piece[] = [];
  for (let number = 1; number <= records; number += 1) {
    const texts = inPlace.get(number);
    if (texts !== undefined && texts.length > 0) pieces.push({ texts });
    if (!gone.has(number)) keep(pieces, number);
    if (number === behind && added.length > 0) pieces.push({ texts: added });
  }
  return pieces;
}

function keep(pieces: Piece[], number: number): void {
  const last = pieces.at(-1);
  if (last !== undefined && 'to' in last && last.to === number - 1) last.to = number;
  else pieces.push({ from: number, to: number });
}

function isTooLong(record: string): boolean {
  return record.length > LONGEST_RECORD;
}

/** The statement that records say: a comma at the end of one says that it goes on. */
function joined(texts: readonly string[]): string {
  return texts.map((text) => text.trim().replace(/,$/, '').trim()).join(' ');
}

/** The records of a statement, none longer than smcli takes. */
export function wrapped(statement: string): string[] {
  const records: string[] = [];
  let record = '';
  for (const word of statement.split(/ +/)) {
    const longer = record === '' ? word : `${record} ${word}`;
    if (longer.length < LONGEST_RECORD || record.trim() === '') record = longer;
    else {
      records.push(`${record},`);
      record = `${FURTHER}${word}`;
    }
  }
  return [...records, record];
}

/**
 * The NICDEF statement of a NIC (z/VM: CP Planning and Administration); `TYPE QDIO LAN SYSTEM` stand next to each other for xCAT's checknics
 * (docs/reference/xcat.md 3.3). Throws BackendError 'refused' for a MACID that is not six hex digits.
 */
export function nicdefStatement(nic: DirectoryNic): string {
  const { vdev, macId, vswitch, portNumber, devices, chpid, authorization = {} } = nic;
  const operands = [
    vswitch === undefined ? '' : `LAN SYSTEM ${vswitch}`,
    devices === undefined ? '' : `DEVICES ${devices}`,
    chpid === undefined ? '' : `CHPID ${chpid}`,
    macId === undefined ? '' : `MACID ${checkedMacId(macId)}`,
    portNumber === undefined ? '' : `PORTNUMBER ${portNumber}`,
    authorizationText(authorization),
  ];
  return ['NICDEF', vdev, 'TYPE QDIO', ...operands.filter((operand) => operand !== '')].join(' ');
}
