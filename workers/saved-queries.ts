import { runProgram, UsageError, type Values } from '../command-line/program.ts';
import { NAMESPACE } from '../temporal-config/names.ts';
import { completeQueries, type QueryParameters, SAVED_QUERIES } from '../temporal-config/saved-queries.ts';
import { listPath, saveViewsScript, viewUrl } from '../temporal-config/ui.ts';

const OPTIONS = {
  ui: { type: 'string', default: 'http://127.0.0.1:8233', value: 'URL', help: 'the base of the Temporal UI' },
  namespace: { type: 'string', default: NAMESPACE, value: 'NAME', help: "Temporal's namespace" },
  hours: { type: 'string', default: '24', value: 'N', help: 'the age of the oldest runs, where a query has one' },
  host: { type: 'string', value: 'HOST', help: 'the host of the queries that need one' },
  userid: { type: 'string', value: 'USERID', help: 'the guest' },
  port: { type: 'string', value: 'ID', help: 'the port' },
  vswitch: { type: 'string', value: 'NAME', help: 'the VSWITCH' },
  vlan: { type: 'string', value: 'N', help: 'the VLAN' },
  save: {
    type: 'boolean',
    default: false,
    help: 'links that save their query as a view of that name when they are opened',
  },
  json: { type: 'boolean', default: false, help: 'print the queries as one JSON list' },
  browser: { type: 'boolean', default: false, help: "print a script for the browser's console that saves the views" },
} as const;

function main(values: Values<typeof OPTIONS>): void {
  const { ui, namespace, hours, save, json, browser, ...parameters } = values;
  if (!(Number(hours) > 0)) throw new UsageError(`--hours ${hours}: must be a number above 0`);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  if (browser) {
    say(browserScript(namespace, parameters));
    return;
  }
  const links = completeQueries(parameters).map(({ name, description, query }) => {
    const text = query({ ...parameters, hours: Number(hours) }, new Date());
    return { name, description, query: text, url: viewUrl(ui, listPath(namespace, text), save ? name : undefined) };
  });
  if (json) {
    say(JSON.stringify(links, null, 2));
    return;
  }
  for (const { name, description, query, url } of links) say(`${name}: ${description}\n  ${query}\n  ${url}\n`);
  for (const { name, needs } of SAVED_QUERIES.filter((each) => !links.some((link) => link.name === each.name)))
    say(`${name}: give ${needs.map((need) => `--${need}`).join(' and ')}`);
}

/** The script that saves the queries in a browser, without those that hold the present time. */
function browserScript(namespace: string, parameters: QueryParameters): string {
  const views = completeQueries(parameters).filter(({ ofNow }) => ofNow !== true);
  return saveViewsScript(
    namespace,
    views.map(({ name, query }) => ({ name, query: query(parameters, new Date()) })),
  );
}

runProgram(
  {
    name: 'saved-queries',
    does: 'Prints queries for operators as links into the Temporal UI.',
    options: OPTIONS,
    example: '--ui http://127.0.0.1:8233 --host zvm1 --userid LNX10001',
  },
  main,
);
