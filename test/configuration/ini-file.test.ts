import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../configuration/error.ts';
import { parseIni } from '../../configuration/ini-file.ts';

describe('Ini text', () => {
  test('has values by = or :, comments by line, continuations, and the last of repeated keys', () => {
    const text = "\uFEFF# c\r\n[A]\r\na = 1 # no comment\r\nb: x=y\r\n; c\r\na = 'q'\r\nlist = a,\r\n\t b\r\n[A]\nc=\n";
    const { sections } = parseIni(text, 'f');
    expect(sections.map(({ name, line, values }) => [name, line, [...values]])).toEqual([
      [
        'A',
        2,
        [
          ['a', { text: 'q', line: 6 }],
          ['b', { text: 'x=y', line: 4 }],
          ['list', { text: 'a,\nb', line: 7 }],
        ],
      ],
      ['A', 9, [['c', { text: '', line: 10 }]]],
    ]);
  });

  test.each(['a = 1', '[a', '[]', '[a]\n= 1', '[a]\nsecret', ' a = 1'])('is refused when it reads %j', (text) => {
    expect(() => parseIni(text, 'f.ini')).toThrow(/f\.ini:[12]: /);
  });

  test('either parses or fails with a ConfigurationError that names file and line, whatever it is', () => {
    const line = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('[', ']', '=', ':', '#', ';', ' ', '\t', '\n', '\r', 'a', '"', '$', ',') }),
      fc.constantFrom('[agent]', 'key = value', 'key: value', '  more', '', '# comment'),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join('\n');
        try {
          const last = text.split(/\r\n|\n|\r/).length;
          for (const { values } of parseIni(text, 'any.ini').sections) {
            for (const value of values.values()) expect(value.line >= 1 && value.line <= last).toBe(true);
          }
        } catch (error) {
          if (!(error instanceof ConfigurationError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const problem of error.problems)
            expect(problem).toMatchObject({ file: 'any.ini', line: expect.any(Number) });
          expect(error.message).toContain('any.ini:');
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
