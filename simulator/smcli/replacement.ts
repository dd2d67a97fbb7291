import { deviceOf } from '../directory/devices.ts';
import { AUTHORIZING, type Authorizing, authorizingOperands, type Nicdef, overlaps } from '../directory/nicdef.ts';
import { parseNicdefStatements } from '../directory/nicdef-statements.ts';
import { statementsIn } from '../directory/records.ts';
import type { Code } from '../zvm/codes.ts';
import type { Behaviour } from '../zvm/release.ts';
import type { SmcliCall, Unsent } from './function.ts';

/** smcli reads into buffers of 72 bytes, the NUL among them, and has room for 100 records of its standard input (smcliImage.c). */
const BUFFER = 71;
const MOST_FROM_STDIN = 100;

/**
 * The records that smcli sends for Image_Replace_DM, by its source: it sends as many records as there are line ends, so a last line without
 * one is lost; and a line of more than 70 characters becomes two records, for which one at the end is lost.
 */
export function recordsGiven({ flags, process }: SmcliCall): { records?: string[]; wrong?: Unsent } {
  const file = flags.get('f');
  if (file === undefined && !flags.has('s')) return { wrong: { stdout: '\nERROR: Missing required options\n' } };
  const text = flags.has('s') ? process.stdin : process.readFile(file ?? '');
  if (text === undefined)
    return { wrong: { stdout: `Failed\n  Return Code: -3\n\nERROR: Failed to open file ${file}\n`, status: 2 } };
  const pieces = text.match(new RegExp(`[^\\n]{0,${BUFFER - 1}}\\n|[^\\n]{1,${BUFFER}}`, 'g')) ?? [];
  if (flags.has('s') && pieces.length > MOST_FROM_STDIN)
    return { wrong: { stderr: 'Segmentation fault\n', status: 139 } };
  const count = text.split('\n').length - 1;
  return { records: pieces.slice(0, count).map((piece) => piece.replace(/\n$/, '')) };
}

/** DirMaint's own refusal; the number of its message is not known. */
const REFUSED: Code = [596, 9999];
/** An empty record: SMAPI answers a syntax error (Feilong's smtclient.py says so; the reason code is not known). */
const EMPTY_RECORD: Code = [24, 299];

/** The code of an entry that the directory does not take; undefined for one that it takes. */
export function checkEntry(userid: string, records: readonly string[], behaviour: Behaviour): Code | undefined {
  if (records.length === 0 || records.some((record) => record.trim() === '')) return EMPTY_RECORD;
  const texts = statementsIn(records).map(({ text }) => text);
  const [verb = '', name = ''] = (texts.find((text) => !text.startsWith('*')) ?? '').toUpperCase().split(/ +/);
  if (!['USER', 'IDENTITY'].includes(verb) || name !== userid) return REFUSED;
  const statements = texts.filter((text) => /^NICDEF /i.test(text));
  return areTaken(statements, texts, behaviour) ? undefined : REFUSED;
}

/** TYPE stands once for each NIC, and no NIC has the device of another statement (docs/reference/zvm.md 5.1). */
function areTaken(statements: readonly string[], texts: readonly string[], behaviour: Behaviour): boolean {
  const nics = nicsIn(statements);
  if (nics === undefined) return false;
  const known: readonly Authorizing[] = behaviour.dna === 'absent' ? behaviour.nicdefKeywords : AUTHORIZING;
  const devices = texts.flatMap((text) => deviceOf(text) ?? []);
  return nics.every((nic, index) => {
    const types = (nic.written ?? []).filter((text) => / TYPE /i.test(text)).length;
    const others = [
      ...nics.slice(index + 1).map((each) => ({ vdev: each.vdev, count: each.devices ?? 3 })),
      ...devices,
    ];
    const free = !others.some((other) => overlaps(nic.vdev, nic.devices ?? 3, other.vdev, other.count));
    return types === 1 && free && authorizingOperands(nic).every((operand) => known.includes(operand));
  });
}

function nicsIn(statements: readonly string[]): Nicdef[] | undefined {
  try {
    return parseNicdefStatements(statements);
  } catch {
    return undefined;
  }
}
