import type { Code } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';

export type SmcliCall = {
  system: ZvmSystem;
  /** values of single-letter options */
  flags: ReadonlyMap<string, string>;
  /** values of -k, in order */
  operands: readonly (readonly [key: string, value: string])[];
  target: string;
};

export type SmcliFunction = {
  options: string;
  required: string;
  /** keys -k may name; a trailing `!` marks the required ones */
  operands?: readonly string[];
  /** how many -k it takes */
  mostOperands?: number;
  /** the text before Done or Failed; queries have none */
  status?: (call: SmcliCall) => string;
} /** on the system: -T is only an authorisation target (contract 4.2) */ & (
  | { scope: 'any'; run: (call: SmcliCall) => Code | string }
  /** on a definition of the directory, which need not be a user's */
  | { scope: 'definition'; run: (call: SmcliCall) => Code | string }
  | { scope: 'live'; run: (call: SmcliCall, guest: Guest) => Code | string }
  | { scope: 'directory'; run: (call: SmcliCall, guest: Guest) => Code }
);

/** The value of one -k operand. */
export function operand(call: SmcliCall, key: string): string | undefined {
  return call.operands.find(([each]) => each === key)?.[1];
}
