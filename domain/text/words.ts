/** True for changes by callers, of which the last accepted one holds for a port; false for repairs, probes, migrations, and what the host itself needs. */
export function isWordChange({ kind, asked }: { kind: string; asked?: true | undefined }): boolean {
  return kind === 'setPorts' ? asked === true : !['reconcile', 'probe', 'migrate'].includes(kind);
}
