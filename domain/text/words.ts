/** True for changes that are a caller's word on ports, of which the last accepted one holds; repairs are no words. */
export function isWordKind(kind: string): boolean {
  return kind !== 'setPorts' && kind !== 'reconcile';
}
