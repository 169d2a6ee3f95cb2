import { describe, expect, test } from 'vitest';
import { printable, printableLines, safeJson } from '../../../src/report/printable.ts';
import { cpuMsOf } from '../cpu-time.ts';

describe('text of others loses what steers a terminal', () => {
  test.each([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['cursor moves and erasing', 'a\u001b[2K\u001b[1Gb', 'ab'],
    ['a window title', '\u001b]0;title\u0007x', 'x'],
    ['a hyperlink', '\u001b]8;;https://x.example\u001b\\shown\u001b]8;;\u001b\\', 'shown'],
    ['one-byte C1 forms', '\u009b31mred\u009d0;t\u009cx', 'redx'],
    ['an unfinished string, whose text stays', '\u001b]0;kept', '0;kept'],
    ['device control strings', '\u001bPq#0\u001b\\x', 'x'],
    ['charset switches', '\u001b(0lqk', 'lqk'],
    ['bells, backspaces, NUL and DEL', 'a\u0007b\bc\u0000d\u007f', 'abcd'],
    ['carriage returns, which overwrite', 'safe\revil', 'safe evil'],
    ['line breaks, which forge lines', 'a\nbottle: all is well', 'a bottle: all is well'],
    ['right-to-left overrides and isolates', 'a\u202egnp.exe\u2066b\u2069', 'agnp.exeb'],
    ['zero-width characters and a byte order mark', 'a\u200bb\u200d\ufeffc', 'abc'],
    ['tag characters', 'a\u{e0041}\u{e007f}b', 'ab'],
    ['line and paragraph separators', 'a\u2028b\u2029c', 'abc'],
  ])('%s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test.each(['plain ASCII text', 'Grüße, 世界, Ελλάδα', '/a/b?x=&y=#z', '😀 ok'])('%s stays', (text) => {
    expect(printable(text)).toBe(text);
  });

  test('a lone surrogate becomes the replacement character', () => {
    expect(printable('a\ud800b')).toBe('a\ufffdb');
  });

  test('text of several lines keeps them', () => {
    expect(printableLines('a\u001b[1m\nb\r\nc')).toBe('a\nb\nc');
  });

  test('100 KB of introducers cost no noticeable time', () => {
    for (const bad of ['\u009d', '\u001b]', '\u001b[0;', '\u001bP', '\u001b ']) {
      expect(cpuMsOf(() => printable(bad.repeat(50_000)))).toBeLessThan(2000);
    }
  });
});

describe('JSON for a terminal', () => {
  test('is the same value, with unseen characters escaped', () => {
    const value = { path: '/\u009b31m\u202e\u001b[0m\u{e0041}', text: 'Grüße\n' };
    const json = safeJson(value);
    expect(JSON.parse(json)).toEqual(value);
    expect(json).toMatch(/^[\x20-\x7eüß]*$/);
  });

  test('keeps its indentation', () => {
    expect(safeJson({ a: ['\u009b'] }, 2)).toBe('{\n  "a": [\n    "\\u009b"\n  ]\n}');
  });
});
