// Binary messages: a secret in one string, in several strings, in numbers and in packed fields, written by encoders of this test's own.
import { randomBytes } from 'node:crypto';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { fixture, freshTokens, random, seed } from './samples.ts';

const { scanner, value } = fixture();
const token = freshTokens()[0]![1];
const meta = { contentType: 'application/octet-stream', contentEncoding: '' };

type Item = string | number | Buffer | readonly Item[] | { readonly [key: string]: Item };
type Encode = (item: Item) => Buffer;

const isList = (item: Item): item is readonly Item[] => Array.isArray(item);
const bigEndian = (number: number, width: number): Buffer => {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(number, 0, width);
  return bytes;
};
const byte = (...bytes: number[]): Buffer => Buffer.from(bytes);

const msgpack: Encode = (item) => {
  if (typeof item === 'number') return item < 128 ? byte(item) : byte(0xcc, item);
  if (typeof item === 'string') {
    const text = Buffer.from(item);
    return Buffer.concat([
      text.length < 32 ? byte(0xa0 | text.length) : byte(0xda, text.length >> 8, text.length),
      text,
    ]);
  }
  if (Buffer.isBuffer(item)) return Buffer.concat([byte(0xc5), bigEndian(item.length, 2), item]);
  if (isList(item)) return Buffer.concat([byte(0xdc), bigEndian(item.length, 2), ...item.map(msgpack)]);
  const entries = Object.entries(item);
  return Buffer.concat([byte(0x80 | entries.length), ...entries.flat().map((one) => msgpack(one as Item))]);
};

const cbor: Encode = (item) => {
  const head = (major: number, size: number): Buffer =>
    size < 24
      ? byte((major << 5) | size)
      : size < 256
        ? byte((major << 5) | 24, size)
        : byte((major << 5) | 25, size >> 8, size);
  if (typeof item === 'number') return head(0, item);
  if (typeof item === 'string') return Buffer.concat([head(3, Buffer.byteLength(item)), Buffer.from(item)]);
  if (Buffer.isBuffer(item)) return Buffer.concat([head(2, item.length), item]);
  if (isList(item)) return Buffer.concat([head(4, item.length), ...item.map(cbor)]);
  const entries = Object.entries(item);
  return Buffer.concat([head(5, entries.length), ...entries.flat().map((one) => cbor(one as Item))]);
};

const varint = (number: number): Buffer => {
  const bytes: number[] = [];
  let rest = number;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return byte(...bytes, rest);
};

/** A list's items are one field, repeated; a map's are fields in turn. */
const protobuf: Encode = (item) => {
  const field = (number: number, one: Item): Buffer => {
    if (typeof one === 'number') return Buffer.concat([varint(number * 8), varint(one)]);
    const content = typeof one === 'string' ? Buffer.from(one) : Buffer.isBuffer(one) ? one : protobuf(one);
    return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
  };
  if (isList(item)) return Buffer.concat(item.map((one) => field(1, one)));
  if (typeof item !== 'object' || Buffer.isBuffer(item)) return field(1, item);
  return Buffer.concat(Object.values(item).map((one, index) => field(index + 1, one)));
};

const framed: Encode = (item) => {
  const message = protobuf(item);
  return Buffer.concat([byte(0), bigEndian(message.length, 4), message]);
};

const ENCODINGS: Readonly<Record<string, Encode>> = {
  protobuf,
  'protobuf, framed': framed,
  msgpack,
  cbor,
  'cbor, tagged': (item) => Buffer.concat([byte(0xd9, 0xd9, 0xf7), cbor(item)]),
};

const thirds = (text: string): string[] => {
  const third = Math.ceil(text.length / 3);
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)];
};

