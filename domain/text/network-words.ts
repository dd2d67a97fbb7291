import { z } from 'zod';
import { Network } from '../vswitch/network.ts';
import { vlansOfWords } from '../vswitch/vlan-set.ts';

const WORD = /^\d{1,4}(-\d{1,4})?$/;

/**
 * A network as people write it: `flat`, `1001`, or the VLANs of a trunk, `1001+1002` or `100-110,200` (xCAT's `switch` table joins them
 * by `+`). An empty text is flat, as in a table's empty cell.
 */
export const NetworkWords = z
  .string()
  .transform((text, context) => {
    const words = text.trim().toLowerCase();
    if (words === '' || words === 'flat' || words === '-1') return { type: 'flat' as const };
    const parts = words.split(/[+,\s]+/);
    const vlans = parts.every((part) => WORD.test(part)) ? vlansOfWords(parts) : [];
    const [segmentationId] = vlans;
    if (segmentationId === undefined) {
      context.addIssue({
        code: 'custom',
        message: 'must be flat, a VLAN from 1 to 4094, or the VLANs of a trunk: 1001+1002',
      });
      return z.NEVER;
    }
    return vlans.length === 1
      ? { type: 'vlan' as const, segmentationId }
      : { type: 'trunk' as const, segmentationIds: vlans };
  })
  .pipe(Network);
