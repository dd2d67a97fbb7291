import type { Finding } from '../drift/finding.ts';
import type { HostCapabilities } from './host-capabilities.ts';
import { BEHAVIOUR_NAMES, type BehaviourName, behaviourText, type ProbeRecord } from './probed-behaviour.ts';

/** The level of z/VM that answers hold for, `7.4, service level 2401, network service Base`; undefined where it cannot be read. */
export function levelOf({ release, serviceLevel, networkService }: HostCapabilities): string | undefined {
  if (release.state === 'unknown' || serviceLevel.state === 'unknown') return undefined;
  const network = networkService.state === 'known' ? networkService.value : 'unknown';
  return `${release.value}, service level ${serviceLevel.value}, network service ${network}`;
}

/** The capabilities with the answers of probes of the same level of z/VM. The configuration's own answers hold whatever was probed. */
export function withAnswers(capabilities: HostCapabilities, record: ProbeRecord | undefined): HostCapabilities {
  const { behaviour: configured = {}, ...read } = capabilities;
  const isOfThisLevel = record !== undefined && record.level === levelOf(capabilities);
  const behaviour = { ...(isOfThisLevel ? record.found : {}), ...configured };
  if (Object.keys(behaviour).length === 0) return read;
  const fromConfiguration = Object.keys(configured).map((name) => [name, 'configuration']);
  const behaviourFrom = { ...(isOfThisLevel ? record.at : {}), ...Object.fromEntries(fromConfiguration) };
  return { ...read, behaviour, behaviourFrom };
}

/** A finding about answers that were given at another level of z/VM: they count no more. */
export function outdatedAnswers(capabilities: HostCapabilities, record: ProbeRecord | undefined): Finding[] {
  const level = levelOf(capabilities);
  if (record === undefined || level === undefined || record.level === level) return [];
  const reason = `given by z/VM ${record.level}; it is ${level} now: they are not used, probe it again`;
  return [{ of: 'answers of a probe', reason }];
}

/** The answers by name, each as it is shown with its source: `yes (probed 2026-11-29)`. */
export function behaviourTexts({
  behaviour = {},
  behaviourFrom = {},
}: HostCapabilities): [name: string, text: string][] {
  const names = Object.keys(BEHAVIOUR_NAMES) as BehaviourName[];
  return names
    .filter((name) => behaviour[name] !== undefined)
    .map((name) => [BEHAVIOUR_NAMES[name], `${behaviourText(behaviour[name])} (${sourceText(behaviourFrom[name])})`]);
}

function sourceText(from: string | undefined): string {
  return from === undefined || from === 'configuration' ? 'configured' : `probed ${from.slice(0, 10)}`;
}
