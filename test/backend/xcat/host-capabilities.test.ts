import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ZvmBackend } from '../../../backend/backend.ts';
import type { HostReading } from '../../../backend/reading.ts';
import { createLevelMemory } from '../../../backend/xcat/reading/capability-reading.ts';
import type { Command, CommandOutcome } from '../../../backend/xcat/zhcp/channel.ts';
import {
  parseCpLevel,
  parseDirectoryNetworkAuthorization,
  parseFunctionalLevel,
  parseNetworkService,
  parseSmcliKind,
} from '../../../backend/xcat/zhcp/level-parsers.ts';
import type { ConfiguredCapabilities, HostLevel } from '../../../domain/host/host-capabilities.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import type { SimulatorOptions } from '../../../simulator/simulator.ts';
import { RELEASES } from '../../../simulator/zvm/release.ts';
import type { ZvmSystem } from '../../../simulator/zvm/system.ts';
import { passing, simulatedHost } from './simulated-host.ts';

const GUEST = Userid.parse('LNX10001');
type World = {
  backend: ZvmBackend;
  system: ZvmSystem;
  /** Commands that were sent, in order. */
  sent: string[];
};

/** A backend on a simulated z/VM; `replaced` gives other commands than those asked for. */
async function open(
  options: SimulatorOptions = {},
  capabilities?: ConfiguredCapabilities,
  replaced: (command: Command) => Command = (command) => command,
): Promise<World> {
  const sent: string[] = [];
  const seen = passing((command) => {
    sent.push(command.argv.slice(0, 3).join(' '));
    return replaced(command);
  });
  const host = await simulatedHost(
    { guests: 2, release: '6.3', ...options },
    { seen, configured: capabilities === undefined ? {} : { capabilities } },
  );
  return { ...host, sent };
}

const survey = ({ backend }: World): Promise<HostReading> => backend.readHost({ userids: [GUEST], survey: true });
const fromZvm = (value: string) => ({ state: 'known', value, from: 'z/VM' });
const configured = (value: string) => ({ state: 'known', value, from: 'configuration' });
const questions = ({ sent }: World) => sent.filter((command) => /cplevel|Functional_Level/.test(command));

const DNA = {
  '6.3': 'absent',
  '6.4': 'absent',
  '7.1': 'enabled',
  '7.3': 'enabled',
  '7.4': 'enabled',
  '7.5': 'enabled',
};
const SMAPI = { '6.3': 'V6.3', '6.4': 'V6.4', '7.1': 'V7.1', '7.3': 'V7.2', '7.4': 'V7.2', '7.5': 'V7.2' };

test.each(RELEASES)('a host of z/VM %s is known by all its levels', async (release) => {
  const { capabilities, findings } = await survey(await open({ release }));
  expect(findings).toEqual([]);
  expect(capabilities).toEqual({
    release: fromZvm(release),
    serviceLevel: fromZvm(expect.stringMatching(/^\d{4}$/) as string),
    networkService: fromZvm('Base'),
    directoryNetworkAuthorization: fromZvm(DNA[release]),
    smapiLevel: fromZvm(SMAPI[release]),
    smcli: fromZvm('xcat'),
  } satisfies Record<HostLevel, unknown>);
});

test('6.4 with the APARs is told from 6.4 without by QUERY VMLAN alone', async () => {
  expect((await survey(await open({ release: '6.4', dna: 'enabled' }))).capabilities).toMatchObject({
    release: fromZvm('6.4'),
    networkService: fromZvm('VM65925'),
    directoryNetworkAuthorization: fromZvm('enabled'),
  });
});

test('directory network authorization is read anew each time: an administrator may change it', async () => {
  const world = await open({ release: '7.4' });
  await survey(world);
  world.system.behave('7.4', { dna: 'disabled' });
  expect((await survey(world)).capabilities.directoryNetworkAuthorization).toEqual(fromZvm('disabled'));
});

test('the later smcli is told by the line of codes that it begins with', async () => {
  const world = await open({}, undefined, ({ argv: [program, ...rest] }) => ({
    argv: [rest[0] === 'Query_API_Functional_Level' ? '/opt/zthin/bin/smcli' : (program ?? ''), ...rest],
  }));
  expect((await survey(world)).capabilities).toMatchObject({ smcli: fromZvm('feilong'), smapiLevel: fromZvm('V6.3') });
});

