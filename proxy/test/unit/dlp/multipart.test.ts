// What the head of a part says about its content: encodings for transfer, compression, character sets, names in pieces, forms in forms.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, inflateRawSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Match } from '../../../src/dlp/types.ts';
import { fixture, freshTokens, random, seed } from './samples.ts';

const { scanner, value } = fixture();
const token = freshTokens()[0]![1];
const meta = { contentType: 'multipart/form-data; boundary=bnd', contentEncoding: '' };
const EXPECTED = ['github-token', 'known-secret'];

const words = (count: number): string => Array.from({ length: count }, () => random.chars('a-z', 8)).join(' ');
const text = (): string => `some notes here\n${words(30)}\nkey ${value} and ${token} end\n`;
const wrapped = (data: Buffer): string => data.toString('base64').replace(/(.{76})/g, '$1\r\n');
const quoted = (given: string): string =>
  [...Buffer.from(given)]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
    .replace(/(.{72})/g, '$1=\r\n');
const escaped = (given: string): string => Buffer.from(given).toString('hex').replace(/(..)/g, '%$1');
const wide = (given: string): Buffer => Buffer.from(given, 'utf16le');

const part = (fields: readonly string[], content: Buffer | string, boundary = 'bnd'): Buffer =>
  Buffer.concat([
    Buffer.from([`--${boundary}`, ...fields, '', ''].join('\r\n')),
    Buffer.from(content),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
const file = (fields: readonly string[], content: Buffer | string): Buffer =>
  part(['Content-Disposition: form-data; name="f"; filename="a.txt"', ...fields], content);
const BASE64 = 'Content-Transfer-Encoding: base64';

/** Deflate whose stored block holds what is nearly a delimiter. */
const withDelimiter = (): Buffer => deflateSync(`a\r\n--bn\r\n\r\n${text()}`, { level: 0 });
/** The beginning of brotli that stores what follows as it is: what a reader that looks for its end takes the next parts for. */
const SWALLOWS = brotliCompressSync(Buffer.from(random.chars('\0-ÿ', 9000), 'latin1')).subarray(0, 8);

const PARTS: Readonly<Record<string, () => Buffer>> = {
  base64: () => file([BASE64], wrapped(Buffer.from(text()))),
  'quoted-printable': () => file(['Content-Transfer-Encoding: quoted-printable'], quoted(text())),
  gzip: () => file(['Content-Encoding: gzip'], gzipSync(text())),
  deflate: () => file(['content-encoding:deflate'], deflateSync(text())),
  'raw deflate': () => file(['Content-Encoding: deflate'], deflateRawSync(text())),
  'deflate that holds a delimiter': () => file(['Content-Encoding: deflate'], withDelimiter()),
  br: () => file(['Content-Encoding: br', 'X-Other: y'], brotliCompressSync(text())),
  zstd: () => file(['X-Other: y', 'CONTENT-ENCODING: zstd'], zstdCompressSync(text())),
  'gzip in base64': () => file([BASE64, 'Content-Encoding: gzip'], wrapped(gzipSync(text()))),
  'br in base64': () => file(['Content-Encoding: br', BASE64], wrapped(brotliCompressSync(text()))),
  'zstd in base64': () => file(['Content-Encoding: zstd', BASE64], wrapped(zstdCompressSync(text()))),
  'a br part behind a br part': () =>
    Buffer.concat([
      file(['Content-Encoding: br'], brotliCompressSync(words(20))).subarray(0, -4),
      Buffer.from('\r\n'),
      file(['Content-Encoding: br'], brotliCompressSync(text())),
    ]),
  'a br part behind one that is cut': () =>
    Buffer.concat([
      file(['Content-Encoding: br'], SWALLOWS).subarray(0, -4),
      Buffer.from('\r\n'),
      file(['Content-Encoding: br'], brotliCompressSync(text())),
    ]),
  'a br part behind a line that looks like another delimiter': () =>
    Buffer.concat([
      Buffer.from('--other\r\n\r\n'),
      file(['Content-Encoding: br'], SWALLOWS).subarray(0, -4),
      Buffer.from('\r\n'),
      file(['Content-Encoding: br'], brotliCompressSync(text())),
    ]),
  'a br part behind one that is damaged': () =>
    Buffer.concat([
      file(['Content-Encoding: br'], 'no such stream').subarray(0, -4),
      Buffer.from('\r\n'),
      file(['Content-Encoding: br'], brotliCompressSync(text())),
    ]),
  'long content, compressed': () => file(['Content-Encoding: br'], brotliCompressSync(words(20_000) + text())),
  'UTF-16': () => file(['Content-Type: text/plain; charset=utf-16'], wide(text())),
  'UTF-16, big end first': () => file(['Content-Type: text/plain; charset=utf-16be'], wide(text()).swap16()),
  'UTF-16 at an odd place': () => file(['X-A: odd', 'Content-Type: text/plain; charset=utf-16'], wide(text())),
  'UTF-16 in base64': () => file(['Content-Type: text/plain; charset=utf-16le', BASE64], wrapped(wide(text()))),
  'a file name of RFC 8187': () =>
    part([`Content-Disposition: form-data; name="f"; filename*=UTF-8''${escaped(`${value} ${token}`)}`], 'x'),
  'parameters in pieces': () =>
    part(
      [
        `Content-Disposition: form-data; name*0="${token.slice(0, 20)}"; name*1="${token.slice(20)}";`,
        ` filename*0*=UTF-8''${escaped(value.slice(0, 15))};`,
        ` filename*1*=${escaped(value.slice(15))}`,
      ],
      'x',
    ),
  'an encoded word': () =>
    part([`Content-Disposition: form-data; filename="=?utf-8?B?${btoa(`${value} ${token}`)}?="`], 'x'),
  'a form in a form': () =>
    part(
      ['Content-Disposition: form-data; name="f"', 'Content-Type: multipart/mixed; boundary=inner'],
      part(['Content-Disposition: file; filename="x"', 'Content-Encoding: br'], brotliCompressSync(text()), 'inner'),
    ),
};

const namesOf = (matches: readonly Match[]): string[] => [...new Set(matches.map(({ detector }) => detector))].sort();

function streamed(body: Buffer, bytes: number): string[] {
  const scan = scanner.scanStream('body', meta, null);
  const matches: Match[] = [];
  let released = 0;
  for (let at = 0; at < body.length; at += bytes) {
    const step = scan.push(body.subarray(at, at + bytes));
    if (matches.length === 0 && step.matches.length === 0) released += step.release.length;
    matches.push(...step.matches);
  }
  matches.push(...scan.end().matches);
  expect(released, 'released before the finding').toBeLessThan(body.length);
  return namesOf(matches);
}

describe(`parts of a multipart body (BOTTLE_SEED=${seed})`, () => {
  it.each(Object.entries(PARTS))('%s: a known secret and a token are found, whole and streamed', (_, make) => {
    const last = make();
    expect(namesOf(scanner.scanBody('body', last, meta).matches)).toEqual(EXPECTED);
    for (const bytes of [1, 37, 1000]) expect(streamed(last, bytes), `${bytes} at a time`).toEqual(EXPECTED);
    const first = part(['Content-Disposition: form-data; name="b"'], words(9000)).subarray(0, -13);
    const body = Buffer.concat([first, Buffer.from('\r\n'), last]);
    expect(namesOf(scanner.scanBody('body', body, meta).matches), 'behind text').toEqual(EXPECTED);
    for (const bytes of [333, 70_000]) expect(streamed(body, bytes), `behind text, ${bytes}`).toEqual(EXPECTED);
  });

  it('a part that says it is compressed and is not, is searched as it stands', () => {
    for (const coding of ['br', 'deflate', 'zstd', 'utf-8']) {
      const body = file([`Content-Encoding: ${coding}`], text());
      expect(namesOf(scanner.scanBody('body', body, meta).matches), coding).toEqual(EXPECTED);
      expect(streamed(body, 100), coding).toEqual(EXPECTED);
    }
  });

  it('what a part decodes to without end is over budget', () => {
    const small = fixture({ decodedBytes: 1 << 20 }).scanner;
    const data = deflateRawSync(Buffer.alloc(64 << 20));
    expect(inflateRawSync(data).length).toBe(64 << 20);
    for (const [coding, bomb] of [
      ['deflate', data],
      ['br', brotliCompressSync(Buffer.alloc(16 << 20))],
    ] as const) {
      const body = file([`Content-Encoding: ${coding}`], bomb);
      expect(small.scanBody('body', body, meta).unjudged?.kind, coding).toBe('over_budget');
      const scan = small.scanStream('body', meta, null);
      expect((scan.push(body).unjudged ?? scan.end().unjudged)?.kind, coding).toBe('over_budget');
    }
  });
});
