import { z } from 'zod';

/**
 * Real device of an uplink: four hex digits, with an OSA port where one is named: `00A3`, `00A3.P01` (docs/reference/smcli.md 4.1;
 * docs/reference/zvm.md 3.1).
 */
export const Rdev = z
  .string()
  .regex(/^[ \t\r\n]*[0-9A-Fa-f]{1,4}(\.[Pp][0-9]{1,2})?[ \t\r\n]*$/, 'must be a real device: 1 to 4 hex digits')
  .transform((text) => {
    const [device = '', port] = text.trim().toUpperCase().split('.');
    return `${device.padStart(4, '0')}${port === undefined ? '' : `.${port}`}`;
  })
  .brand<'Rdev'>();
export type Rdev = z.infer<typeof Rdev>;
