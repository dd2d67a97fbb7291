import type { Change } from '../operations/requests.ts';

const WORDS: readonly Change['kind'][] = [
  ...(['createPort', 'attachNic', 'changeVlan', 'setAdminState', 'detachNic', 'deletePort', 'wirePorts'] as const),
];

/** True for changes that are a caller's word on ports, of which the last accepted one holds; repairs are no words. */
export function isWordKind(kind: string): boolean {
  return WORDS.some((word) => word === kind);
}
