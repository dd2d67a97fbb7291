/** The Workflow ID that is a guest's lock: Temporal allows one open run of it (docs/architecture.md). */
export function guestWorkflowId(host: string, userid: string): string {
  return `guest/${host}/${userid}`;
}
