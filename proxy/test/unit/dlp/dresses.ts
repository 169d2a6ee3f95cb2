// Every dress that a token may leave in: encodings, escapes, source code that spells it, characters that look like others. Data for the tests of recall.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Random } from '../../../src/dlp/detectors/random.ts';

export type Dress = (text: string, random: Random) => string;

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const latin1 = (data: Uint8Array): string => Buffer.from(data).toString('latin1');
const base64 = (text: string): string => bytes(text).toString('base64');
const hex = (text: string): string => bytes(text).toString('hex');
const wrap = (text: string, width: number): string[] => text.match(new RegExp(`.{1,${width}}`, 'gs')) ?? [];
const each = (text: string, dress: (char: string, index: number) => string): string => [...text].map(dress).join('');
const code = (char: string): number => char.charCodeAt(0);
const digits = (char: string, base: number, width: number): string => code(char).toString(base).padStart(width, '0');
const rot = (text: string, by: number): string =>
  text.replaceAll(/[a-z]/gi, (char) => {
    const base = char <= 'Z' ? 65 : 97;
    return String.fromCharCode(((code(char) - base + by) % 26) + base);
  });

/** Digits of `alphabet`, `bits` each. */
function bitsOf(text: string, bits: number, alphabet: string, pad = ''): string {
  const all = [...bytes(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const out = wrap(all, bits).map((group) => alphabet[Number.parseInt(group.padEnd(bits, '0'), 2)]);
  return out.join('') + pad.repeat((8 - (out.length % 8)) % 8);
}

/** The bytes as one large number in the digits of `alphabet`. */
export function radix(text: string, alphabet: string): string {
  let value = BigInt(`0x${hex(text)}`);
  let out = '';
  for (; value > 0n; value /= BigInt(alphabet.length)) out = alphabet[Number(value % BigInt(alphabet.length))] + out;
  return out;
}

/** Four bytes in five digits of `alphabet`. */
function base85(text: string, alphabet: string): string {
  const data = bytes(text);
  let out = '';
  for (let at = 0; at < data.length; at += 4) {
    const block = Buffer.alloc(4);
    data.copy(block, 0, at, at + 4);
    let value = block.readUInt32BE(0);
    let five = '';
    for (let i = 0; i < 5; i++) {
      five = alphabet[value % 85] + five;
      value = Math.floor(value / 85);
    }
    out += five.slice(0, Math.min(4, data.length - at) + 1);
  }
  return out;
}

function base91(text: string): string {
  let out = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes(text)) {
    held |= byte << bits;
    bits += 8;
    if (bits <= 13) continue;
    let value = held & 8191;
    const width = value > 88 ? 13 : 14;
    if (width === 14) value = held & 16383;
    held >>= width;
    bits -= width;
    out += BASE91[value % 91]! + BASE91[Math.floor(value / 91)]!;
  }
  if (bits > 0) out += BASE91[held % 91]! + (bits > 7 || held > 90 ? BASE91[Math.floor(held / 91)]! : '');
  return out;
}

function uuencode(text: string): string {
  const data = bytes(text);
  let out = '';
  for (let at = 0; at < data.length; at += 45) {
    const line = data.subarray(at, at + 45);
    const padded = Buffer.concat([line, Buffer.alloc((3 - (line.length % 3)) % 3)]);
    out += `${String.fromCharCode(32 + line.length)}${wrap(
      [...padded].map((byte) => byte.toString(2).padStart(8, '0')).join(''),
      6,
    )
      .map((six) => String.fromCharCode(Number.parseInt(six, 2) === 0 ? 96 : 32 + Number.parseInt(six, 2)))
      .join('')}\n`;
  }
  return out;
}

const utf7 = (text: string): string =>
  `+${Buffer.from(text, 'utf16le').swap16().toString('base64').replace(/=+$/, '')}-`;

/** EBCDIC, code page 037, for the characters of tokens. */
function ebcdic(text: string): string {
  const table = new Map<string, number>();
  const row = (chars: string, from: number): void => [...chars].forEach((char, i) => void table.set(char, from + i));
  for (const [chars, from] of [
    ['abcdefghi', 0x81],
    ['jklmnopqr', 0x91],
    ['stuvwxyz', 0xa2],
    ['ABCDEFGHI', 0xc1],
    ['JKLMNOPQR', 0xd1],
    ['STUVWXYZ', 0xe2],
    ['0123456789', 0xf0],
    ['_', 0x6d],
    ['-', 0x60],
    ['.', 0x4b],
    ['/', 0x61],
    ['+', 0x4e],
    ['=', 0x7e],
    [' ', 0x40],
    ['\n', 0x25],
  ] as const)
    row(chars, from); // prettier-ignore
  return latin1(Uint8Array.from([...text], (char) => table.get(char) ?? 0x6f));
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const A85 = latin1(Uint8Array.from({ length: 85 }, (_, i) => 33 + i));
const B85 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';
const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const BASE91 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,./:;<=>?@[]^_`{|}~"';
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const percent = (text: string): string => each(text, (char) => `%${digits(char, 16, 2)}`);
const CONFUSED: Readonly<Record<string, string>> = {
  a: 'а',
  e: 'е',
  o: 'о',
  p: 'р',
  c: 'с',
  x: 'х',
  i: 'і',
  A: 'А',
  B: 'В',
  E: 'Е',
  K: 'К',
  M: 'М',
  H: 'Н',
  O: 'О',
  P: 'Р',
  C: 'С',
  T: 'Т',
  X: 'Х',
  y: 'у',
  s: 'ѕ',
  j: 'ј',
}; // prettier-ignore

/** One layer, for every kind of token. What needs UTF-8 is marked by its name. */
export const DRESSES: Readonly<Record<string, Dress>> = {
  plain: (text) => text,
  base64,
  'base64 without padding': (text) => base64(text).replace(/=+$/, ''),
  base64url: (text) => bytes(text).toString('base64url'),
  'base64 after one byte': (text) => base64(`:${text}`),
  'base64 after two bytes': (text) => base64(`a:${text}`),
  'base64 in a sentence': (text) => base64(`my new token is ${text}, keep it`),
  'base64 wrapped at 16': (text) => wrap(base64(`the token is ${text}`), 16).join('\n'),
  'base64 wrapped at 20': (text) => wrap(base64(`the token is ${text}`), 20).join('\n'),
  'base64 wrapped at 24, CRLF': (text) => wrap(base64(text), 24).join('\r\n'),
  'base64 wrapped at 8': (text) => wrap(base64(text), 8).join('\n'),
  'base64 wrapped at 10': (text) => wrap(base64(text), 10).join('\n'),
  'base64 wrapped at 40, escaped': (text) => wrap(base64(text), 40).join('\\n'),
  'base64 wrapped at 76': (text) => wrap(base64(`some words before ${text} and after`), 76).join('\r\n'),
  'base64 in a list of strings': (text) => JSON.stringify(wrap(base64(text), 12)),
  'base64 reversed': (text) => [...base64(text)].reverse().join(''),
  'base64 with spaces every four': (text) => wrap(base64(text), 4).join(' '),
  'base64 data URL': (text) => `data:text/plain;base64,${base64(text)}`,
  hex,
  'hex, upper case': (text) => hex(text).toUpperCase(),
  'hex after 0x': (text) => `0x${hex(text)}`,
  'hex pairs with 0x': (text) => each(text, (char) => `0x${digits(char, 16, 2)},`),
  'hex pairs with 0x in a list': (text) => `[${[...text].map((char) => `0x${digits(char, 16, 2)}`).join(', ')}]`,
  'hex pairs with 0x in braces': (text) => `{ ${[...text].map((char) => `0x${digits(char, 16, 2)}`).join(', ')} }`,
  'hex with spaces': (text) => wrap(hex(text), 2).join(' '),
  'hex with colons': (text) => wrap(hex(text), 2).join(':'),
  'hex with dashes': (text) => wrap(hex(text), 2).join('-'),
  'hex with commas': (text) => wrap(hex(text), 2).join(','),
  'hex with semicolons': (text) => wrap(hex(text), 2).join(';'),
  'hex with bars': (text) => wrap(hex(text), 2).join('|'),
  'hex with underscores': (text) => wrap(hex(text), 2).join('_'),
  'hex with \\x': (text) => each(text, (char) => `\\x${digits(char, 16, 2)}`),
  'hex as a list of strings': (text) => JSON.stringify(wrap(hex(text), 2)),
  'hex with $': (text) => each(text, (char) => `$${digits(char, 16, 2)}`),
  'hex wrapped': (text) => wrap(hex(text), 32).join('\n'),
  'hex dump': (text) =>
    wrap(text, 16)
      .map(
        (line, i) =>
          `${(i * 16).toString(16).padStart(8, '0')}: ${wrap(hex(line), 4).join(' ')}  ${line.replace(/./gs, '.')}`,
      )
      .join('\n'),
  'hexdump -C': (text) =>
    wrap(text, 16)
      .map(
        (line, i) =>
          `${(i * 16).toString(16).padStart(8, '0')}  ${wrap(hex(line), 2).join(' ')}  |${line.replace(/./gs, '.')}|`,
      )
      .join('\n'),
  'hex words, big endian': (text) =>
    wrap(hex(text), 8)
      .map((word) => `0x${word}`)
      .join(', '),
  'hex with =': (text) => each(text, (char) => `=${digits(char, 16, 2).toUpperCase()}`),
  'SQL x literal': (text) => `SELECT x'${hex(text)}'`,
  'hex reversed': (text) => [...hex(text)].reverse().join(''),
  percent,
  'percent, capitals': (text) => each(text, (char) => `%${digits(char, 16, 2).toUpperCase()}`),
  'percent, some': (text) => each(text, (char, i) => (i % 3 === 1 ? `%${digits(char, 16, 2)}` : char)),
  'percent twice': (text) => percent(text).replaceAll('%', '%25'),
  'percent three times': (text) => percent(text).replaceAll('%', '%2525'),
  '%u escapes': (text) => each(text, (char) => `%u${digits(char, 16, 4)}`),
  '\\u escapes': (text) => each(text, (char) => `\\u${digits(char, 16, 4)}`),
  '\\u escapes, some': (text) => each(text, (char, i) => (i % 4 === 2 ? `\\u${digits(char, 16, 4)}` : char)),
  '\\U escapes': (text) => each(text, (char) => `\\U${digits(char, 16, 8)}`),
  '\\u{} escapes': (text) => each(text, (char) => `\\u{${digits(char, 16, 1)}}`),
  'U+ notation': (text) => [...text].map((char) => `U+${digits(char, 16, 4).toUpperCase()}`).join(' '),
  '\\x{} escapes': (text) => each(text, (char) => `\\x{${digits(char, 16, 2)}}`),
  'CSS escapes': (text) => each(text, (char) => `\\${digits(char, 16, 6)}`),
  'CSS escapes, short': (text) => each(text, (char) => `\\${digits(char, 16, 2)} `),
  'octal escapes': (text) => each(text, (char) => `\\${digits(char, 8, 3)}`),
  'octal escapes with 0': (text) => each(text, (char) => `\\0${digits(char, 8, 3)}`),
  'octal numbers': (text) => [...text].map((char) => digits(char, 8, 3)).join(' '),
  'octal numbers with 0o': (text) => [...text].map((char) => `0o${digits(char, 8, 3)}`).join(', '),
  'decimal numbers': (text) => [...text].map(code).join(' '),
  'decimal list': (text) => JSON.stringify([...text].map(code)),
  'decimal list, semicolons': (text) => [...text].map(code).join(';'),
  'decimal list in parentheses': (text) => `(${[...text].map(code).join(', ')})`,
  'decimal list, dashes': (text) => [...text].map(code).join('-'),
  'decimal list, dots': (text) => [...text].map(code).join('.'),
  'decimal list, bars': (text) => [...text].map(code).join('|'),
  'decimal list of strings': (text) => JSON.stringify([...text].map((char) => String(code(char)))),
  'decimal lines': (text) => [...text].map(code).join('\n'),
  'decimal, three digits together': (text) => each(text, (char) => digits(char, 10, 3)),
  'binary numbers': (text) => [...text].map((char) => digits(char, 2, 8)).join(' '),
  'binary digits': (text) => each(text, (char) => digits(char, 2, 8)),
  'entities, decimal': (text) => each(text, (char) => `&#${code(char)};`),
  'entities, hex': (text) => each(text, (char) => `&#x${digits(char, 16, 2)};`),
  'entities, some': (text) => each(text, (char, i) => (i % 5 === 1 ? `&#x${digits(char, 16, 4)};` : char)),
  'entities, no semicolon': (text) => each(text, (char) => `&#${digits(char, 10, 7)}`),
  'entities, named': (text) =>
    each(
      text,
      (char) =>
        (
          ({ _: '&lowbar;', '-': '&hyphen;', '.': '&period;', '/': '&sol;', '+': '&plus;', '=': '&equals;' }) as Record<
            string,
            string
          >
        )[char] ?? char,
    ),
  'entities twice': (text) => each(text, (char) => `&amp;#${code(char)};`),
  'quoted-printable': (text) =>
    each(text, (char, i) => `${i % 20 === 19 ? '=\r\n' : ''}=${digits(char, 16, 2).toUpperCase()}`),
  'quoted-printable, soft breaks': (text) =>
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${wrap(text, 18).join('=\r\n')}`,
  'MIME word, B': (text) => `=?utf-8?B?${base64(text)}?=`,
  'MIME word, Q': (text) =>
    `=?utf-8?Q?${each(text, (char, i) => (i % 3 === 0 ? `=${digits(char, 16, 2).toUpperCase()}` : char))}?=`,
  base32: (text) => bitsOf(text, 5, BASE32, '='),
  'base32, lower case': (text) => bitsOf(text, 5, BASE32).toLowerCase(),
  base32hex: (text) => bitsOf(text, 5, '0123456789ABCDEFGHIJKLMNOPQRSTUV', '='),
  'base32hex, lower case': (text) => bitsOf(text, 5, '0123456789abcdefghijklmnopqrstuv'),
  'base32, Crockford': (text) => bitsOf(text, 5, CROCKFORD),
  'base32, Crockford, lower case': (text) => bitsOf(text, 5, CROCKFORD).toLowerCase(),
  'base32, z': (text) => bitsOf(text, 5, 'ybndrfg8ejkmcpqxot1uwisza345h769'),
  'base32 in groups': (text) => wrap(bitsOf(text, 5, BASE32), 4).join('-'),
  'base32 wrapped': (text) => wrap(bitsOf(text, 5, BASE32, '='), 24).join('\n'),
  base58: (text) => radix(text, BASE58),
  base62: (text) => radix(text, '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'),
  base36: (text) => radix(text, '0123456789abcdefghijklmnopqrstuvwxyz'),
  'one decimal number': (text) => radix(text, '0123456789'),
  ascii85: (text) => base85(text, A85),
  'ascii85, framed': (text) => `<~${base85(text, A85)}~>`,
  'ascii85 in a sentence': (text) => base85(`my new token is ${text}, keep it`, A85),
  base85: (text) => base85(text, B85),
  'base85 in a sentence': (text) => base85(`my new token is ${text}, keep it`, B85),
  Z85: (text) => base85(text.padEnd(Math.ceil(text.length / 4) * 4, ' '), Z85),
  base91: (text) => base91(text),
  uuencode: (text) => `begin 644 data\n${uuencode(text)}\`\nend\n`,
  'uuencode, lines alone': uuencode,
  'uuencode in a sentence': (text) =>
    `begin 644 data\n${uuencode(`the token, as promised: ${text} and no more`)}\`\nend\n`,
  'UTF-7': (text) => utf7(text),
  'UTF-7, some': (text) => `${text.slice(0, 2)}${utf7(text.slice(2, 7))}${text.slice(7)}`,
  'UTF-16, little endian': (text) => latin1(Buffer.from(text, 'utf16le')),
  'UTF-16, big endian': (text) => latin1(Buffer.from(text, 'utf16le').swap16()),
  'UTF-16 with mark': (text) => latin1(Buffer.from(`\ufeff${text}`, 'utf16le')),
  'UTF-32, little endian': (text) => each(text, (char) => `${char}\0\0\0`),
  'UTF-32, big endian': (text) => each(text, (char) => `\0\0\0${char}`),
  'UTF-16 in base64': (text) => Buffer.from(text, 'utf16le').toString('base64'),
  EBCDIC: ebcdic,
  reversed: (text) => [...text].reverse().join(''),
  rot13: (text) => rot(text, 13),
  'gzip in base64': (text) => gzipSync(`{"a":"${text}"}`).toString('base64'),
  'gzip in hex': (text) => gzipSync(text).toString('hex'),
  'gzip in base32': (text) => bitsOf(latin1(gzipSync(text)), 5, BASE32, '='),
  'gzip in ascii85': (text) => base85(latin1(gzipSync(text)), A85),
  'gzip as decimal list': (text) => JSON.stringify([...gzipSync(text)]),
  'zlib in base64url': (text) => deflateSync(text).toString('base64url'),
  'raw deflate in base64': (text) => deflateRawSync(`{"a":"${text}"}`).toString('base64'),
  'brotli in base64': (text) => brotliCompressSync(`{"a":"${text}"}`).toString('base64'),
  'zstd in base64': (text) => zstdCompressSync(`{"a":"${text}"}`).toString('base64'),
  'spaces between': (text) => [...text].join(' '),
  'dots between': (text) => [...text].join('.'),
  'commas between': (text) => [...text].join(','),
  'lines of one': (text) => [...text].join('\n'),
  'list of characters': (text) => JSON.stringify([...text]),
  'list of pieces': (text) => JSON.stringify(wrap(text, 7)),
  'list of pieces, single quotes': (text) =>
    `[${wrap(text, 6)
      .map((piece) => `'${piece}'`)
      .join(', ')}].join('')`,
  'tuple of pieces': (text) =>
    `''.join((${wrap(text, 9)
      .map((piece) => `"${piece}"`)
      .join(',')}))`,
  'sum of strings': (text) =>
    wrap(text, 7)
      .map((piece) => `"${piece}"`)
      .join(' + '),
  'sum of strings, tight': (text) =>
    wrap(text, 7)
      .map((piece) => `"${piece}"`)
      .join('+'),
  'sum of strings with dots': (text) =>
    wrap(text, 7)
      .map((piece) => `'${piece}'`)
      .join(' . '),
  'sum of strings over lines': (text) =>
    wrap(text, 9)
      .map((piece) => `'${piece}'`)
      .join(' +\n    '),
  'strings side by side (C, Python)': (text) =>
    wrap(text, 9)
      .map((piece) => `"${piece}"`)
      .join(' '),
  'strings side by side over lines': (text) =>
    wrap(text, 9)
      .map((piece) => `"${piece}"`)
      .join('\n  '),
  'strings side by side (shell)': (text) =>
    wrap(text, 5)
      .map((piece, i) => (i % 2 === 0 ? `'${piece}'` : `"${piece}"`))
      .join(''),
  'sum in brackets': (text) => `("${text.slice(0, 9)}"+("${text.slice(9, 15)}"+"${text.slice(15)}"))`,
  'Lua and Haskell sum': (text) =>
    wrap(text, 9)
      .map((piece) => `"${piece}"`)
      .join(' .. '),
  'SQL sum': (text) =>
    wrap(text, 9)
      .map((piece) => `'${piece}'`)
      .join(' || '),
  'SQL CONCAT': (text) =>
    `CONCAT(${wrap(text, 9)
      .map((piece) => `'${piece}'`)
      .join(', ')})`,
  'SQL CHAR()': (text) => `SELECT CHAR(${[...text].map(code).join(',')})`,
  'SQL CHR() sum': (text) => [...text].map((char) => `CHR(${code(char)})`).join('||'),
  'SQL CHAR() sum': (text) => [...text].map((char) => `CHAR(${code(char)})`).join('+'),
  'VB Chr() sum': (text) => [...text].map((char) => `Chr(${code(char)})`).join(' & '),
  'Python chr() sum': (text) => [...text].map((char) => `chr(${code(char)})`).join('+'),
  'Python chr() hex sum': (text) => [...text].map((char) => `chr(0x${digits(char, 16, 2)})`).join(' + '),
  'Python bytes literal': (text) => `bytes([${[...text].map(code).join(', ')}]).decode()`,
  'Python b literal': (text) => `b"${each(text, (char) => `\\x${digits(char, 16, 2)}`)}"`,
  'String.fromCharCode': (text) => `String.fromCharCode(${[...text].map(code).join(',')})`,
  'String.fromCharCode, hex': (text) =>
    `String.fromCharCode(${[...text].map((char) => `0x${digits(char, 16, 2)}`).join(',')})`,
  'String.fromCharCode, one a call': (text) => [...text].map((char) => `String.fromCharCode(${code(char)})`).join('+'),
  'atob()': (text) => `atob("${base64(text)}")`,
  'Buffer.from() list': (text) => `Buffer.from([${[...text].map(code).join(',')}])`,
  'template with literals': (text) => `\`\${"${text.slice(0, 8)}"}\${'${text.slice(8, 20)}'}${text.slice(20)}\``,
  "shell $'' octal": (text) => `$'${each(text, (char) => `\\${digits(char, 8, 3)}`)}'`,
  'shell printf': (text) => `printf '${each(text, (char) => `\\x${digits(char, 16, 2)}`)}'`,
  'shell quotes inside': (text) => each(text, (char, i) => (i % 4 === 3 ? `''${char}` : char)),
  'shell double quotes inside': (text) => each(text, (char, i) => (i % 5 === 3 ? `""${char}` : char)),
  'shell backslashes': (text) => each(text, (char, i) => (i % 3 === 1 ? `\\${char}` : char)),
  'shell variables': (text) =>
    `a='${text.slice(0, 9)}'; b='${text.slice(9, 24)}'; c='${text.slice(24)}'; echo "\${a}\${b}\${c}"`,
  'shell line continuation': (text) => wrap(text, 9).join('\\\n'),
  'PowerShell backticks': (text) => each(text, (char, i) => (i % 3 === 1 ? `\`${char}` : char)),
  'PowerShell casts': (text) => [...text].map((char) => `[char]${code(char)}`).join('+'),
  'PowerShell hex casts': (text) => [...text].map((char) => `[char]0x${digits(char, 16, 2)}`).join('+'),
  'PowerShell -join': (text) => `-join(${[...text].map((char) => `'${char}'`).join(',')})`,
  'PowerShell format': (text) => `"{0}{1}{2}" -f '${text.slice(0, 9)}','${text.slice(9, 24)}','${text.slice(24)}'`,
  'cmd carets': (text) => each(text, (char, i) => (i % 2 === 1 ? `^${char}` : char)),
  'HTML tags between': (text) => wrap(text, 6).join('<b></b>'),
  'HTML comments between': (text) => wrap(text, 6).join('<!-- -->'),
  'C comments between': (text) =>
    wrap(text, 8)
      .map((piece) => `"${piece}"`)
      .join('/**/ '),
  'markdown bold inside': (text) => `${text.slice(0, 7)}**${text.slice(7, 15)}**${text.slice(15)}`,
  // Characters that are no ASCII.
  'full-width (UTF-8)': (text) => each(text, (char) => (char > ' ' ? String.fromCharCode(code(char) + 0xfee0) : char)),
  'mathematical letters (UTF-8)': (text) =>
    each(text, (char) =>
      /[A-Z]/.test(char)
        ? String.fromCodePoint(0x1d400 + code(char) - 65)
        : /[a-z]/.test(char)
          ? String.fromCodePoint(0x1d41a + code(char) - 97)
          : /\d/.test(char)
            ? String.fromCodePoint(0x1d7ce + code(char) - 48)
            : char,
    ),
  'circled letters (UTF-8)': (text) =>
    each(text, (char) =>
      /[A-Z]/.test(char)
        ? String.fromCodePoint(0x24b6 + code(char) - 65)
        : /[a-z]/.test(char)
          ? String.fromCodePoint(0x24d0 + code(char) - 97)
          : char,
    ),
  'confusables (UTF-8)': (text) => each(text, (char) => CONFUSED[char] ?? char),
  'one confusable (UTF-8)': (text) => {
    const at = [...text].findIndex((char) => CONFUSED[char] !== undefined);
    return at < 0 ? text : text.slice(0, at) + CONFUSED[text[at]!] + text.slice(at + 1);
  },
  'zero-width spaces (UTF-8)': (text) => [...text].join('\u200b'),
  'zero-width joiner, some (UTF-8)': (text) => wrap(text, 5).join('\u200d'),
  'word joiners (UTF-8)': (text) => wrap(text, 3).join('\u2060'),
  'byte order marks (UTF-8)': (text) => wrap(text, 4).join('\ufeff'),
  'soft hyphens (UTF-8)': (text) => wrap(text, 6).join('\u00ad'),
  'combining marks (UTF-8)': (text) => each(text, (char, i) => (i % 3 === 2 ? `${char}\u0301` : char)),
  'precomposed accents (UTF-8)': (text) =>
    each(text, (char, i) => (i % 4 === 2 ? `${char}\u0301`.normalize('NFC') : char)),
  'variation selectors (UTF-8)': (text) => wrap(text, 3).join('\ufe0f'),
  'tag characters (UTF-8)': (text) =>
    each(text, (char) => (char >= ' ' ? String.fromCodePoint(0xe0000 + code(char)) : char)),
  'bidi controls (UTF-8)': (text) => `\u202d${wrap(text, 7).join('\u202c')}\u2069`,
  'right-to-left override (UTF-8)': (text) => `\u202e${[...text].reverse().join('')}\u202c`,
  'no-break spaces between (UTF-8)': (text) => [...text].join('\u00a0'),
  'Hangul fillers (UTF-8)': (text) => wrap(text, 4).join('\u3164'),
  'zero-width, escaped': (text) => wrap(text, 4).join('\\u200b'),
  'zero-width, entities': (text) => wrap(text, 4).join('&#8203;'),
  'zero-width, percent (UTF-8)': (text) => encodeURIComponent(wrap(text, 4).join('\u200b')),
  'variation selectors as bytes (UTF-8)': (text) =>
    each(text, (char) => String.fromCodePoint(code(char) < 16 ? 0xfe00 + code(char) : 0xe0100 + code(char) - 16)),
};

/** For values that are known to the byte: whatever would be too common to look for without knowing. */
export const KNOWN_DRESSES: Readonly<Record<string, Dress>> = {
  'lower case': (text) => text.toLowerCase(),
  'upper case': (text) => text.toUpperCase(),
  'swapped case': (text) =>
    each(text, (char) => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase())),
  ...Object.fromEntries([1, 3, 5, 7, 11, 18, 25].map((by) => [`Caesar ${by}`, (text: string) => rot(text, by)])),
  rot47: (text) =>
    each(text, (char) =>
      code(char) > 32 && code(char) < 127 ? String.fromCharCode(33 + ((code(char) - 33 + 47) % 94)) : char,
    ),
  atbash: (text) => text.replaceAll(/[a-z]/gi, (char) => String.fromCharCode((char <= 'Z' ? 155 : 219) - code(char))),
  'without separators': (text) => text.replace(/[^A-Za-z0-9]/g, ''),
  'other separators': (text) => text.replaceAll('_', '-'),
  'groups of four': (text) => wrap(text, 4).join('-'),
  'groups of five': (text) => wrap(text, 5).join(' '),
  'first half': (text) => text.slice(0, Math.ceil(text.length / 2)),
  'second half': (text) => text.slice(Math.floor(text.length / 2)),
  'first three quarters': (text) => text.slice(0, Math.ceil(text.length * 0.75)),
  'half in base64': (text) => base64(text.slice(0, Math.ceil(text.length * 0.6))),
  'half in hex': (text) => hex(text.slice(0, Math.ceil(text.length * 0.6))),
  'half reversed': (text) => [...text.slice(0, Math.ceil(text.length * 0.6))].reverse().join(''),
  'pieces out of order': (text) =>
    wrap(text, 8)
      .reverse()
      .map((piece, i) => `${i}:${piece}`)
      .join(' '),
  'every second character twice': (text) =>
    `${each(text, (char, i) => (i % 2 === 0 ? char : ''))} ${each(text, (char, i) => (i % 2 === 1 ? char : ''))}`,
  'filler between characters': (text) => each(text, (char) => `${char}#`),
  'words between pieces': (text) => wrap(text, 6).join(' and then '),
  'reversed base64': (text) => base64([...text].reverse().join('')),
  'base64 pieces': (text) => wrap(base64(text), 10).join(' / '),
  'hex of UTF-16': (text) => Buffer.from(text, 'utf16le').toString('hex'),
  'base64 with another alphabet': (text) => base64(text).replaceAll('+', '.').replaceAll('/', '_').replaceAll('=', '-'),
  'JSON escapes of slashes': (text) => text.replaceAll('/', '\\/'),
  'each character repeated': (text) => each(text, (char) => char + char),
};