describe('a question that is not understood', () => {
  const UNKNOWN: [what: string, word: string, unknown: HostLevel[]][] = [
    ['QUERY CPLEVEL', 'cplevel', ['release', 'serviceLevel']],
    ['Query_API_Functional_Level', 'Query_API_Functional_Level', ['smapiLevel', 'smcli']],
  ];
  test.each(UNKNOWN)(
    '%s leaves its values unknown, as findings, and all else as it is',
    async (_case, word, unknown) => {
      const world = await open({ release: '7.4' }, undefined, ({ argv }) => ({
        argv: argv.map((each) => (each === word ? 'NOSUCH' : each)),
      }));
      const { capabilities, findings, iplTime, vswitches, read } = await survey(world);
      const states = Object.entries(capabilities).map(([key, value]) => [
        key,
        value !== undefined && 'state' in value ? value.state : value,
      ]);
      expect(states.filter(([, state]) => state === 'unknown').map(([key]) => key)).toEqual(unknown);
      expect(findings).toHaveLength(unknown.length);
      expect(iplTime).toBeDefined();
      expect(vswitches.map(({ name }) => String(name))).toContain('VSW1');
      expect(read(GUEST).guest.userid).toBe(GUEST);
      const before = questions(world).length;
      await world.backend.readHost({ userids: [GUEST] });
      expect(questions(world)).toHaveLength(before);
    },
  );

  test('a value of the configuration stands in for an unreadable one, and is no finding', async () => {
    const world = await open({}, { release: '6.3' }, ({ argv }) => ({
      argv: argv.map((each) => (each === 'cplevel' ? 'NOSUCH' : each)),
    }));
    const { capabilities, findings } = await survey(world);
    expect(capabilities.release).toEqual(configured('6.3'));
    expect(findings.map(({ of }) => of)).toEqual(['CP service level']);
  });
});

test('the configuration holds whatever z/VM answers', async () => {
  const capabilities: ConfiguredCapabilities = {
    release: '6.4',
    directoryNetworkAuthorization: 'disabled',
    smapiLevel: 'V6.4',
    smcli: 'feilong',
  };
  expect((await survey(await open({ release: '7.4' }, capabilities))).capabilities).toMatchObject({
    release: configured('6.4'),
    directoryNetworkAuthorization: configured('disabled'),
    smapiLevel: configured('V6.4'),
    smcli: configured('feilong'),
  });
});

test('levels are asked for in the script of each survey, so that an IPL costs no other, and not again for a guest', async () => {
  const world = await open({ release: '6.3' });
  await survey(world);
  await world.backend.readHost({ userids: [GUEST] });
  expect(questions(world)).toHaveLength(3);
  world.system.behave('7.4', {});
  // The IPL time is told in seconds.
  world.system.iplTime = new Date(world.system.iplTime.getTime() + 1_000);
  expect((await survey(world)).capabilities).toMatchObject({ release: fromZvm('7.4'), smapiLevel: fromZvm('V7.2') });
  expect(questions(world)).toHaveLength(6);
});

test('a level that is known outlives a question without an answer, and no IPL', () => {
  const memory = createLevelMemory();
  const said = (output: string): CommandOutcome => ({ ran: true, exitStatus: 0, output });
  const release = () => memory.capabilities(undefined, undefined).release;
  memory.iplAt('2026-01-01 10:00:00');
  memory.note([said('z/VM Version 7 Release 4.0, service level 2401 (64-bit)'), undefined, undefined, undefined]);
  memory.note([undefined, undefined, undefined, undefined]);
  expect(release()).toEqual(fromZvm('7.4'));
  memory.iplAt('2026-01-02 10:00:00');
  memory.note([undefined, undefined, undefined, undefined]);
  expect(release()).toMatchObject({ state: 'unknown' });
});

test('a guest is read with levels before the first survey', async () => {
  const world = await open({ release: '7.4' });
  expect((await world.backend.readHost({ userids: [GUEST] })).capabilities.release).toEqual(fromZvm('7.4'));
});

describe('parsers', () => {
  const number = fc.integer({ min: 0, max: 99 });
  const operations = {
    parseCpLevel,
    parseDirectoryNetworkAuthorization,
    parseFunctionalLevel,
    parseNetworkService,
    parseSmcliKind,
  };

  test('a release is told as version and release, with a modification level where it has one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), number, number, (version, release, level) => {
        const text = `z/VM Version ${version} Release ${release}.${level}, service level 2401 (64-bit)\nGenerated at …`;
        const expected = `${version}.${release}${level === 0 ? '' : `.${level}`}`;
        expect(parseCpLevel(text)).toEqual({ release: expected, serviceLevel: '2401' });
      }),
    );
  });

  test.each(Object.entries(operations))('%s never guesses: other text is refused', (_name, parse) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parse(text)).toThrow();
      }),
    );
  });

  test('an answer of QUERY VMLAN that is incomplete is never that of a host without authorization', () => {
    const whole = [
      'VMLAN maintenance level:',
      '  Latest Service: Base',
      'VMLAN general activity:',
      '  PERSISTENT Limit: INFINITE   Current: 3',
      '  TRANSIENT  Limit: INFINITE   Current: 0',
      'Trace Pages: 8',
      'VMLAN Directory Network Authorization: ENABLED',
      'IVL Domain: None',
    ];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), (lines) => {
        expect(() => parseDirectoryNetworkAuthorization(whole.slice(0, lines).join('\n'))).toThrow('incomplete');
      }),
    );
    expect(parseDirectoryNetworkAuthorization(whole.join('\n'))).toBe('enabled');
    expect(parseDirectoryNetworkAuthorization(whole.slice(0, 5).join('\n'))).toBe('absent');
  });

  test('another word than ENABLED or DISABLED is refused with that word', () => {
    const text = '  TRANSIENT  Limit: INFINITE\nVMLAN Directory Network Authorization: MAYBE';
    expect(() => parseDirectoryNetworkAuthorization(text)).toThrow('"MAYBE"');
  });
});