const DRESSES: Readonly<Record<string, (secret: string) => Item>> = {
  'one string': (secret) => ({ id: 7, note: secret, more: 'x' }),
  'a string in messages': (secret) => ({ id: 7, a: { b: { c: { note: secret, n: 9 } } }, z: 3 }),
  'strings of a list': (secret) => ({ id: 300 % 256, parts: thirds(secret), z: 3 }),
  'fields of a message': (secret) => {
    const [a, b, c] = thirds(secret);
    return { id: 3, a: a!, b: b!, c: c!, n: 200 };
  },
  'fields of messages in a list': (secret) => ({ id: 3, parts: thirds(secret).map((text) => ({ text })) }),
  'a list of small numbers': (secret) => ({ id: 3, bytes: [...Buffer.from(secret)] }),
  'zlib in a field': (secret) => ({ id: 3, data: deflateSync(`key ${secret} and so on`), name: 'x' }),
  'gzip in a field': (secret) => ({ id: 3, data: gzipSync(`key ${secret} and so on`), name: 'x' }),
  'zstd in a field': (secret) => ({ id: 3, data: zstdCompressSync(`key ${secret} and so on`), name: 'x' }),
  'UTF-16 in a field': (secret) => ({ id: 3, data: Buffer.from(`key ${secret} end`, 'utf16le'), name: 'x' }),
};

describe(`binary messages (BOTTLE_SEED=${seed})`, () => {
  const cases = Object.entries(ENCODINGS).flatMap(([name, encode]) =>
    Object.entries(DRESSES).map(([dress, make]) => [`${name}: ${dress}`, encode, make] as const),
  );

  it.each(cases)('%s', (_, encode, make) => {
    for (const [detector, secret] of [
      ['known-secret', value],
      ['github-token', token],
    ] as const) {
      const { matches, unjudged } = scanner.scanBody('body', encode(make(secret)), meta);
      expect(
        matches.map((match) => match.detector),
        detector,
      ).toContain(detector);
      expect(unjudged).toBeNull();
    }
  });

  it.each(['one string', 'strings of a list', 'fields of messages in a list'])('in base64 in JSON: %s', (dress) => {
    for (const encode of [protobuf, msgpack, cbor]) {
      const data = encode(DRESSES[dress]!(value)).toString('base64');
      const { matches } = scanner.scanBody('body', Buffer.from(JSON.stringify({ id: 1, data })), meta);
      expect(matches.map((match) => match.detector)).toContain('known-secret');
    }
  });

  it('messages without a secret hold none', () => {
    for (let i = 0; i < 300; i++) {
      const id = (): string => random.chars(random.number(0, 1) === 0 ? 'a-f0-9' : 'A-Za-z0-9', random.number(4, 40));
      const item = { trace: id(), spans: [id(), id(), { name: id(), n: 7, data: randomBytes(40) }], ids: [id(), id()] };
      for (const [name, encode] of Object.entries(ENCODINGS)) {
        expect(scanner.scanBody('body', encode(item), meta), name).toMatchObject({ matches: [], unjudged: null });
      }
    }
  });

  it('random and cut messages neither throw nor match', () => {
    for (let i = 0; i < 300; i++) {
      for (const encode of Object.values(ENCODINGS)) {
        const whole = encode({ a: [random.chars('a-z', 20)], b: { c: random.chars('a-z', 9) }, n: 4 });
        const at = random.number(0, whole.length - 1);
        const broken = Buffer.from(whole);
        broken[at] = random.number(0, 255);
        for (const body of [whole.subarray(0, at), broken, randomBytes(random.number(0, 90))]) {
          expect(scanner.scanBody('body', body, meta).matches).toEqual([]);
        }
      }
    }
  });

  it('text is no message', () => {
    const own = createScanner({ secrets: [], detectors: null, fingerprintKey: Buffer.alloc(32, 1), decodedBytes: 1e6 });
    for (const text of ['\n\x05hello world, how are you', `\n${random.chars('a-z ', 200)}`]) {
      expect(own.scanBody('body', Buffer.from(text), meta).matches).toEqual([]);
    }
  });
});
