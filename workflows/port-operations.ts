import type { GuestOperationType, InputOf } from '../domain/operations/operations.ts';
import { type OperationResult, operate } from './operation.ts';

// domain/operations/port-operations.ts describes each operation.
export const createPort = onGuest('createPort');
export const attachNic = onGuest('attachNic');
export const changeVlan = onGuest('changeVlan');
export const setAdminState = onGuest('setAdminState');
export const detachNic = onGuest('detachNic');
export const deletePort = onGuest('deletePort');
export const setPorts = onGuest('setPorts');
export const modernizeGuest = onGuest('modernizeGuest');

function onGuest<Type extends GuestOperationType>(type: Type): (input: InputOf<Type>) => Promise<OperationResult> {
  return (input) => operate(type, input);
}
