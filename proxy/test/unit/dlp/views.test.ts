// The same token in every dress: what a message decodes to is searched like the message itself.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { fixture, freshTokens, plain, random, seed } from './samples.ts';

type Dress = (text: string) => string;

const base64: Dress = (text) => Buffer.from(text).toString('base64');
const base64url: Dress = (text) => Buffer.from(text).toString('base64url');
const hex: Dress = (text) => Buffer.from(text).toString('hex');
const percentAll: Dress = (text) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const each = (text: string, dress: (char: string, index: number) => string): string => [...text].map(dress).join('');
const code = (char: string, digits: number): string => char.charCodeAt(0).toString(16).padStart(digits, '0');
const wrap = (text: string, width: number, newline: string): string =>
  (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join(newline);

function base32(text: string): string {
  const bits = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = (bits.match(/.{1,5}/g) ?? []).map(
    (five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five.padEnd(5, '0'), 2)],
  );
  return digits.join('').padEnd(Math.ceil(digits.length / 8) * 8, '=');
}

const DRESSES: Readonly<Record<string, Dress>> = {
  plain: (text) => text,
  'percent, everything': percentAll,
  'percent, every third character': (text) => each(text, (char, i) => (i % 3 === 0 ? `%${code(char, 2)}` : char)),
  'percent, one character': (text) => `${text.slice(0, 2)}%${code(text[2]!, 2)}${text.slice(3)}`,
  'percent twice': (text) => encodeURIComponent(percentAll(text)),
  'percent three times': (text) => encodeURIComponent(encodeURIComponent(percentAll(text))),
  base64,
  'base64 without padding': (text) => base64(text).replace(/=+$/, ''),
  base64url,
  'base64 after one byte': (text) => base64(`x${text}`),
  'base64 after two bytes': (text) => base64(`xy${text}`),
  'base64 inside a longer text': (text) => base64(`{"user":"me","note":"see below","token":"${text}","end":true}`),
  'base64 glued to other characters': (text) => `path/to/it/${base64(text)}`,
  'base64 wrapped': (text) => wrap(base64(`some words before it ${text} and after`), 64, '\n'),
  'base64 wrapped, MIME': (text) => wrap(base64(`some words before it ${text} and after`), 76, '\r\n'),
  'base64 wrapped inside JSON': (text) =>
    JSON.stringify({ a: wrap(base64(`some words before ${text} and after`), 76, '\n') }),
  'base64 twice': (text) => base64(base64(text)),
  'base64 three times': (text) => base64(base64(base64(text))),
  'base64 of hex': (text) => base64(hex(text)),
  'hex of base64': (text) => hex(base64(text)),
  'base64 of percent': (text) => base64(percentAll(text)),
  'percent of base64': (text) => encodeURIComponent(base64(text)),
  'base64 of UTF-16': (text) => Buffer.from(text, 'utf16le').toString('base64'),
  'base64 with escaped slashes': (text) => base64(`???>>>${text}???>>>`).replaceAll('/', '\\/'),
  hex,
  'hex, upper case': (text) => hex(text).toUpperCase(),
  'hex with 0x': (text) => `0x${hex(text)}`,
  'hex with colons': (text) => wrap(hex(text), 2, ':'),
  'hex with spaces': (text) => wrap(hex(text), 2, ' '),
  'hex in groups of four': (text) => wrap(hex(text), 4, ' '),
  'hex as an array': (text) => `[${[...Buffer.from(text)].map((byte) => `0x${byte.toString(16)}`).join(', ')}]`,
  'hex wrapped': (text) => wrap(hex(text), 60, '\n'),
  'decimal array': (text) => JSON.stringify({ data: [...Buffer.from(text)] }),
  '\\x escapes': (text) => each(text, (char) => `\\x${code(char, 2)}`),
  '\\u escapes': (text) => each(text, (char) => `\\u${code(char, 4)}`),
  '\\u escapes, some': (text) => each(text, (char, i) => (i % 5 === 2 ? `\\u${code(char, 4)}` : char)),
  '\\u escapes inside a string inside JSON': (text) =>
    JSON.stringify({ a: `{"b":"${each(text, (char) => `\\u${code(char, 4)}`)}"}` }),
  '\\u{} escapes': (text) => each(text, (char) => `\\u{${code(char, 2)}}`),
  'octal escapes': (text) => each(text, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`),
  'entities, decimal': (text) => each(text, (char) => `&#${char.charCodeAt(0)};`),
  'entities, hex': (text) => each(text, (char, i) => (i % 4 === 1 ? `&#x${code(char, 2)};` : char)),
  'quoted-printable': (text) =>
    `content-transfer-encoding: quoted-printable\r\n\r\n${each(text, (char, i) => (i % 20 === 19 ? `=\r\n${char}` : char))}`,
  'UTF-16 little endian': (text) => Buffer.from(text, 'utf16le').toString('latin1'),
  'UTF-16 big endian': (text) => Buffer.from(text, 'utf16le').swap16().toString('latin1'),
  'full-width': (text) =>
    each(text, (char) => (char > ' ' && char < '\x7f' ? String.fromCharCode(char.charCodeAt(0) + 0xfee0) : char)),
  'zero-width space between': (text) => each(text, (char) => `${char}\u200b`),
  'soft hyphen in the middle': (text) => `${text.slice(0, 3)}\u00ad${text.slice(3, 9)}\u2060${text.slice(9)}`,
  'zero-width, escaped': (text) => each(text, (char, i) => (i % 6 === 5 ? `\\u200b${char}` : char)),
  'combining marks': (text) => each(text, (char, i) => (i % 4 === 3 ? `${char}\u0301` : char)),
  'tag characters': (text) =>
    each(text, (char) => (char >= ' ' && char < '\x7f' ? String.fromCodePoint(0xe0000 + char.charCodeAt(0)) : char)),
  reversed: (text) => [...text].reverse().join(''),
  base32: (text) => base32(text),
  'base32, lower case, unpadded': (text) => base32(text).toLowerCase().replace(/=+$/, ''),
  'base32 of base64': (text) => base32(base64(text)),
  'wrapped base64 with a short last line, before other text': (text) =>
    `${wrap(base64(`${'words '.repeat(20)}${text}`), 76, '\n')}\n\n${'and other text '.repeat(9)} aGVsbG8gd29ybGQsIGhlbGxvIQ`,
  'a sum of strings': (text) => `x = "${wrap(text, 7, '" + "')}";`,
  'a sum of strings in single quotes over lines': (text) => `x = '${wrap(text, 9, "' +\n    '")}'`,
  'a sum of strings inside JSON': (text) => JSON.stringify({ code: `x = "${wrap(text, 8, '" + "')}";` }),
  'base64 of gzip': (text) => gzipSync(`{"a":"${text}"}`).toString('base64'),
  'base64 of zlib': (text) => deflateSync(`{"a":"${text}"}`).toString('base64'),
  'base64 of raw deflate': (text) => deflateRawSync(`{"a":"${text}"}`).toString('base64'),
  'base64 of brotli': (text) => brotliCompressSync(`{"a":"${text}"}`).toString('base64'),
  'base64 of zstd': (text) => zstdCompressSync(`{"a":"${text}"}`).toString('base64'),
  'hex of gzip': (text) => gzipSync(text).toString('hex'),
};

const { scanner, value, placeholder } = fixture();
const wanted = [...freshTokens(), ['known-secret', value] as const, ['placeholder', placeholder] as const];

describe(`views (BOTTLE_SEED=${seed})`, () => {
  describe.each([
    ['spaces', ' '],
    ['dots', '.'],
    ['bars', '|'],
    ['line breaks', '\n'],
  ])('%s between all characters', (_, separator) => {
    // The characters of an encoding's own alphabet cannot be told from the separators.
    test.each(wanted.filter(([, token]) => !token.includes(separator) && token.length > 24))(
      '%s is found',
      (detector, token) => {
        const found = scanner.scanText('x', `the value: ${[...token].join(separator)}`);
        expect(found.map((match) => match.detector)).toContain(detector);
      },
    );
  });

  describe('backwards', () => {
    // Formats without a literal have nothing to be known by when they are turned.
    const formats = DETECTORS.filter(
      ({ kind, keywords, byDefault }) => kind === 'format' && keywords.length > 0 && byDefault,
    );
    test.each(formats.map((one) => [one.id, one] as const))('%s is found', (_, { truePositives }) => {
      const missed = truePositives(random).filter((text) => {
        const turned = [...text].reverse().join('');
        return scanner.scanText('x', `the value: ${turned} and more`).length === 0;
      });
      expect(missed).toEqual([]);
    });
  });

  describe.each(Object.entries(DRESSES))('%s', (name, dress) => {
    test.each(wanted)('%s is found in a JSON body', (detector, token) => {
      // The JSON around a text that is JSON or escaped already is not escaped again.
      const body = `{"messages":[{"role":"user","content":"hello"}],"extra":"${random.chars('a-z', 5)} ${dress(token)} end"}`;
      const found = scanner.scanBody('body', Buffer.from(body), plain).matches;
      expect(
        found.map((match) => match.detector),
        `${name}: ${dress(token)}`,
      ).toContain(detector);
    });

    test.each(wanted)('%s is found in a text', (detector, token) => {
      const found = scanner.scanText('header x-note', dress(token));
      expect(
        found.map((match) => match.detector),
        dress(token),
      ).toContain(detector);
    });
  });
});
