/** True for changes by callers, of which the last accepted one holds for a port; false for repairs. */
export function isWordKind(kind: string): boolean {
  return kind !== 'setPorts' && kind !== 'reconcile';
}
