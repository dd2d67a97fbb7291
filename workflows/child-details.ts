import { workflowInfo } from '@temporalio/workflow';
import { aboutGuest } from '../temporal-config/saved-queries.ts';
import { listPath, markdownLink, runPath } from '../temporal-config/ui-links.ts';

/** What a child says of itself for operators, in Markdown: who asked for it, and where its guest's history is. */
export function childDetails({ host, userid }: { host: string; userid?: string }): string {
  const { namespace, workflowId, runId } = workflowInfo();
  const asked = `Asked for by ${markdownLink(workflowId, runPath(namespace, workflowId, runId))}.`;
  if (userid === undefined) return asked;
  return `${asked}\n\n${markdownLink(`All about ${userid}`, listPath(namespace, aboutGuest(host, userid)))}`;
}
