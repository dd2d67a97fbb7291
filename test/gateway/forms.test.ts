import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { PortRequest } from '../../domain/operations/requests.ts';
import { HostName, PortId, Userid, VswitchName } from '../../domain/text/identifiers.ts';
import * as forms from '../../gateway/schemas.ts';

// The API's document has to say in JSON Schema what the network's own words are. It is stricter only in how they are written.

const HEX = '0123456789abcdefABCDEF';
const of = (alphabet: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength });
const WORDS = of('ABCxyz019@#$_+:-. ', 10);
const PAIRS = fc.array(of(HEX, 2), { minLength: 5, maxLength: 7 }).map((pairs) => pairs.join(':'));

test.each<[string, z.ZodType, z.ZodType, fc.Arbitrary<unknown>]>([
  ['userid', forms.UseridParam, Userid, WORDS],
  ['VSWITCH', forms.VswitchParam, VswitchName, WORDS],
  ['host', forms.HostParam, HostName, WORDS],
  [
    'port',
    forms.PortIdParam,
    PortId,
    fc.oneof(
      fc.uuid(),
      fc.uuid().map((id) => id.toUpperCase()),
      of(`${HEX}-`, 36),
    ),
  ],
  ['MAC', forms.NewPort.shape.mac, PortRequest.shape.mac, PAIRS],
  ['vdev', forms.NewPort.shape.vdev, PortRequest.shape.vdev, of(HEX, 5)],
  ['address', forms.NewPort.shape.address, PortRequest.shape.address, fc.oneof(fc.ipV4(), fc.ipV6(), of('0129.:', 12))],
  ['host name of an address', forms.NewPort.shape.hostname, PortRequest.shape.hostname, WORDS],
  [
    'network',
    forms.Network,
    PortRequest.shape.network,
    fc.oneof(
      fc.record({ type: fc.constant('flat') }),
      fc.record({ type: fc.constant('vlan'), segmentationId: fc.integer({ min: -1, max: 4_096 }) }),
      fc.record({
        type: fc.constant('trunk'),
        segmentationIds: fc.array(fc.integer({ min: 0, max: 4_095 }), { maxLength: 4 }),
      }),
    ),
  ],
])('the form of a %s takes what is right, as the network writes it, and nothing else', (_what, form, right, values) => {
  fc.assert(
    fc.property(values, (value) => {
      const canonical = right.safeParse(value);
      if (canonical.success) expect(form.safeParse(canonical.data).success, JSON.stringify(canonical.data)).toBe(true);
      else expect(form.safeParse(value).success, JSON.stringify(value)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});
