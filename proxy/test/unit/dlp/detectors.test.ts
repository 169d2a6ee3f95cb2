// Every detector against its own examples, alone and in the company they keep.
import { describe, expect, test } from 'vitest';
import type { Detector } from '../../../src/dlp/detectors/detector.ts';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { createScanner } from '../../../src/dlp/scanner.ts';
import type { Scanner } from '../../../src/dlp/types.ts';
import { fixture, random, seed } from './samples.ts';

const { scanner } = fixture();
const config = { secrets: [], fingerprintKey: Buffer.alloc(32, 1), decodedBytes: 1 << 20 };
const idsBy = (by: Scanner, text: string): string[] => by.scanText('x', text).map((match) => match.detector);
const ids = (text: string): string[] => idsBy(scanner, text);
/** What is off by default is looked for by itself. */
const scannerOf = (one: Detector): Scanner =>
  one.byDefault ? scanner : createScanner({ ...config, detectors: [one.id] });

describe(`detectors (BOTTLE_SEED=${seed})`, () => {
  test('have distinct ids, a description, a source and keywords that can be searched', () => {
    expect(new Set(DETECTORS.map((one) => one.id)).size).toBe(DETECTORS.length);
    for (const one of DETECTORS) {
      expect(one.description.length, one.id).toBeGreaterThan(10);
      expect(one.source.length, one.id).toBeGreaterThan(10);
      for (const keyword of one.keywords) expect(keyword.length, `${one.id} ${keyword}`).toBeGreaterThanOrEqual(3);
    }
  });

  test('are for at least 150 vendors formats, each by itself', () => {
    expect(DETECTORS.filter(({ kind }) => kind === 'format' || kind === 'context').length).toBeGreaterThanOrEqual(150);
    for (const one of DETECTORS) {
      if (one.keywords.length === 0) expect(one.seek, one.id).not.toBeNull();
      expect(one.truePositives(random).length, one.id).toBeGreaterThan(0);
    }
  });

  describe.each(DETECTORS.map((one) => [one.id, one] as const))('%s', (id, one) => {
    const own = scannerOf(one);
    const ids = (text: string): string[] => idsBy(own, text);

    test('finds what its vendor makes', () => {
      for (let i = 0; i < 10; i++) for (const text of one.truePositives(random)) expect(ids(text), text).toContain(id);
    });

    test('finds it inside JSON, a command, a sentence and a URL', () => {
      for (const text of one.truePositives(random)) {
        expect(ids(JSON.stringify({ messages: [{ content: text }] })), text).toContain(id);
        expect(ids(`curl -H "x: ${text}"`), text).toContain(id);
        expect(ids(`the value is ${text} and so on`), text).toContain(id);
        expect(ids(`/a?b=${encodeURIComponent(text)}&c=d`), text).toContain(id);
      }
    });

    test('does not find what only looks like it', () => {
      for (let i = 0; i < 10; i++) for (const text of one.falsePositives(random)) expect(ids(text), text).toEqual([]);
    });
  });

  test('find keys that chance made without a digit, and keys with many signs one character at a time', () => {
    expect(ids(`re_${random.chars('A-Za-z', 8)}_${random.chars('A-Za-z', 24)}`)).toContain('resend-key');
    for (let i = 0; i < 50; i++) {
      const letters = [
        ...`sk-ant-api03-${random.chars('A-Za-z', 2)}-${random.chars('A-Za-z', 3)}-_${random.chars('A-Za-z0-9', 85)}AA`,
      ];
      expect(ids(JSON.stringify(letters)), letters.join('')).toContain('anthropic-key');
    }
  });

  test('do not take a short prefix inside wrapped base64 for a token, wherever in its line it stands', () => {
    for (let column = 0; column < 37; column++) {
      const line = `${random.chars('A-Za-z0-9', column)}AIza${random.chars('A-Za-z0-9', 35)}+${random.chars('A-Za-z0-9', 36 - column)}`;
      const lines = [random.chars('A-Za-z0-9', 76), line, random.chars('A-Za-z0-9', 76)];
      for (const newline of ['\n', '\r\n', '\\n']) expect(ids(lines.join(newline)), line).toEqual([]);
    }
  });

  test('that a spec does not name are silent', () => {
    const only = createScanner({ ...config, detectors: ['npm-token'] });
    const text = `ghp_${random.chars('A-Za-z0-9', 36)} npm_${random.chars('A-Za-z0-9', 36)}`;
    expect(only.scanText('x', text).map((match) => match.detector)).toEqual(['npm-token']);
    expect(createScanner({ ...config, detectors: [] }).scanText('x', text)).toEqual([]);
  });
});
