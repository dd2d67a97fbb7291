import type { Code } from '../zvm/codes.ts';
import type { Kind, SmcliCall, SmcliFunction, Unsent } from './function.ts';
import { operand } from './function.ts';

const PROGRAM = '/opt/zhcp/bin/smcli';
/** smcli's INVALID_DATA as an exit status */
const INVALID_DATA = 254;

export type SmcliResult = { stdout: string; stderr: string; status: number };

type Parsed = { flags: Map<string, string>; operands: [string, string][] };

/** getopt: each option takes one word, words that belong to no option are ignored (docs/reference/smcli.md 2). */
export function parseOptions(spec: SmcliFunction, argv: readonly string[], kind: Kind): Parsed | { wrong: Unsent } {
  const flags = new Map<string, string>();
  const operands: [string, string][] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') continue;
    const letter = word[1] ?? '';
    if (letter === 'h') return { wrong: { stdout: 'NAME\n  smcli\n\nSYNOPSIS\n  see the manual\n' } };
    if (spec.switches?.includes(letter)) {
      flags.set(letter, '');
      continue;
    }
    if (!spec.options.includes(letter)) return { wrong: unknownOption(letter, kind) };
    const value = word.length > 2 ? word.slice(2) : argv[++at];
    if (value === undefined) return { wrong: missingArgument(letter, kind) };
    if (letter !== 'k') flags.set(letter, value);
    else {
      if (operands.length === spec.mostOperands)
        return { wrong: { stdout: 'ERROR: Too many -k values entered\n', status: INVALID_DATA } };
      const [key = '', ...rest] = value.split('=');
      operands.push([key, rest.join('=')]);
    }
  }
  const missing = [...spec.required].some((each) => (each === 'k' ? operands.length === 0 : !flags.has(each)));
  // the functions that take -k begin with a blank line
  const blank = spec.operands === undefined ? '' : '\n';
  return missing ? { wrong: { stdout: `${blank}ERROR: Missing required options\n` } } : { flags, operands };
}

/**
 * The older program leaves the words to getopt, which says them on stderr (docs/reference/smcli.md 1.1); the later one says them itself.
 */
function unknownOption(letter: string, kind: Kind): Unsent {
  if (kind === 'zthin') return { stdout: `Unknown option -${letter}\n` };
  return { stderr: letter === '?' ? '' : `${PROGRAM}: invalid option -- '${letter}'\n` };
}

function missingArgument(letter: string, kind: Kind): Unsent {
  if (kind === 'zthin') return { stdout: `This option requires an argument: -${letter}\n` };
  return { stderr: `${PROGRAM}: option requires an argument -- '${letter}'\n` };
}

/** SMAPI's own check of keywords: a syntax error names the parameter it stumbled over (docs/reference/smcli.md 5.1, 24/nn). */
export function checkOperands(spec: SmcliFunction, call: SmcliCall): Code | null {
  if (!spec.operands) return null;
  const known = spec.operands.map((each) => each.replace('!', ''));
  for (const [index, [key, value]] of call.operands.entries()) {
    const repeated = key !== 'NICDEF' && call.operands.findIndex(([each]) => each === key) !== index;
    if (!known.includes(key) || repeated || value === '') return [24, (index + 2) * 100 + 10];
  }
  const missing = spec.operands.filter((each) => each.endsWith('!') && !operand(call, each.slice(0, -1)));
  return missing.length > 0 ? [24, 201] : null;
}