const thirds = (text: string): [string, string, string] => {
  const at = Math.ceil(text.length / 3);
  return [text.slice(0, at), text.slice(at, 2 * at), text.slice(2 * at)];
};
const part = (name: string, body: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${body}\r\n`;

function zip(name: string, content: Buffer, isStored: boolean): Buffer {
  const data = isStored ? content : deflateRawSync(content);
  const head = Buffer.alloc(30);
  head.write('PK\x03\x04', 'latin1');
  head.writeUInt16LE(isStored ? 0 : 8, 8);
  head.writeUInt32LE(data.length, 18);
  head.writeUInt32LE(content.length, 22);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, Buffer.from(name), data]);
}

function tar(content: string): Buffer {
  const head = Buffer.alloc(512);
  head.write('package/.npmrc');
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  return Buffer.concat([head, Buffer.from(content), Buffer.alloc(1024 + ((512 - (content.length % 512)) % 512))]);
}

/** Whole bodies: a token in several of their places, or inside something that holds files. */
export const SPLITS: Readonly<Record<string, Dress>> = {
  'values of an object': (text) => {
    const [a, b, c] = thirds(text);
    return JSON.stringify({ a, b, c });
  },
  'values by number, out of order': (text) => {
    const [p1, p2, p3] = thirds(text);
    return JSON.stringify({ p3, p1, p2 });
  },
  'values by number, padded': (text) => {
    const [a, b, c] = thirds(text);
    return JSON.stringify({ part_02: c, part_00: a, part_01: b });
  },
  'items of an array': (text) => JSON.stringify({ data: thirds(text) }),
  'items of an array, backwards': (text) => JSON.stringify({ data: thirds(text).reverse() }),
  'objects of an array': (text) => JSON.stringify(thirds(text).map((data) => ({ data }))),
  'objects of an array with numbers': (text) => JSON.stringify(thirds(text).map((data, seq) => ({ seq, data }))),
  'JSON inside a string': (text) => JSON.stringify({ arguments: JSON.stringify({ items: thirds(text) }) }),
  'lines of JSON': (text) =>
    thirds(text)
      .map((data) => JSON.stringify({ data }))
      .join('\n'),
  'fields of a form': (text) => {
    const [a, b, c] = thirds(text);
    return `a=${a}&b=${b}&c=${c}`;
  },
  'fields of a form by number': (text) => {
    const [a, b, c] = thirds(text);
    return `p3=${c}&p1=${a}&p2=${b}`;
  },
  'lines of YAML': (text) => {
    const [a, b, c] = thirds(text);
    return `a: ${a}\nb: ${b}\nc: ${c}\n`;
  },
  'a YAML list': (text) =>
    thirds(text)
      .map((one) => `- "${one}"`)
      .join('\n'),
  'cells of CSV': (text) => `id,${thirds(text).join(',')},end`,
  'attributes of XML': (text) => {
    const [a, b, c] = thirds(text);
    return `<x a="${a}" b="${b}" c="${c}"/>`;
  },
  'elements of XML': (text) =>
    thirds(text)
      .map((one) => `<p>${one}</p>`)
      .join('\n'),
  'CDATA of XML': (text) => `<x><![CDATA[${text}]]></x>`,
  'a comment of HTML': (text) => `<p>hello</p><!-- ${text} -->`,
  'parts of multipart': (text) =>
    `${thirds(text)
      .map((one, i) => part(`p${i}`, one))
      .join('')}--b--\r\n`,
  'a filename of multipart': (text) =>
    `--b\r\nContent-Disposition: form-data; name="f"; filename="${text}.txt"\r\n\r\nx\r\n--b--`,
  'base64 in multipart': (text) =>
    `--b\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrap(base64(`text ${text}`), 76).join('\r\n')}\r\n--b--`,
  'GraphQL variables': (text) => JSON.stringify({ query: 'mutation($t:String){s(t:$t)}', variables: { t: text } }),
  'server-sent events': (text) => `data: {"delta":"${text}"}\n\n`,
  protobuf: (text) => `\x0a${String.fromCharCode(text.length & 127)}${text}\x10\x01`,
  msgpack: (text) => `\x81\xa1k\xd9${String.fromCharCode(text.length & 255)}${text}`,
  gzip: (text) => latin1(gzipSync(`TOKEN=${text}`)),
  'gzip behind other data': (text) => `head\n${latin1(gzipSync(`TOKEN=${text}`))}`,
  'zip, deflated': (text) => latin1(zip('a.env', Buffer.from(`TOKEN=${text}\n`), false)),
  'zip, stored': (text) => latin1(zip('a.env', Buffer.from(`TOKEN=${text}\n`), true)),
  'zip in zip': (text) => latin1(zip('b.zip', zip('a.env', Buffer.from(`TOKEN=${text}\n`), false), false)),
  'a name in a zip': (text) => latin1(zip(text, Buffer.from('nothing'), false)),
  tar: (text) => latin1(tar(`token=${text}\n`)),
  'tar.gz': (text) => latin1(gzipSync(tar(`token=${text}\n`))),
  'a package in JSON': (text) =>
    JSON.stringify({ _attachments: { 'a.tgz': { data: gzipSync(tar(`token=${text}\n`)).toString('base64') } } }),
  'a git object': (text) => latin1(deflateSync(`blob 99\0TOKEN=${text}`)),
  'a git pack': (text) => `PACK\0\0\0\x02\0\0\0\x01\x35${latin1(deflateSync(`TOKEN=${text}\n`))}`,
  'a text of a PNG': (text) => `\x89PNG\r\n\x1a\n\0\0\0\x20tEXtnote\0${text}\0\0\0\0IEND`,
  'a packed text of a PNG': (text) => `\x89PNG\r\n\x1a\n\0\0\0\x20zTXtnote\0\0${latin1(deflateSync(text))}IEND`,
  'behind a PNG': (text) => `\x89PNG\r\n\x1a\n\0\0\0\0IEND\xaeB\x60\x82${text}`,
  'a comment of a JPEG': (text) => `\xff\xd8\xff\xfe\0\x40${text}\xff\xd9`,
  'a stream of a PDF': (text) =>
    `%PDF-1.7\n1 0 obj\n<</Filter/FlateDecode>>stream\n${latin1(deflateSync(`BT (${text}) Tj ET`))}\nendstream`,
};
