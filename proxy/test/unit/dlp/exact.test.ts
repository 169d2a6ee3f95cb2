// Known secrets and placeholders: in every form, cut up, joined, in any case that an encoding allows, and not where they are not.
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { fixture, plain, random, seed } from './samples.ts';

const { scanner, value, placeholder } = fixture();
const kinds = (text: string): string[] => [...new Set(scanner.scanText('x', text).map((match) => match.detector))];
const cut = (text: string, size: number): string[] => text.match(new RegExp(`.{1,${size}}`, 'gs')) ?? [];

describe(`known values (BOTTLE_SEED=${seed})`, () => {
  test('are told apart and named', () => {
    const [first, second] = scanner.scanText('header x-note', `a ${value} b ${placeholder} c`);
    expect(first).toMatchObject({
      detector: 'known-secret',
      kind: 'known-secret',
      secret: 'API_TOKEN',
      where: 'header x-note',
      start: 2,
      end: 2 + value.length,
    });
    expect(second).toMatchObject({
      detector: 'placeholder',
      kind: 'placeholder',
      secret: 'API_TOKEN',
      length: placeholder.length,
    });
    expect(first!.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(first!.fingerprint).not.toBe(second!.fingerprint);
  });

  test('have one fingerprint in every form, and another in another session', () => {
    const forms = [
      value,
      Buffer.from(value).toString('base64'),
      Buffer.from(value).toString('hex'),
      [...value].reverse().join(''),
    ];
    expect(new Set(forms.map((form) => scanner.scanText('x', form)[0]!.fingerprint)).size).toBe(1);
    const other = fixture({ value }).scanner;
    expect(other.scanText('x', value)[0]!.fingerprint).not.toBe(scanner.scanText('x', value)[0]!.fingerprint);
  });

  test.each([
    ['lower case', (text: string) => text.toLowerCase()],
    ['upper case', (text: string) => text.toUpperCase()],
    [
      'rot13',
      (text: string) =>
        text.replaceAll(/[a-z]/gi, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < 'n' ? 13 : -13))),
    ],
    ['spaces between all characters', (text: string) => [...text].join(' ')],
    ['dashes between all characters', (text: string) => [...text].join('-')],
    ['dots between pairs', (text: string) => cut(text, 2).join('.')],
    ['line breaks every three', (text: string) => cut(text, 3).join('\n')],
    ['spaces every five', (text: string) => cut(text, 5).join(' ')],
    ['dashes every eight', (text: string) => cut(text, 8).join('-')],
    ['a JSON array of characters', (text: string) => JSON.stringify([...text])],
    ['a JSON array of pieces', (text: string) => JSON.stringify(cut(text, 6))],
    [
      'a sum of strings',
      (text: string) =>
        cut(text, 7)
          .map((piece) => `"${piece}"`)
          .join(' + '),
    ],
    ['reversed and spaced', (text: string) => [...text].reverse().join(' ')],
    ['spaced hex', (text: string) => cut(Buffer.from(text).toString('hex'), 2).join(' ')],
    ['spaced base64', (text: string) => cut(Buffer.from(text).toString('base64'), 2).join(' ')],
    [
      'pieces in another order',
      (text: string) =>
        cut(text, 9)
          .reverse()
          .map((piece, i) => `part${i}=${piece}`)
          .join('\n'),
    ],
    ['base64 reversed twice over', (text: string) => Buffer.from([...text].reverse().join('')).toString('base64')],
  ])('are found with %s', (_, dress) => {
    expect(kinds(`see ${dress(value)} end`)).toContain('known-secret');
    expect(kinds(`see ${dress(placeholder)} end`)).toContain('placeholder');
  });

  test('are found when their pieces stand in other members of an object', () => {
    for (const size of [9, 12, 20]) {
      const body = Buffer.from(
        JSON.stringify({
          note: 'x',
          parts: cut(value, size).map((piece, i) => ({ i, piece, filler: random.chars('a-z', 20) })),
        }),
      );
      const scan = scanner.scanBody('body', body, plain);
      expect(scan.matches.length, String(size)).toBeGreaterThan(0);
      expect(scan.matches.every((match) => match.detector === 'known-secret')).toBe(true);
      const rewritten = scan.rewrite(() => true).toString();
      expect(() => JSON.parse(rewritten)).not.toThrow();
      for (const piece of cut(value, size)) if (piece.length >= 9) expect(rewritten).not.toContain(piece);
    }
  });

  test('that are short are found as they are, and in no other form', () => {
    const short = fixture({ value: 'h7Kq2x' });
    expect(short.scanner.scanText('x', 'a h7Kq2x b').length).toBe(1);
    expect(short.scanner.scanText('x', 'a H7KQ2X b')).toEqual([]);
    expect(short.scanner.scanText('x', Buffer.from('h7Kq2x').toString('hex')).length).toBe(0);
  });

  test('with special characters are found as JSON, HTML and a form write them', () => {
    const odd = `p"a\\s/w&d ${random.chars('A-Za-z0-9', 6)}<ü>\n${random.chars('A-Za-z0-9', 6)}`;
    const { scanner: own } = fixture({ value: odd });
    const found = (text: string): string[] => own.scanText('x', text).map((match) => match.detector);
    expect(found(odd)).toEqual(['known-secret']);
    expect(found(JSON.stringify({ a: odd }))).toEqual(['known-secret']);
    expect(found(JSON.stringify({ a: odd }).replaceAll('/', '\\/'))).toEqual(['known-secret']);
    expect(found(JSON.stringify({ a: JSON.stringify({ b: odd }) }))).toEqual(['known-secret']);
    expect(found(new URLSearchParams({ a: odd }).toString())).toEqual(['known-secret']);
    expect(found(encodeURIComponent(odd))).toEqual(['known-secret']);
    expect(found(Buffer.from(odd).toString('latin1'))).toEqual(['known-secret']);
  });

  test('split over several texts are found joined, and only there', () => {
    for (const size of [4, 8, 12]) {
      const texts = ['x', ...cut(value, size), 'y'];
      for (const text of texts) expect(scanner.scanText('query', text)).toEqual([]);
      const joined = scanner.scanJoined('query', texts);
      expect(joined.map((match) => [match.detector, match.where.split(' ')[0]])).toEqual([['known-secret', 'query']]);
    }
    expect(scanner.scanJoined('query', cut(Buffer.from(value).toString('base64'), 10)).length).toBe(1);
    expect(scanner.scanJoined('query', ['a', value, 'b'])).toEqual([]);
  });

  test('are found when a good part of them is there', () => {
    expect(kinds(`the end is ${value.slice(10)}`)).toEqual(['known-secret']);
    expect(kinds(`it begins ${value.slice(0, -10)}`)).toEqual(['known-secret']);
  });

  test('are not found in what merely resembles them', () => {
    for (let i = 0; i < 50; i++) {
      expect(kinds(`acme_${random.chars('A-Za-z0-9', 32)}`)).toEqual([]);
      expect(kinds(`${value.slice(0, 12)}… (the rest is not shown)`)).toEqual([]);
      expect(kinds(random.chars('A-Za-z0-9 ', 4000))).toEqual([]);
    }
  });

  test('win over the detector whose format they have', () => {
    const token = `ghp_${random.chars('A-Za-z0-9', 36)}`;
    const { scanner: own } = fixture({ value: token });
    expect(own.scanText('x', `token ${token}`).map((match) => match.detector)).toEqual(['known-secret']);
    expect(
      own.scanText('x', Buffer.from(`{"t":"${token}"}`).toString('base64')).map((match) => match.detector),
    ).toEqual(['known-secret']);
    const other = `ghp_${random.chars('A-Za-z0-9', 36)}`;
    expect(
      own
        .scanText('x', Buffer.from(`${token}:${other}`).toString('base64'))
        .map((match) => match.detector)
        .sort(),
    ).toEqual(['github-token', 'known-secret']);
  });

  test('many at once do not disturb each other', () => {
    const secrets = Array.from({ length: 200 }, (_, i) => ({
      name: `S${i}`,
      value: `tok-${random.chars('A-Za-z0-9', 36)}`,
      placeholder: `ph-${random.chars('a-z0-9', 36)}`,
    }));
    const many = createScanner({ secrets, detectors: [], fingerprintKey: Buffer.alloc(32, 3), decodedBytes: 1 << 20 });
    for (const secret of secrets) {
      expect(many.scanText('x', `a ${secret.value}`).map((match) => match.secret)).toEqual([secret.name]);
      expect(
        many.scanText('x', Buffer.from(`a ${secret.placeholder}`).toString('base64')).map((match) => match.secret),
      ).toEqual([secret.name]);
    }
  });

  test('are gone from a text that was redacted', () => {
    const text = scanner.redactText(`/a/${value}/b?c=${encodeURIComponent(placeholder)}`);
    expect(text).toMatch(
      /^\/a\/bottle-redacted-known-secret-[0-9a-f]{8}\/b\?c=bottle-redacted-placeholder-[0-9a-f]{8}$/,
    );
  });
});
