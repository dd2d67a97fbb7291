/** A view of the Temporal UI's list of workflows. */
export type View = { name: string; query: string };

/** Where the UI keeps a browser's views and columns, and how many views it keeps (UI 2.42; read in its code). */
const VIEWS = 'saved-workflow-queries';
const COLUMNS = 'namespace-workflow-table-columns';
const MOST_VIEWS = 20;

/** What an operator wants to see of a run in the list. */
const SHOWN = ['Status', 'Workflow ID', 'ZvmOutcome', 'ZvmUserid', 'ZvmVswitch', 'ZvmVlan', 'Start', 'End'];

/** The address of a list; with `save`, opening it also saves the query as view in that browser, under its name. */
export function viewUrl(ui: string, path: string, save?: string): string {
  const saved = save === undefined ? '' : `&savedQuery=${encodeURIComponent(save)}`;
  return `${ui.replace(/\/$/, '')}${path}${saved}`;
}

/**
 * A script for the console of a browser that shows the UI: saves views and chooses columns there. Views of the same names are replaced, others
 * stay as long as there is room.
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
