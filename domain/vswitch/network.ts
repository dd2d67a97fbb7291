import { z } from 'zod';
import { SegmentationId } from '../text/identifiers.ts';

const NETWORK_ERROR = 'must have the type flat, vlan with a segmentationId, or trunk with segmentationIds';

/** How a port's frames are tagged: not at all (flat), access to one VLAN, or a trunk of several, tagged by the guest itself. */
export const Network = z
  .discriminatedUnion(
    'type',
    [
      z.strictObject({ type: z.literal('flat') }),
      z.strictObject({ type: z.literal('vlan'), segmentationId: SegmentationId }),
      z.strictObject({
        type: z.literal('trunk'),
        segmentationIds: z
          .array(SegmentationId)
          .min(2, 'must be at least two VLANs')
          .max(4094)
          .refine((ids) => new Set(ids).size === ids.length, 'must not name a VLAN twice')
          .meta({ uniqueItems: true })
          .transform((ids) => ids.toSorted((one, other) => one - other)),
      }),
    ],
    { error: NETWORK_ERROR },
  )
  .meta({ id: 'Network', example: { type: 'vlan', segmentationId: 1001 } });
export type Network = z.infer<typeof Network>;

/** An unreadable record: neither flat nor any VLAN. */
export const UnreadableNetwork = z.object({ type: z.literal('unreadable'), text: z.string() });
export type UnreadableNetwork = z.infer<typeof UnreadableNetwork>;

/** A recorded network. */
export const RecordedNetwork = z.union([Network, UnreadableNetwork]);
export type RecordedNetwork = z.infer<typeof RecordedNetwork>;
