// Binary messages that cost more than they hold: nested without end, of nothing but numbers, that break at their last byte.
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { random } from './samples.ts';

const keywords = [...new Set(DETECTORS.flatMap((one) => one.keywords))];
const word = (index: number): string => keywords[index % keywords.length]!.slice(0, 31);

function varint(number: number): Buffer {
  const bytes: number[] = [];
  let rest = number;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const field = (content: Buffer): Buffer => Buffer.concat([Buffer.from([0x0a]), varint(content.length), content]);

function rows(bytes: number, make: (index: number) => Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0, index = 0; length < bytes; index++) {
    const part = make(index);
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}

const broken = (message: Buffer): Buffer => Buffer.concat([message, Buffer.from([0x0b])]);
const nested = (bytes: number, depth: number): Buffer => {
  let message: Buffer = Buffer.concat([field(Buffer.alloc(bytes, 'a\0')), Buffer.from([0x10, 1])]);
  for (let i = 0; i < depth; i++) message = field(message);
  return message;
};

/** Of an array or map: its head says more than is there, or exactly that. */
const list = (head: number, items: Buffer): Buffer => {
  const size = Buffer.alloc(5);
  size[0] = head;
  size.writeUInt32BE(items.length, 1);
  return Buffer.concat([size, items]);
};

export const HOSTILE_MESSAGES: Readonly<Record<string, (bytes: number) => Buffer>> = {
  'protobuf of keywords': (bytes) => rows(bytes, (index) => field(Buffer.from(word(index)))),
  'protobuf of keywords, broken at its end': (bytes) => broken(rows(bytes, (index) => field(Buffer.from(word(index))))),
  'protobuf of numbers': (bytes) => rows(bytes, () => Buffer.from([8, 0x67])),
  'protobuf in protobuf': (bytes) => nested(bytes, 20),
  'protobuf in protobuf, too deep': (bytes) => nested(bytes, 200),
  'protobuf in protobuf, broken inside': (bytes) => {
    let message = broken(Buffer.alloc(bytes, '\n\x01a'));
    for (let i = 0; i < 20; i++) message = field(message);
    return message;
  },
  'protobuf of empty messages': (bytes) => Buffer.alloc(bytes, '\n\0'),
  'protobuf of heads of zlib': (bytes) =>
    rows(bytes, () =>
      field(Buffer.concat([Buffer.from([0x78, 0x9c, 0]), Buffer.from(random.chars('\0-ÿ', 20), 'latin1')])),
    ),
  'msgpack of small numbers': (bytes) => list(0xdd, Buffer.alloc(bytes, 'gh')),
  'msgpack of nested lists': (bytes) => Buffer.alloc(bytes, 0x91),
  'msgpack of empty maps': (bytes) => list(0xdd, Buffer.alloc(bytes, 0x80)),
  'msgpack of quotes': (bytes) =>
    Buffer.concat([Buffer.from([0x91, 0xdb]), list(0, Buffer.alloc(bytes, '"')).subarray(1)]),
  'CBOR of empty lists': (bytes) => list(0x9a, Buffer.alloc(bytes, 0x80)),
  'CBOR of tags': (bytes) => Buffer.alloc(bytes, 0xc1),
  'CBOR of lists without a length': (bytes) => Buffer.alloc(bytes, 0x9f),
  'CBOR of numbers': (bytes) =>
    Buffer.concat([Buffer.from([0x9f]), Buffer.alloc(bytes & ~1, '\x18g'), Buffer.from([0xff])]),
};
