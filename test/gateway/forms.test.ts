import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { PortRequest } from '../../domain/operations/requests.ts';
import { HostName, PortId, Userid, VswitchName } from '../../domain/text/identifiers.ts';

// The OpenAPI document is made of the same schemas: its patterns are those that values are parsed by.

const HEX = '0123456789abcdefABCDEF';
const of = (alphabet: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength });
const WORDS = of('ABCxyz019@#$_+:-. ', 10);
const PAIRS = fc.array(of(HEX, 2), { minLength: 5, maxLength: 7 }).map((pairs) => pairs.join(':'));

test.each<[string, z.ZodType, fc.Arbitrary<unknown>]>([
  ['userid', Userid, WORDS],
  ['VSWITCH', VswitchName, WORDS],
  ['host', HostName, WORDS],
  [
    'port',
    PortId,
    fc.oneof(
      fc.uuid(),
      fc.uuid().map((id) => id.toUpperCase()),
      of(`${HEX}-`, 36),
    ),
  ],
  ['MAC', PortRequest.shape.mac, PAIRS],
  ['vdev', PortRequest.shape.vdev, of(HEX, 5)],
  ['address', PortRequest.shape.address, fc.oneof(fc.ipV4(), fc.ipV6(), of('0129.:', 12))],
  ['host name of an address', PortRequest.shape.hostname, WORDS],
  [
    'network',
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
])(
  'a %s that is taken is taken again as it is written then, and the pattern in the document takes it too',
  (_case, schema, values) => {
    const { pattern } = z.toJSONSchema(schema, { io: 'input' });
    fc.assert(
      fc.property(values, (value) => {
        const { success, data } = schema.safeParse(value);
        if (success) expect(schema.safeParse(data).data, JSON.stringify(data)).toEqual(data);
        if (pattern !== undefined) expect(new RegExp(pattern).test(String(value)), JSON.stringify(value)).toBe(success);
      }),
      { numRuns: 2_000 },
    );
  },
);
