import { parseArgs } from 'node:util';
import { NAMESPACE } from '../temporal-config/names.ts';
import { completeQueries, type QueryParameters, SAVED_QUERIES } from '../temporal-config/saved-queries.ts';
import { listPath, saveViewsScript, viewUrl } from '../temporal-config/ui.ts';

/** `npm run saved-queries`: print queries for operators as links into the Temporal UI. */
function main(): void {
  const { values } = parseArgs({
    options: {
      ui: { type: 'string', default: 'http://127.0.0.1:8233' },
      namespace: { type: 'string', default: NAMESPACE },
      hours: { type: 'string', default: '24' },
      host: { type: 'string' },
      userid: { type: 'string' },
      port: { type: 'string' },
      vswitch: { type: 'string' },
      vlan: { type: 'string' },
      json: { type: 'boolean', default: false },
      browser: { type: 'boolean', default: false },
    },
  });
  const { ui, namespace, hours, json, browser, ...parameters } = values;
  if (!(Number(hours) > 0)) throw new Error(`--hours ${hours}: must be a number above 0`);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  if (browser) {
    say(browserScript(namespace, parameters));
    return;
  }
  const links = completeQueries(parameters).map(({ name, description, query }) => {
    const text = query({ ...parameters, hours: Number(hours) }, new Date());
    return { name, description, query: text, url: viewUrl(ui, listPath(namespace, text)) };
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

// The reader has closed the pipe, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
try {
  main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
