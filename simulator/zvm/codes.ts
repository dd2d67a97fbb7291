/** A SMAPI return and reason code pair. */
export type Code = readonly [rc: number, rs: number];

export const OK: Code = [0, 0];

const DESCRIPTIONS: Record<string, string> = {
  '0/40': 'Request successful; new virtual switch created',
  '0/44': 'Request successful; virtual switch removed',
  '4/3008': 'The system is not a member of an SSI cluster',
  '8/45': 'Userid not logged on',
  '100/8': 'Request not authorized by server',
  '200/4': 'Image not found',
  '200/8': 'Image already active',
  '200/12': 'Image not active',
  '204/2': 'Input image device number not valid',
  '204/4': 'Image device already exists',
  '204/8': 'Image device does not exist',
  '204/20': 'Image device already connected',
  '204/48': 'Virtual network adapter is already disconnected',
  '212/32': 'Image device not connected to LAN',
  '212/36': 'Virtual switch already exists',
  '212/40': 'Virtual switch does not exist',
  '212/44': 'Image already authorized',
  '212/48': 'VLAN does not exist',
  '212/52': 'Maximum number of connections reached',
  '400/4': 'Image or profile definition not found',
  '400/12': 'Image or profile definition is locked',
  '400/24': 'Image or profile definition is not locked',
  '404/4': 'Image device already defined',
  '404/8': 'Image device not defined',
  '500/8': 'Directory manager is not available',
};

/** The text smcli prints for a code pair (docs/reference/smcli.md 5.1). 212/8 means something else in a query. */
export function describe([rc, rs]: Code, query: boolean): string {
  if (rc === 212 && rs === 8) return query ? 'Adapter does not exist' : 'Image not authorized to connect';
  if (rc === 24) return `Syntax error in function parameter ${Math.floor(rs / 100)}`;
  if (rc === 396) return `Internal error - CP error message HCP${String(rs).padStart(4, '0')}`;
  if (rc === 596) return `Internal directory manager error - product-specific return code : ${rs}`;
  if (rc === 592) return 'Asynchronous operation started';
  return DESCRIPTIONS[`${rc}/${rs}`] ?? 'Unknown';
}
