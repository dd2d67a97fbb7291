import type { Desired } from '../guest/desired.ts';
import type { PortId } from '../text/identifiers.ts';
import type { Step } from './steps.ts';

/** A plan as far as the way back needs it. */
type Planned = { desired: Desired; before: Desired };

/**
 * The state to take a guest back to, from wherever its plan has come: the one before the plan. `touched` are the steps that were or may have
 * been carried out. A port that the plan was to make and no such step is of was made by somebody else: it stays.
 */
export function rollbackTarget({ desired, before }: Planned, touched: readonly Step[]): Desired {
  const isTouched = (portId: PortId) => {
    const vdev = desired.ports.find((port) => port.portId === portId)?.vdev;
    return touched.some(
      (step) =>
        (step.kind === 'record' && step.portId === portId) ||
        (vdev !== undefined && 'vdev' in step && step.vdev === vdev),
    );
  };
  const given = desired.ports.flatMap(({ vswitch, portNumber }) =>
    portNumber === undefined ? [] : [{ vswitch, portNumber }],
  );
  return {
    ...before,
    removed: before.removed.filter(({ portId }) => isTouched(portId)),
    ...(given.length === 0 ? {} : { given }),
  };
}
