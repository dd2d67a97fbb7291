import { z } from 'zod';
import { SegmentationId } from '../text/identifiers.ts';

/** How a port's frames are tagged: not at all (flat), access to one VLAN, or a trunk of several, tagged by the guest itself. */
export const Network = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('flat') }),
  z.strictObject({ type: z.literal('vlan'), segmentationId: SegmentationId }),
  z.strictObject({
    type: z.literal('trunk'),
    segmentationIds: z
      .array(SegmentationId)
      .transform((ids) => [...new Set(ids)].sort((one, other) => one - other))
      .refine((ids) => ids.length > 1, 'a trunk has at least two VLANs'),
  }),
]);
export type Network = z.infer<typeof Network>;

/** A record that says what nobody can read: neither flat nor any VLAN. */
export const UnreadableNetwork = z.object({ type: z.literal('unreadable'), text: z.string() });
export type UnreadableNetwork = z.infer<typeof UnreadableNetwork>;

/** A network as it is recorded. */
export const RecordedNetwork = z.union([Network, UnreadableNetwork]);
export type RecordedNetwork = z.infer<typeof RecordedNetwork>;
