import type { Code } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';

/** The program: xCAT's own on the zHCP, or the later one that Feilong brings (zthin). */
export type Kind = 'zhcp' | 'zthin';

/** The process that smcli runs in. */
export type Surroundings = { stdin: string; readFile(path: string): string | undefined };

export type SmcliCall = {
  system: ZvmSystem;
  kind: Kind;
  process: Surroundings;
  /** values of single-letter options */
  flags: ReadonlyMap<string, string>;
  /** values of -k, in order */
  operands: readonly (readonly [key: string, value: string])[];
  target: string;
};

/** smcli's own refusal: SMAPI is not asked. */
export type Unsent = { stdout?: string; stderr?: string; status?: number };

export type SmcliFunction = {
  options: string;
  required: string;
  /** options without a value */
  switches?: string;
  /** the program that has it, where not both do */
  only?: Kind;
  /** keys -k may name; a trailing `!` marks the required ones */
  operands?: readonly string[];
  /** how many -k it takes */
  mostOperands?: number;
  /** the text before Done or Failed; queries have none */
  status?: (call: SmcliCall) => string;
  /** a check that smcli makes before it asks SMAPI */
  check?: (call: SmcliCall) => Unsent | null;
} /** on the system: -T is only an authorisation target (docs/reference/smcli.md 2) */ & (
  | { scope: 'any'; run: (call: SmcliCall) => Code | string }
  /** asks the directory manager for a definition, which need not be a user's */
  | { scope: 'definition'; run: (call: SmcliCall) => Code | string }
  | { scope: 'live'; run: (call: SmcliCall, guest: Guest) => Code | string }
  | {
      scope: 'directory';
      run: (call: SmcliCall, guest: Guest) => Code;
      /** takes the lock of the entry, gives it back, or needs it; others need the entry unlocked */
      lock?: 'takes' | 'gives' | 'needs';
      /** requests to DirMaint that it makes */
      requests?: (call: SmcliCall) => number;
    }
);

/** The value of one -k operand. */
export function operand(call: SmcliCall, key: string): string | undefined {
  return call.operands.find(([each]) => each === key)?.[1];
}
