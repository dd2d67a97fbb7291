import { z } from 'zod';
import { type HostControl, holdAt, holdText } from './host-control.ts';

/** Drift is repaired, or no more than reported. */
export const RECONCILE_MODES = ['repair', 'observe'] as const;
export type ReconcileMode = (typeof RECONCILE_MODES)[number];

/** The reason why a reconciliation reports and repairs nothing: `says` tells it to people. */
export const ReportsOnly = z.object({ why: z.enum(['held', 'observed', 'unconfirmed']), says: z.string() });
export type ReportsOnly = z.infer<typeof ReportsOnly>;

type Circumstances = {
  host: string;
  control: HostControl;
  /** `reconcile_mode` of the configuration. */
  mode: ReconcileMode | undefined;
  /** No reconciliation that could repair has ended here, and no operator has confirmed the host. */
  isUnconfirmed: boolean;
  /** Milliseconds of Unix time. */
  now: number;
};

/** Why the reconciliation of a host reports only; undefined when it repairs. A host that is new here may be in use by others: it is observed at first. */
export function reportsOnly({ host, control, mode, isUnconfirmed, now }: Circumstances): ReportsOnly | undefined {
  const hold = holdAt(control, now);
  if (hold !== undefined) return { why: 'held', says: holdText(host, hold) };
  if (mode === 'observe') return { why: 'observed', says: `reconcile_mode of ${host} is observe` };
  if (mode === 'repair' || !isUnconfirmed) return undefined;
  const how = `zvmnet hosts confirm ${host}, or reconcile_mode = repair`;
  return {
    why: 'unconfirmed',
    says: `${host} is new here; when its drift is what you expect, let it be repaired: ${how}`,
  };
}
