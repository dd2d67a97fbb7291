import type { VswitchStep } from '../planning/vswitch-plan.ts';

/** The step as a sentence for operators. */
export function vswitchSentence(step: VswitchStep): string {
  switch (step.kind) {
    case 'createVswitch': {
      const { name, transport, vlanAware, flat, portSelection, rdevs } = step.settings;
      const kind = `${transport === 'ETHERNET' ? 'layer 2' : 'layer 3'}, VLAN-${vlanAware ? 'aware' : 'unaware'}, ${portSelection === 'USERBASED' ? 'user-based' : 'port-based'}`;
      const untagged = vlanAware && flat === true ? ', default VLAN 1 for flat ports' : '';
      return `create VSWITCH ${name} (${kind}${untagged}) ${withUplinks(rdevs)}`;
    }
    case 'setUplinks':
      return `set VSWITCH ${step.vswitch} ${withUplinks(step.rdevs)}`;
    case 'removeVswitch':
      return `delete VSWITCH ${step.vswitch}`;
  }
}

function withUplinks(rdevs: readonly string[]): string {
  return rdevs.length === 0 ? 'without uplink' : `with uplink ${rdevs.join(', ')}`;
}
