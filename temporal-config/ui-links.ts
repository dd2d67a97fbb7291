// Workflows import this file, so it may import nothing that the workflow sandbox does not allow.

/** The list of runs that a query finds, as path in the Temporal UI. */
export function listPath(namespace: string, query: string): string {
  return `/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encoded(query)}`;
}

/** A workflow in the Temporal UI: its newest run, or the one named. */
export function runPath(namespace: string, workflowId: string, runId?: string): string {
  const run = runId === undefined ? '' : `/${runId}/history`;
  return `/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}${run}`;
}

/** A path as link in the UI's Markdown. */
export function markdownLink(text: string, path: string): string {
  return `[${text}](${path})`;
}

// A closing bracket would end the link of Markdown.
function encoded(query: string): string {
  return encodeURIComponent(query).replaceAll('(', '%28').replaceAll(')', '%29');
}
