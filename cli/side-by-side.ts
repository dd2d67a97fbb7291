import type { ShownGuest } from '../domain/host/host-view.ts';
import { shortVlans } from '../domain/vswitch/vlan-set.ts';
import { colour, type Output } from './output.ts';
import { networkText } from './port-words.ts';

/** A guest's ports, or one of them: record, state on z/VM, and steps of a reconciliation. */
export function showSideBySide(output: Output, guest: ShownGuest, shown: ShownGuest['record'] = guest.record): void {
  const { loggedOn, record, directory, live, authorisations, steps, problems } = guest;
  output.table(
    ['PORT', 'NIC', 'RECORDED', 'AUTHORISED', 'DIRECTORY', 'LIVE', 'MAC'],
    shown.map((row) => {
      const nicdef = directory.find((nic) => nic.vdev === row.vdev);
      const nic = live.find((each) => each.vdev === row.vdev);
      const granted = authorisations.filter((each) => each.vswitch === row.vswitch);
      return [
        row.portId,
        row.vdev ?? '–',
        `${row.vswitch ?? 'no VSWITCH'} ${row.network.type === 'flat' ? 'flat' : `VLAN ${networkText(row.network)}`}${row.adminStateUp ? '' : ', down'}`,
        granted.length === 0 ? colour('red', 'no') : granted.map(vlanText).join(' / '),
        nicdef === undefined ? colour('red', 'no NICDEF') : nicdefText(nicdef),
        liveText(loggedOn, nic),
        nic?.mac ?? row.mac ?? '–',
      ];
    }),
    'No recorded ports.',
    { less: ['MAC', 'NIC'] },
  );
  const strange = live.filter((nic) => !record.some((row) => row.vdev === nic.vdev));
  for (const nic of strange)
    output.print(
      `NIC ${nic.vdev} on ${nic.vswitch ?? 'no VSWITCH'} is foreign: no port records it, nothing changes it`,
    );
  if (problems.length > 0) output.print(colour('red', `Cannot be repaired: ${problems.join('; ')}`));
  if (steps.length === 0 && problems.length === 0) {
    output.print(colour('green', 'in order'));
    return;
  }
  for (const step of steps) output.print(`  ${colour('red', '≠')} reconciliation would ${step}`);
}

function nicdefText({ vswitch, others }: ShownGuest['directory'][number]): string {
  return `${vswitch ?? 'uncoupled'}${others === undefined ? '' : ` (${others})`}`;
}

function liveText(loggedOn: boolean, nic: ShownGuest['live'][number] | undefined): string {
  if (!loggedOn) return 'logged off';
  if (nic === undefined) return 'no NIC';
  return `${nic.vswitch ?? 'uncoupled'}${nic.portNumber === undefined ? '' : ` (port ${nic.portNumber})`}`;
}

function vlanText({ vlans, portNumber }: ShownGuest['authorisations'][number]): string {
  const text = vlans.length === 0 ? 'flat' : `VLAN ${shortVlans(vlans).join(',')}`;
  return portNumber === undefined ? text : `${text} (port ${portNumber})`;
}
