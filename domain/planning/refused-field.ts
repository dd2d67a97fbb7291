/** Fields of requests whose refusals have a section of the documentation (docs/errors/fields.md). */
export const EXPLAINED_FIELDS = [
  'host',
  'userid',
  'portId',
  'vswitch',
  'network',
  'network.type',
  'network.segmentationId',
  'network.segmentationIds',
  'mac',
  'vdev',
  'adminStateUp',
  'hostname',
  'address',
  'binding:vnic_type',
  'onlyIf.plan',
  'onlyIf.state',
  'undoes',
  'to',
  'policy',
  'approval',
  'operation',
  'plan',
  'by',
  'input',
] as const;

/** The name of the section about a refused field, wherever in the request it stands: `ports.0.vdev` is in `field-vdev`. */
export function fieldPage(field: string): string {
  const plain = field.replace(/^ports\.\d+\./, '').replace(/\.\d+$/, '');
  const name = plain === 'portIds' ? 'portId' : plain;
  return EXPLAINED_FIELDS.some((each) => each === name) ? `field-${name}` : 'field-other';
}
