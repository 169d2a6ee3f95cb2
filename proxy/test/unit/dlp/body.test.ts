// Whole bodies: content-encodings, places, and replacements that leave everything else as it was.
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { fixture, freshTokens, plain, random, seed } from './samples.ts';

const { scanner, value } = fixture();
const form = { contentType: 'application/x-www-form-urlencoded', contentEncoding: '' } as const;
const scanJson = (body: unknown) => scanner.scanBody('body', Buffer.from(JSON.stringify(body)), plain);
const wheres = (body: unknown): string[] => scanJson(body).matches.map((match) => match.where);

describe(`bodies (BOTTLE_SEED=${seed})`, () => {
  const codings = [
    ['gzip', gzipSync, gunzipSync],
    ['x-gzip', gzipSync, gunzipSync],
    ['deflate', deflateSync, inflateSync],
    ['deflate', deflateRawSync, inflateRawSync],
    ['br', brotliCompressSync, brotliDecompressSync],
    ['zstd', zstdCompressSync, zstdDecompressSync],
    [
      'gzip, br',
      (data: Buffer) => brotliCompressSync(gzipSync(data)),
      (data: Buffer) => gunzipSync(brotliDecompressSync(data)),
    ],
    ['identity', (data: Buffer) => data, (data: Buffer) => data],
  ] as const;

  test.each(codings)('%s is decoded, and encoded again after a replacement', (contentEncoding, encode, decode) => {
    const text = `{"a":1.50,"b":"${value}","c":[ 1 ]}`;
    const scan = scanner.scanBody('body', encode(Buffer.from(text)), { ...plain, contentEncoding });
    expect(scan.unjudged).toBeNull();
    expect(scan.matches.map((match) => [match.detector, match.where])).toEqual([['known-secret', 'body $.b']]);
    const rewritten = decode(scan.rewrite(() => true)).toString();
    expect(rewritten).toBe(`{"a":1.50,"b":"${scanner.replacement(scan.matches[0]!)}","c":[ 1 ]}`);
    expect(scan.rewrite(() => false).equals(encode(Buffer.from(text)))).toBe(true);
  });

  test('what cannot be decoded has a verdict of its own', () => {
    const body = gzipSync('some text that is long enough to be cut');
    const kinds = (given: Buffer, contentEncoding: string): string | undefined =>
      scanner.scanBody('body', given, { ...plain, contentEncoding }).unjudged?.kind;
    expect(kinds(body.subarray(0, 20), 'gzip')).toBe('undecodable');
    expect(kinds(Buffer.concat([body, Buffer.from('and more')]), 'gzip')).toBe('undecodable');
    expect(kinds(Buffer.concat([deflateSync('x'), Buffer.from('and more')]), 'deflate')).toBe('undecodable');
    expect(kinds(Buffer.concat([brotliCompressSync('x'), Buffer.from('and more')]), 'br')).toBe('undecodable');
    expect(kinds(Buffer.from('plain text'), 'gzip')).toBe('undecodable');
    expect(kinds(body, 'compress')).toBe('undecodable');
    expect(kinds(body, 'gzip, gzip, gzip, gzip, gzip')).toBe('undecodable');
    expect(kinds(Buffer.concat([gzipSync('two'), gzipSync('members')]), 'gzip')).toBeUndefined();
    expect(kinds(Buffer.alloc(0), 'gzip')).toBeUndefined();
  });

  test('what decodes to too much is over budget', () => {
    const { scanner: small } = fixture({ decodedBytes: 1 << 20 });
    const bomb = Buffer.alloc(8 << 20);
    for (const [contentEncoding, encode] of codings) {
      if (contentEncoding === 'identity') continue;
      expect(small.scanBody('body', encode(bomb), { ...plain, contentEncoding }).unjudged?.kind, contentEncoding).toBe(
        'over_budget',
      );
    }
    const nested = JSON.stringify({ a: gzipSync(bomb).toString('base64') });
    expect(small.scanBody('body', Buffer.from(nested), plain).unjudged?.kind).toBe('over_budget');
  });

  test('a secret beside the content of a compressed stream is found, and goes with a rewrite', () => {
    const body = gzipSync('nothing');
    const named = Buffer.concat([
      body.subarray(0, 3),
      Buffer.from([8]),
      body.subarray(4, 10),
      Buffer.from(`${value}\0`),
      body.subarray(10),
    ]);
    expect(gunzipSync(named).toString()).toBe('nothing');
    const scan = scanner.scanBody('body', named, { ...plain, contentEncoding: 'gzip' });
    expect(scan.matches.map((match) => match.detector)).toEqual(['known-secret']);
    const rewritten = scan.rewrite(() => true);
    expect(rewritten.includes(value)).toBe(false);
    expect(gunzipSync(rewritten).toString()).toBe('nothing');
  });

  test('compressed data that no header announces is read', () => {
    const scan = scanner.scanBody('body', gzipSync(`{"a":"${value}"}`), {
      contentType: 'application/octet-stream',
      contentEncoding: '',
    });
    expect(scan.matches.map((match) => match.where)).toEqual(['body > gzip']);
  });

  test('a place in JSON is a path', () => {
    expect(wheres({ messages: [{ role: 'user' }, { content: [{ text: `a "quoted" ${value}` }] }] })).toEqual([
      'body $.messages[1].content[0].text',
    ]);
    expect(wheres({ messages: [{ content: Buffer.from(`xx ${value}`).toString('base64') }] })).toEqual([
      'body $.messages[0].content > base64',
    ]);
    expect(wheres({ a: { [value]: 1 } })).toEqual(['body $.a.(key)']);
    expect(wheres([[], {}, value])).toEqual(['body $[2]']);
    expect(wheres(value)).toEqual(['body $']);
    const lines = [{ a: 1 }, { b: { c: value } }].map((line) => JSON.stringify(line)).join('\n');
    expect(scanner.scanBody('body', Buffer.from(lines), plain).matches.map((match) => match.where)).toEqual([
      'body line 2 $.b.c',
    ]);
  });

  test('a place never repeats what was found', () => {
    const tokens = [...freshTokens().map(([, token]) => token), value];
    for (const token of tokens) {
      for (const key of [
        token,
        Buffer.from(token).toString('base64'),
        Buffer.from(token).toString('hex'),
        encodeURIComponent(token),
      ]) {
        const text = JSON.stringify(scanJson({ [key]: { inner: [token] } }).matches);
        expect(text).not.toContain(token);
        expect(text).not.toContain(key);
      }
    }
  });

  test('forms and parts name their field', () => {
    const inForm = scanner.scanBody('body', Buffer.from(`a=1&note=${encodeURIComponent(`x ${value}`)}&c=2`), form);
    expect(inForm.matches.map((match) => match.where)).toEqual(['body field note']);
    const parts = Buffer.from(
      `--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="x.txt"\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(`lorem ipsum dolor ${value}`).toString('base64')}\r\n--b--\r\n`,
    );
    const inParts = scanner.scanBody('body', parts, {
      contentType: 'multipart/form-data; boundary=b',
      contentEncoding: '',
    });
    expect(inParts.matches.map((match) => match.where)).toEqual(['body part file > base64']);
    const rewritten = inParts.rewrite(() => true).toString();
    expect(rewritten.startsWith(parts.toString().slice(0, parts.indexOf('bG9yZW0')))).toBe(true);
    expect(rewritten.endsWith('\r\n--b--\r\n')).toBe(true);
  });

  test('a replaced body is still the JSON that it was, but for the secret', () => {
    const dresses: readonly ((text: string) => string)[] = [
      (text) => text,
      (text) => Buffer.from(text).toString('base64'),
      (text) => Buffer.from(`some text before ${text}, and some after`).toString('base64'),
      (text) => Buffer.from(text).toString('hex'),
      (text) => encodeURIComponent(text),
      (text) => [...text].join(' '),
      (text) => [...text].reverse().join(''),
      (text) => JSON.stringify({ inner: text }),
    ];
    for (const [detector, token] of [...freshTokens(), ['known-secret', value] as const]) {
      for (const dress of dresses) {
        if (detector !== 'known-secret' && dress === dresses[5]) continue;
        const body = {
          n: 12.0,
          before: 'untouched ✓',
          list: [{ text: `see ${dress(token)} here` }],
          after: [1, null, 'x'],
        };
        const scan = scanJson(body);
        expect(
          scan.matches.map((match) => match.detector),
          dress(token),
        ).toContain(detector);
        const rewritten = JSON.parse(scan.rewrite(() => true).toString()) as typeof body;
        expect({ ...rewritten, list: 0 }).toEqual({ ...body, list: 0 });
        expect(rewritten.list[0]!.text).toMatch(/^see .*bottle-redacted-[a-z0-9-]+-[0-9a-f]{8}/s);
        expect(rewritten.list[0]!.text).not.toContain(dress(token));
        expect(scanJson(rewritten).matches, dress(token)).toEqual([]);
      }
    }
  });

  test('numbers that spell a secret are replaced by a string', () => {
    const scan = scanJson({ data: [...Buffer.from(`hi ${value}`)], rest: 1 });
    expect(scan.matches.map((match) => match.detector)).toEqual(['known-secret']);
    const rewritten = JSON.parse(scan.rewrite(() => true).toString()) as { data: unknown[]; rest: number };
    expect(rewritten.rest).toBe(1);
    expect(JSON.stringify(rewritten.data)).toContain('bottle-redacted-known-secret-');
  });

  test('the same secret has the same replacement everywhere', () => {
    const scan = scanJson({ a: value, b: Buffer.from(value).toString('base64'), c: `x ${value} ${value}` });
    expect(scan.matches.length).toBe(4);
    expect(new Set(scan.matches.map((match) => scanner.replacement(match))).size).toBe(1);
  });

  test('only what was chosen is replaced', () => {
    const [, token] = freshTokens()[0]!;
    const scan = scanJson({ a: value, b: token });
    const rewritten = scan.rewrite((match) => match.kind === 'detector').toString();
    expect(rewritten).toContain(value);
    expect(rewritten).not.toContain(token);
  });

  test('a text of many characters keeps its positions', () => {
    const text = `naïve 👍 “${value}” ${random.chars('a-z', 4)}`;
    const [match] = scanner.scanText('x', text);
    expect(text.slice(match!.start, match!.end)).toBe(value);
  });
});
