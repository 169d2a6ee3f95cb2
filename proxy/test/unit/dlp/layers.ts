// The encodings that people, and whoever is in a hurry with a shell, put on top of each other. Data for the tests of recall.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { DRESSES, type Dress } from './dresses.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const base64 = (text: string): string => bytes(text).toString('base64');
const each = (text: string, dress: (byte: number) => string): string => [...bytes(text)].map(dress).join('');
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const wrap = (text: string, width: number): string => (text.match(new RegExp(`.{1,${width}}`, 'gs')) ?? []).join('\n');
const reversed = (text: string): string => [...text].reverse().join('');
const taken = (name: string): Dress => {
  const dress = DRESSES[name];
  if (dress === undefined) throw new Error(`no dress ${name}`);
  return dress;
};

/** Each takes any text and gives text, so that any may stand on any. */
export const LAYERS: Readonly<Record<string, Dress>> = {
  base64,
  'base64 without padding': (text) => base64(text).replace(/=+$/, ''),
  base64url: (text) => bytes(text).toString('base64url'),
  'base64 lines': (text) => wrap(base64(text), 76),
  'base64, lines of 64, CRLF': (text) => wrap(base64(text), 64).replaceAll('\n', '\r\n'),
  hex: (text) => bytes(text).toString('hex'),
  'upper-case hex': (text) => bytes(text).toString('hex').toUpperCase(),
  'hex lines (xxd -p)': (text) => wrap(bytes(text).toString('hex'), 60),
  'hex dump (xxd)': taken('hex dump'),
  'hex with spaces (od -tx1)': (text) => each(text, (byte) => ` ${hex(byte)}`),
  'hex with colons': (text) => [...bytes(text)].map(hex).join(':'),
  '0x list': (text) => `[${[...bytes(text)].map((byte) => `0x${hex(byte)}`).join(', ')}]`,
  '\\x escapes': (text) => each(text, (byte) => `\\x${hex(byte)}`),
  'octal escapes': (text) => each(text, (byte) => `\\${byte.toString(8).padStart(3, '0')}`),
  'octal (od -b)': (text) => each(text, (byte) => ` ${byte.toString(8).padStart(3, '0')}`),
  'decimal list': (text) => JSON.stringify([...bytes(text)]),
  'decimal numbers': (text) => [...bytes(text)].join(' '),
  'decimal lines': (text) => [...bytes(text)].join('\n'),
  'binary numbers': (text) => [...bytes(text)].map((byte) => byte.toString(2).padStart(8, '0')).join(' '),
  percent: (text) =>
    each(text, (byte) =>
      /[\w.~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hex(byte).toUpperCase()}`,
    ),
  'percent throughout': (text) => each(text, (byte) => `%${hex(byte)}`),
  '\\u escapes': (text) => each(text, (byte) => `\\u00${hex(byte)}`),
  entities: (text) => each(text, (byte) => `&#${byte};`),
  'hex entities': (text) => each(text, (byte) => `&#x${hex(byte)};`),
  'quoted-printable': (text) =>
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${each(text, (byte) =>
      byte > 32 && byte < 127 && byte !== 61 ? String.fromCharCode(byte) : `=${hex(byte).toUpperCase()}`,
    )
      .match(/.{1,70}(?!(?<==.?)$)/gs)
      ?.join('=\r\n')}`,
  'JSON string': (text) => JSON.stringify(text),
  'JSON object': (text) => JSON.stringify({ id: 7, data: text }),
  'JSON in JSON': (text) => JSON.stringify({ body: JSON.stringify({ data: text }) }),
  'gzip, base64': (text) => gzipSync(bytes(text)).toString('base64'),
  'gzip, base64url': (text) => gzipSync(bytes(text)).toString('base64url'),
  'gzip, hex': (text) => gzipSync(bytes(text)).toString('hex'),
  'gzip, base64 lines': (text) => wrap(gzipSync(bytes(text)).toString('base64'), 76),
  'zlib, base64': (text) => deflateSync(bytes(text)).toString('base64'),
  'zlib, hex': (text) => deflateSync(bytes(text)).toString('hex'),
  'raw deflate, base64': (text) => deflateRawSync(bytes(text)).toString('base64'),
  'brotli, base64': (text) => brotliCompressSync(bytes(text)).toString('base64'),
  'zstd, base64': (text) => zstdCompressSync(bytes(text)).toString('base64'),
  'UTF-16, base64': (text) => Buffer.from(text, 'utf16le').toString('base64'),
  base32: taken('base32'),
  'base32, lower case': taken('base32, lower case'),
  base58: (text) => (text.length > 300 ? base64(text) : taken('base58')(text, NEVER)),
  ascii85: taken('ascii85, framed'),
  base85: taken('base85'),
  Z85: taken('Z85'),
  uuencode: taken('uuencode'),
  reversed,
  rot13: taken('rot13'),
  'lines cut at 20': (text) => wrap(text, 20),
  'data URL': (text) => `data:application/octet-stream;base64,${base64(text)}`,
  'a name and a colon': (text) => `user:${text}`,
  'an assignment': (text) => `TOKEN=${text}\n`,
  'a sentence': (text) => `my token is ${text} and so on`,
  'XML element': (text) => `<data>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</data>`,
  'Python bytes': (text) =>
    `b'${text
      .replaceAll('\\', '\\\\')
      .replaceAll("'", "\\'")
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r')
      .replaceAll(/[^ -~]/g, (char) => `\\x${hex(char.charCodeAt(0))}`)}'`,
  'String.fromCharCode': (text) => `String.fromCharCode(${[...bytes(text)].join(',')})`,
  'shell command': (text) => `echo '${text}' | base64 -d`,
};

const NEVER = { chars: () => '', number: () => 0 };
