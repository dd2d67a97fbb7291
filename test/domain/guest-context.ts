import type { PlanningContext } from '../../domain/planning/planning-context.ts';
import { Mac } from '../../domain/port/mac.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, VswitchName } from '../../domain/text/identifiers.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import { NODE, nothingInUse, RULES, UNSEEN, USERID } from './worlds.ts';

/** A user-based VSWITCH that knows VLANs, unless its values say otherwise. */
export function vswitch(name: string, values: Partial<Vswitch> = {}): Vswitch {
  return {
    ...UNSEEN,
    name: VswitchName.parse(name),
    transport: 'ETHERNET',
    vlanAware: true,
    defaultVlan: 1,
    portSelection: 'USERBASED',
    authorisations: [],
    nics: [],
    ...values,
  };
}

/** The context of a decision on a running guest without ports, on three VSWITCHes. */
export function contextWith(values: Partial<PlanningContext> = {}): PlanningContext {
  const vswitches = [
    vswitch('VSW1'),
    vswitch('VSWFLAT', { vlanAware: false }),
    vswitch('VSWPORT', { portSelection: 'PORTBASED' }),
  ];
  return {
    guest: {
      userid: USERID,
      names: [NODE],
      loggedOn: true,
      recorded: [],
      directory: [],
      live: [],
    },
    vswitches,
    rules: {
      ...RULES,
      vswitches: vswitches.map(({ name }) => ({
        physicalNetwork: name,
        vswitch: name,
        flat: true,
        vlanRanges: [{ from: 1000, to: 4094 }],
        transport: 'ETHERNET' as const,
        portSelection: 'USERBASED' as const,
        rdevs: [],
      })),
    },
    ...nothingInUse(),
    ...values,
  };
}

/** A recorded port of that guest. */
export const recorded = (values: object = {}) => ({
  portId: PortId.parse('22222222-2222-4222-8222-222222222222'),
  vdev: Vdev.parse('1000'),
  vswitch: VswitchName.parse('VSW1'),
  network: { type: 'flat' as const },
  mac: Mac.parse('02:00:00:00:00:01'),
  adminStateUp: true,
  ...values,
});
