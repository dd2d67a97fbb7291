/** True for changes by callers, of which the last accepted one holds for a port; false for repairs and probes. */
export function isWordKind(kind: string): boolean {
  return kind !== 'setPorts' && kind !== 'reconcile' && kind !== 'probe';
}
