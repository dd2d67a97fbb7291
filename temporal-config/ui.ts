// Workflows import this file, so it may import nothing that the workflow sandbox does not allow.

/** The path of a query's list of runs in the Temporal UI. */
export function listPath(namespace: string, query: string): string {
  return `/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encoded(query)}`;
}

/** The path of a workflow in the Temporal UI: of its newest run, or of `runId`. */
export function runPath(namespace: string, workflowId: string, runId?: string): string {
  const run = runId === undefined ? '' : `/${runId}/history`;
  return `/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}${run}`;
}

/** A link in the UI's Markdown. */
export function markdownLink(text: string, path: string): string {
  return `[${text}](${path})`;
}

/** A text that Markdown is to show as it stands. */
export function markdownText(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>()#!|~]/g, '\\$&');
}

// A closing bracket would end the Markdown link.
function encoded(query: string): string {
  return encodeURIComponent(query).replaceAll('(', '%28').replaceAll(')', '%29');
}

/** A view of the Temporal UI's list of workflows. */
export type View = { name: string; query: string };

/** The keys of the UI's views and columns in the browser's storage, and its limit of views (from the code of UI 2.42). */
const VIEWS = 'saved-workflow-queries';
const COLUMNS = 'namespace-workflow-table-columns';
const MOST_VIEWS = 20;

/** The columns of the list of runs. */
const SHOWN = ['Status', 'Workflow ID', 'ZvmOutcome', 'ZvmUserid', 'ZvmVswitch', 'ZvmVlan', 'ZvmBy', 'Start', 'End'];

/** The address of a list. Opening it with `save` also saves the query as a view of that name in the browser. */
export function viewUrl(ui: string, path: string, save?: string): string {
  const saved = save === undefined ? '' : `&savedQuery=${encodeURIComponent(save)}`;
  return `${ui.replace(/\/$/, '')}${path}${saved}`;
}

/**
 * A script for the console of a browser that shows the UI. It saves views and chooses columns. It replaces views of the same names and keeps others as
 * long as there is room.
 */
export function saveViewsScript(namespace: string, views: readonly View[]): string {
  const ours = views.map(({ name, query }, index) => ({ id: `networking-zvm-${index}`, name, query, type: 'user' }));
  const columns = SHOWN.map((label) => ({ label }));
  return `(() => {
  const namespace = ${JSON.stringify(namespace)};
  const ours = ${JSON.stringify(ours)};
  const read = (key) => JSON.parse(localStorage.getItem(key) ?? '{}');
  const write = (key, value) => localStorage.setItem(key, JSON.stringify({ ...read(key), [namespace]: value }));
  const others = (read('${VIEWS}')[namespace] ?? []).filter(({ name }) => !ours.some((view) => view.name === name));
  write('${VIEWS}', [...ours, ...others].slice(0, ${MOST_VIEWS}));
  write('${COLUMNS}', ${JSON.stringify(columns)});
  location.reload();
})();`;
}
