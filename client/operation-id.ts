/**
 * The id of an operation as URLs and people write it: its Workflow ID with `~` for `/`, which no name of a host, guest, VSWITCH or port
 * holds.
 */
export function operationIdOf(workflowId: string): string {
  return workflowId.replaceAll('/', '~');
}

/** The Workflow ID of an operation's id. */
export function workflowIdOf(operationId: string): string {
  return operationId.replaceAll('~', '/');
}
