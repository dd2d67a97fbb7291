import { describe, expect, test } from 'vitest';
import { behaviourTexts, outdatedAnswers, withAnswers } from '../../domain/host/host-behaviour.ts';
import type { HostCapabilities } from '../../domain/host/host-capabilities.ts';
import type { ProbeRecord } from '../../domain/host/probed-behaviour.ts';
import { mergedRecords } from '../../domain/probe/record.ts';

const known = <Value>(value: Value) => ({ state: 'known' as const, value, from: 'z/VM' as const });
const LEVEL = '7.4, service level 2401, network service Base';
const capabilities: HostCapabilities = {
  release: known('7.4'),
  serviceLevel: known('2401'),
  networkService: known('Base'),
  directoryNetworkAuthorization: known('enabled'),
  smapiLevel: known('V7.2'),
  smcli: known('xcat'),
};
const FIRST = '2026-01-02T03:04:05.000Z';
const SECOND = '2026-02-03T04:05:06.000Z';
const record = (found: ProbeRecord['found'], at: string, level = LEVEL): ProbeRecord => ({
  level,
  found,
  at: Object.fromEntries(Object.keys(found).map((name) => [name, at])),
});

describe('answers of probes', () => {
  test('are the behaviour of a host of the same level, each with its source', () => {
    const probed = withAnswers(capabilities, record({ revoke: 'keeps', informative: true }, FIRST));
    expect(probed.behaviour).toEqual({ revoke: 'keeps', informative: true });
    expect(behaviourTexts(probed)).toEqual([
      ['a revoke', 'keeps (probed 2026-01-02)'],
      ['informative reason codes of VSWITCH functions', 'yes (probed 2026-01-02)'],
    ]);
  });

  test('give way to those of the configuration', () => {
    const configured = { ...capabilities, behaviour: { revoke: 'uncouples' as const } };
    const both = withAnswers(configured, record({ revoke: 'keeps', regrant: 'keeps' }, FIRST));
    expect(both.behaviour).toEqual({ revoke: 'uncouples', regrant: 'keeps' });
    expect(both.behaviourFrom).toEqual({ revoke: 'configuration', regrant: FIRST });
  });

  test('of another level, or of one that cannot be read, are not used', () => {
    const other = record({ revoke: 'keeps' }, FIRST, LEVEL.replace('2401', '2501'));
    expect(withAnswers(capabilities, other)).toEqual(capabilities);
    expect(outdatedAnswers(capabilities, other)).toHaveLength(1);
    const unread = { ...capabilities, serviceLevel: { state: 'unknown' as const, reason: 'not read' } };
    expect(withAnswers(unread, record({ revoke: 'keeps' }, FIRST))).toEqual(unread);
    expect(outdatedAnswers(unread, other)).toEqual([]);
  });

  test('of two probes add up, of each question the later one, in whatever order they come', () => {
    const one = record({ revoke: 'keeps', loggedOff: '8/45' }, FIRST);
    const two = record({ revoke: 'uncouples', regrant: 'keeps' }, SECOND);
    const merged = {
      level: LEVEL,
      found: { revoke: 'uncouples', regrant: 'keeps', loggedOff: '8/45' },
      at: { revoke: SECOND, regrant: SECOND, loggedOff: FIRST },
    };
    expect(mergedRecords(one, two)).toEqual(merged);
    expect(mergedRecords(two, one)).toEqual(merged);
    expect(mergedRecords(merged as ProbeRecord, one)).toEqual(merged);
  });

  test('of a later level replace those of an earlier one', () => {
    const one = record({ revoke: 'keeps' }, FIRST);
    const two = record({ regrant: 'keeps' }, SECOND, '7.5');
    expect(mergedRecords(one, two)).toEqual(two);
    expect(mergedRecords(two, one)).toEqual(two);
  });
});
