// What an agent may send to make the search slow: everything that fires, without end.
import { gzipSync } from 'node:zlib';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { freshTokens, random } from './samples.ts';

const repeat = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
const keywords = [...new Set(DETECTORS.flatMap((one) => one.keywords))];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** JSON in a string in a string, until it is long enough. */
function nested(bytes: number): string {
  let text = JSON.stringify({ a: freshTokens().map(([, token]) => token) });
  while (text.length * 1.2 < bytes) text = JSON.stringify({ a: text });
  return text;
}

/** Bodies of a given length, by what they are; `value` is a known secret. */
export const hostileBodies = (value: string): Readonly<Record<string, (bytes: number) => string>> => ({
  ...Object.fromEntries(
    keywords.map((keyword) => [`"${keyword}" over and over`, (bytes: number) => repeat(keyword, bytes)]),
  ),
  'all keywords in turn': (bytes) => repeat(keywords.join(''), bytes),
  'all keywords, spaced': (bytes) => repeat(keywords.join(' '), bytes),
  'base64 of keywords': (bytes) => base64(repeat(keywords.join(' '), bytes * 0.75)),
  'base64 of base64 of base64': (bytes) => base64(base64(base64(repeat(keywords.join(' '), bytes * 0.42)))),
  'hex of keywords': (bytes) => Buffer.from(repeat(keywords.join(' '), bytes / 2)).toString('hex'),
  'real tokens, many': (bytes) =>
    repeat(
      freshTokens()
        .map(([, token]) => token)
        .join(' '),
      bytes,
    ),
  'the secret, many times': (bytes) => repeat(`${value} `, bytes),
  'pieces of the secret': (bytes) => repeat(`${value.slice(8, 14)} ${value.slice(20, 26)} `, bytes),
  'base64 characters': (bytes) => random.chars('A-Za-z0-9', bytes),
  'short base64 runs': (bytes) => repeat('aB3dE6gH9jK2mN5pQ8 ', bytes),
  'wrapped base64': (bytes) => repeat(`${random.chars('A-Za-z0-9', 76)}\n`, bytes),
  'percent escapes': (bytes) => repeat('%67%68%5f', bytes),
  'percent of percent of percent': (bytes) => repeat('%252567', bytes),
  'unicode escapes': (bytes) => repeat('\\u0067\\u0068', bytes),
  backslashes: (bytes) => repeat('\\', bytes),
  'backslashes and letters': (bytes) => repeat('\\\\\\\\u00', bytes),
  entities: (bytes) => repeat('&#103;&#x68;', bytes),
  'nested entities': (bytes) => repeat('&amp;#103;', bytes),
  'quoted-printable': (bytes) => `quoted-printable ${repeat('=67=\n', bytes)}`,
  'zero-width characters': (bytes) => repeat('a\u200b', bytes / 2),
  'combining marks': (bytes) => repeat('a\u0301\u0302', bytes / 2),
  'full-width letters': (bytes) => repeat('ＧＨＰ', bytes / 3),
  'UTF-16': (bytes) => Buffer.from(repeat('ghp_ ', bytes / 2), 'utf16le').toString('latin1'),
  'zero bytes': (bytes) => repeat('\0', bytes),
  'single characters': (bytes) => repeat('a b c d ', bytes),
  numbers: (bytes) => repeat('103,104,112,95,', bytes),
  'hex pairs': (bytes) => repeat('67 68 70 5f ', bytes),
  'hex constants': (bytes) => repeat('0x67, 0x68, ', bytes),
  'open brackets': (bytes) => repeat('[', bytes),
  'open objects': (bytes) => repeat('{"a":', bytes),
  quotes: (bytes) => repeat('"', bytes),
  'URLs with long authorities': (bytes) => repeat('https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:', bytes),
  'headers of keys': (bytes) => repeat('-----BEGIN PRIVATE KEY-----\n', bytes),
  'almost JWTs': (bytes) => repeat('eyJhbGciOiJIUzI1NiJ9.', bytes),
  'access key ids': (bytes) => repeat(`AKIA${random.chars('A-Z2-7', 16)} `, bytes),
  'one character and a separator': (bytes) => repeat('a-', bytes),
  'separators in turn': (bytes) => repeat('a-b_c.d/e+', bytes),
  'escapes of escapes': (bytes) => repeat('\\\\\\\\u005cu0067', bytes),
  'random layers of random bytes': (bytes) => base64(random.chars('\0-ÿ', bytes / 2)),
  'deep JSON in strings': (bytes) => nested(bytes),
  'almost connection strings': (bytes) => repeat('Server=a;Password=;', bytes),
  'almost basic auth': (bytes) => repeat('https://a:b', bytes),
  'at signs': (bytes) => `https://${repeat('a:@', bytes)}`,
  // What bench/dlp-worst.ts found: layers of encodings around keywords and around most of a known value.
  'entities before most of the secret': (bytes) =>
    repeat(`&#39;&#65;&#84;&#67;&#84;&#84;&#51;&#120;&#70;&#102;&#71;amplitude${value.slice(1, -2)}`, bytes),
  'base64 of entities before base64 of the secret': (bytes) =>
    repeat(`${base64('&#39;&#65;&#84;&#67;&#84;&#84;&#51;&#120;&#70;')}%${base64(value.slice(1))}`, bytes),
  'ids without end': (bytes) =>
    repeat(
      Array.from({ length: 40 }, () => `"${random.chars('a-f0-9', 8)}-fc-${random.chars('a-f0-9', 12)}"`).join(','),
      bytes,
    ),
  'gzip heads': (bytes) => repeat(`${gzipSync('x').toString('base64')} `, bytes),
});
