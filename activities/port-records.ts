import type { Port } from '../network/port.ts';
import { type Step, sentence } from '../network/steps.ts';
import type { StepReport } from '../workflows/host-activities.ts';
import { changeTable, deleteWhere, dumpTable, insertRow, type Row, setWhere } from '../xcat/tables.ts';
import type { HostRuntime } from './host-runtime.ts';
import { vlanColumn } from './port-rows.ts';

/** Write steps to xCAT's tables, one after another. Safe to repeat: each reads the rows it writes first. */
export async function writeTables(
  host: HostRuntime,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (const step of steps) {
    signal.throwIfAborted();
    await writeStep(host, step);
    reports.push({ step: sentence(step), answer: 'done' });
  }
  return reports;
}

async function writeStep(host: HostRuntime, step: Step): Promise<void> {
  const { transport } = host.xcat;
  switch (step.kind) {
    case 'ensureRecord':
      return ensureRow(host, step.port);
    case 'ensureMacRecord': {
      const key = { node: step.node };
      const entry =
        step.entries.length === 0
          ? deleteWhere('mac', key)
          : setWhere({ key, table: 'mac', values: { mac: step.entries.join('|'), comments: host.rules.zhcpNode } });
      return changeTable(transport, 'mac', [entry]);
    }
    case 'removeRecord': {
      const key = { node: step.node, port: step.portId };
      const unwired = { switch: '', vlan: '', disable: '' };
      const entry = step.keepRow ? setWhere({ key, table: 'switch', values: unwired }) : deleteWhere('switch', key);
      return changeTable(transport, 'switch', [entry]);
    }
    default:
      throw new Error(`${step.kind} is no step on xCAT's tables`);
  }
}

// The key is (node, switch, port): updating doubled rows would give two of them one key, so they are replaced by one (contract xcat.md 2.4).
async function ensureRow(host: HostRuntime, port: Port): Promise<void> {
  const { transport } = host.xcat;
  const rows = (await dumpTable(transport, 'switch')).filter(
    (row: Row) => row.node === port.node && row.port === port.portId,
  );
  const key = { node: port.node, port: port.portId };
  const values = {
    switch: port.vswitch,
    vlan: vlanColumn(port.network),
    interface: port.vdev,
    comments: host.rules.zhcpNode,
    disable: port.adminStateUp ? '' : 'yes',
  };
  if (rows.length === 1) return changeTable(transport, 'switch', [setWhere({ key, table: 'switch', values })]);
  if (rows.length > 1) await changeTable(transport, 'switch', [deleteWhere('switch', key)]);
  const { disable, ...filled } = values;
  return changeTable(transport, 'switch', [
    insertRow('switch', { ...key, ...filled, ...(disable === '' ? {} : { disable }) }),
  ]);
}
