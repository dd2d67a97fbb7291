import { expect, test } from 'vitest';
import { driftOf, type SurveyedGuest } from '../../domain/drift/drift.ts';
import { misleadingNicdefs } from '../../domain/drift/misleading-nicdefs.ts';
import type { RecordedPort } from '../../domain/guest/guest.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, VswitchName } from '../../domain/text/identifiers.ts';
import { Network } from '../../domain/vswitch/network.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import { capabilitiesWith } from './directory-worlds.ts';
import { UNSEEN, USERID } from './worlds.ts';

const PORT: RecordedPort = {
  portId: PortId.parse('00000000-0000-4000-8000-000000000001'),
  vdev: Vdev.parse('1000'),
  vswitch: VswitchName.parse('VSW1'),
  network: Network.parse({ type: 'vlan', segmentationId: 100 }),
  adminStateUp: true,
};

const GUEST: SurveyedGuest = {
  ...{ userid: USERID, recorded: [PORT], hidesPorts: false, nicsOfOthers: [], remembered: undefined },
  ...{ wanted: new Map(), unconfirmed: new Set(), unwanted: [] },
};

const vswitchWith = (nics: Vswitch['nics']): Vswitch => ({
  ...UNSEEN,
  ...{ name: VswitchName.parse('VSW1'), transport: 'ETHERNET', vlanAware: true, defaultVlan: 1 },
  ...{ portSelection: 'USERBASED', authorisations: [], nics },
});
const COUPLED = vswitchWith([{ userid: USERID, vdev: Vdev.parse('1000') }]);
const UNCOUPLED = vswitchWith([]);

test('a port without a grant is right while its NIC is coupled, where the directory authorises', () => {
  expect(driftOf(GUEST, [COUPLED], capabilitiesWith('enabled')).lines).toEqual([]);
  for (const dna of ['disabled', 'absent', 'unknown'] as const)
    expect(driftOf(GUEST, [COUPLED], capabilitiesWith(dna))).toMatchObject({ certain: true });
});

test('a port without a grant whose NIC is not coupled is looked at there, with its directory entry', () => {
  expect(driftOf(GUEST, [UNCOUPLED], capabilitiesWith('enabled'))).toMatchObject({
    certain: false,
    authorisationsOnly: false,
    lines: [
      'LNX00042 has no grant on VSW1 (its directory entry, which may authorise it, was not read)',
      'NIC 1000 of LNX00042 is not coupled to VSW1',
    ],
  });
  const verified = { ...GUEST, remembered: { nics: [], verified: true, seen: true } };
  expect(driftOf(verified, [UNCOUPLED], capabilitiesWith('enabled')).lines).toEqual([]);
});

test('a grant with other VLANs is told as what the grant has, where the directory may say otherwise', () => {
  const granted = { ...COUPLED, authorisations: [{ userid: USERID, vlans: [5] }] };
  const lines = (dna: Parameters<typeof capabilitiesWith>[0]) => driftOf(GUEST, [granted], capabilitiesWith(dna)).lines;
  expect(lines('enabled')).toEqual(['the grant of LNX00042 on VSW1 has VLAN 5, not VLAN 100']);
  expect(lines('absent')).toEqual(['LNX00042 is authorised on VSW1 with VLAN 5, not VLAN 100']);
});

test('a NICDEF with a VLAN is a finding where z/VM does not heed it, or nobody knows', () => {
  const guest = {
    userid: USERID,
    directory: [{ vdev: Vdev.parse('1000'), authorization: { vlans: [7] } }, { vdev: Vdev.parse('1003') }],
  };
  const found = (dna: Parameters<typeof capabilitiesWith>[0]) => misleadingNicdefs(guest, capabilitiesWith(dna));
  expect(found('enabled')).toEqual([]);
  expect(found('disabled').map(({ of, reason }) => `${of}: ${reason}`)).toEqual([
    'guest LNX00042, NICDEF 1000: it names VLAN 7, but directory network authorization is disabled: a grant or a port number counts',
  ]);
  expect(found('unknown')).toHaveLength(1);
});
