import { searchTermsOfChange, searchTermsOfPorts } from '../domain/guest/search-terms.ts';
import { acceptOperation, isOperationType, type Operation } from '../domain/operations/operations.ts';
import { WirePortsInput } from '../domain/operations/requests.ts';
import { guestWorkflowId } from '../temporal-config/names.ts';
import { aboutGuest, aboutPort } from '../temporal-config/saved-queries.ts';
import { type SearchTerms, searchAttributesOf } from '../temporal-config/search-attributes.ts';
import { listPath, markdownLink, runPath } from '../temporal-config/ui.ts';

/** How an operation is found and told of in the Temporal UI from its start on. */
export type Asked = { summary: string; details: string; found: Omit<SearchTerms, 'host'> };

/** The part of a start that operators see and find the run by; `summary` is said where the request itself says no more. */
export function toldToOperators(
  namespace: string,
  { type, input, summary, ...found }: SearchTerms & { type: string; input: unknown; summary: string },
) {
  const asked = askedOf(namespace, type, input);
  return {
    typedSearchAttributes: searchAttributesOf({ ...found, ...asked?.found }),
    staticSummary: asked?.summary ?? summary,
    ...(asked === undefined ? {} : { staticDetails: asked.details }),
  };
}

const MOST_LINKS = 8;

/** What the request of an operation says for operators. Undefined when it can not be read: the workflow refuses it then. */
export function askedOf(namespace: string, type: string, input: unknown): Asked | undefined {
  if (type === 'wirePorts') return askedOfMany(input);
  if (!isOperationType(type)) return undefined;
  const accepted = acceptOperation(type, input);
  return accepted.accepted ? askedOfGuest(namespace, accepted.operation) : undefined;
}

function askedOfGuest(namespace: string, { host, userid, portIds, change, summary, dryRun }: Operation): Asked {
  const { vswitches, vlans } = searchTermsOfChange(change);
  const link = (text: string, query: string) => markdownLink(text, listPath(namespace, query));
  const guest = guestWorkflowId(host, userid);
  const links = [
    markdownLink('the steps on z/VM', runPath(namespace, guest)),
    ...portIds.slice(0, MOST_LINKS).map((portId) => link(`all about port ${portId}`, aboutPort(portId))),
    link(`all about ${userid}`, aboutGuest(host, userid)),
  ];
  return {
    summary: `${summary} (${host})${dryRun ? ', plan only' : ''}`,
    details: `Guest **${userid}** on host **${host}**.${dryRun ? ' Only a plan: nothing is done.' : ''} See ${links.join(', ')}.`,
    found: { userid, portIds, vswitches, vlans },
  };
}

function askedOfMany(input: unknown): Asked | undefined {
  const { success, data } = WirePortsInput.safeParse(input);
  if (!success) return undefined;
  const { host, ports, live, dryRun } = data;
  const guests = new Set(ports.map((port) => port.userid)).size;
  const summary = `wire ${ports.length} port(s) of ${guests} guest(s) on ${host}${dryRun ? ', plan only' : ''}`;
  const when = live ? 'running guests get them now' : 'guests get them at their next logon';
  return {
    summary,
    details: `${summary}; ${when}. Each guest has a run of its own.`,
    found: searchTermsOfPorts(ports),
  };
}
