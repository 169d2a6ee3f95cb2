// Every detector against its own examples, alone and in the company they keep.
import { describe, expect, test } from 'vitest';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { fixture, random, seed } from './samples.ts';

const { scanner } = fixture();
const ids = (text: string): string[] => scanner.scanText('x', text).map((match) => match.detector);

describe(`detectors (BOTTLE_SEED=${seed})`, () => {
  test('have distinct ids, a description, a source and keywords that can be searched', () => {
    expect(new Set(DETECTORS.map((one) => one.id)).size).toBe(DETECTORS.length);
    for (const one of DETECTORS) {
      expect(one.description.length, one.id).toBeGreaterThan(10);
      expect(one.source.length, one.id).toBeGreaterThan(10);
      for (const keyword of one.keywords) expect(keyword.length, `${one.id} ${keyword}`).toBeGreaterThanOrEqual(3);
    }
  });

  describe.each(DETECTORS.filter((one) => one.byDefault).map((one) => [one.id, one] as const))('%s', (id, one) => {
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
    expect(ids(`re_${random.chars('A-Za-z', 8)}_${random.chars('A-Za-z', 24)}`)).toContain('mail-key');
    for (let i = 0; i < 50; i++) {
      const letters = [
        ...`sk-ant-api03-${random.chars('A-Za-z', 2)}-${random.chars('A-Za-z', 3)}-_${random.chars('A-Za-z0-9', 85)}AA`,
      ];
      expect(ids(JSON.stringify(letters)), letters.join('')).toContain('anthropic-key');
    }
  });

  test('that a spec does not name are silent', () => {
    const config = { secrets: [], fingerprintKey: Buffer.alloc(32, 1), decodedBytes: 1 << 20 };
    const only = createScanner({ ...config, detectors: ['npm-token'] });
    const text = `ghp_${random.chars('A-Za-z0-9', 36)} npm_${random.chars('A-Za-z0-9', 36)}`;
    expect(only.scanText('x', text).map((match) => match.detector)).toEqual(['npm-token']);
    expect(createScanner({ ...config, detectors: [] }).scanText('x', text)).toEqual([]);
  });
});
