/** The guest's window in a bulk operation. The guests of a window wait for each other before a call, and share it. */
export type Batch = { window: string; size: number };

/** True for a guest that is no member of a window, or its only one: nobody waits for it, and it waits for nobody. */
export function isSingle(batch: Batch | undefined): boolean {
  return batch === undefined || batch.size <= 1;
}
