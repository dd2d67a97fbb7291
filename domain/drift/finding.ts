import { z } from 'zod';

/** An unreadable part of a reading. It hides nothing else, and nothing is changed there. */
export const Finding = z.object({
  /** The thing it is about, by name: `VSWITCH VSW1`, `guest LNX1`. */
  of: z.string(),
  /** The value, and why it is not understood. */
  reason: z.string(),
});
export type Finding = z.infer<typeof Finding>;

/** Takes the unreadable parts from a parser, so that the rest of the reading stays. */
export type Report = (finding: Finding) => void;

/** A finding as a line. */
export function findingText({ of, reason }: Finding): string {
  return `${of}: ${reason}`;
}
