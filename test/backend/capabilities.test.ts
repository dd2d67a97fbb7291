import { expect, test } from 'vitest';
import { type Capabilities, refuseIncapable } from '../../backend/capabilities.ts';
import type { Step } from '../../domain/planning/steps.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { Userid, VswitchName } from '../../domain/text/identifiers.ts';

const userid = Userid.parse('LNX10001');
const vdev = Vdev.parse('1000');
const vswitch = VswitchName.parse('VSW1');
const settings = {
  name: vswitch,
  transport: 'ETHERNET',
  vlanAware: true,
  portSelection: 'PORTBASED',
  rdevs: [],
} as const;
const disturbs = false;
const RECORD = { kind: 'record', stage: 'record', operation: 'any', data: {}, sentence: '', disturbs } as const;

const NONE: Capabilities = {
  portBased: false,
  vlanSets: false,
  addresses: false,
  deferredDirectory: false,
  changeUplinks: false,
  managementNetwork: false,
  liveMac: false,
  nicOperands: false,
};

test.each([
  ['portBased', { kind: 'createVswitch', settings, disturbs }, 'vswitch'],
  ['vlanSets', { kind: 'ensureAuthorisation', userid, vswitch, vlans: [5, 6], disturbs }, 'network'],
  ['addresses', { ...RECORD, needs: 'addresses' }, 'address'],
  ['deferredDirectory', { kind: 'ensureDirectoryOnline', userid, disturbs }, 'host'],
  ['changeUplinks', { kind: 'setUplinks', vswitch, rdevs: [], disturbs }, 'vswitch'],
  ['managementNetwork', { kind: 'defineManagementNic', disturbs }, 'host'],
  ['liveMac', { kind: 'ensureLiveNic', userid, vdev, macId: '0A0B0C', disturbs }, 'mac'],
  ['nicOperands', { kind: 'ensureDirectoryNic', userid, vdev, chpid: '1B', disturbs }, 'host'],
] as const)('a step that needs %s is refused without it, once, and granted with it', (capability, step, field) => {
  expect(refuseIncapable({ kind: 'other', can: NONE }, [step, step])).toMatchObject([{ field }]);
  expect(refuseIncapable({ kind: 'other', can: { ...NONE, [capability]: true } }, [step])).toEqual([]);
});

test('an authorisation with one VLAN, and a record without addresses, need nothing', () => {
  const step: Step = { kind: 'ensureAuthorisation', userid, vswitch, vlans: [5], disturbs };
  expect(refuseIncapable({ kind: 'other', can: NONE }, [step, RECORD])).toEqual([]);
});
