// What one end may send, right and wrong: after the case families of the Autobahn test suite (its numbers stand before the names).
import { constants, deflateRawSync } from 'node:zlib';
import type { Frame } from './websocket.ts';

export interface Case {
  readonly name: string;
  readonly frames: readonly Frame[];
  /** Bytes that leave at a time; all at once when left out. */
  readonly chop?: number;
}

const TEXT = 1;
const BINARY = 2;
const CONTINUATION = 0;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

const text = (payload: string | Buffer, rest: Partial<Frame> = {}): Frame => ({ opcode: TEXT, payload, ...rest });
const more = (payload: string | Buffer, rest: Partial<Frame> = {}): Frame => ({
  opcode: CONTINUATION,
  payload,
  ...rest,
});
const open = { isFinal: false };
const utf8 = (value: string): Buffer => Buffer.from(value, 'utf8');
const hex = (value: string): Buffer => Buffer.from(value.replaceAll(' ', ''), 'hex');
const close = (code: number, reason: string | Buffer = ''): Frame => ({
  opcode: CLOSE,
  payload: Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason as string)]),
});

function* family1(): Generator<Case> {
  for (const size of [0, 1, 125, 126, 127, 128, 65_535, 65_536]) {
    yield { name: `1.1 text of ${size} bytes`, frames: [text('*'.repeat(size))] };
    yield { name: `1.2 binary of ${size} bytes`, frames: [{ opcode: BINARY, payload: Buffer.alloc(size, 0xfe) }] };
  }
  yield { name: '1.1 text of 65536 bytes, 997 at a time', frames: [text('*'.repeat(65_536))], chop: 997 };
  yield {
    name: '1.2 a short message byte by byte',
    frames: [text('hello'), { opcode: BINARY, payload: 'x' }],
    chop: 1,
  };
  yield { name: '1.3 a length of two bytes that fits one', frames: [text('hello', { lengthBytes: 2 })] };
  yield { name: '1.3 a length of eight bytes that fits two', frames: [text('*'.repeat(300), { lengthBytes: 8 })] };
}

function* family2(): Generator<Case> {
  for (const payload of ['', 'Hello', '\x00\xff\xfe\xfd\xfc\xfb\x00\xff', '\xfe'.repeat(125)]) {
    yield { name: `2 a ping of ${payload.length} bytes`, frames: [{ opcode: PING, payload }] };
    yield { name: `2 a pong of ${payload.length} bytes`, frames: [{ opcode: PONG, payload }] };
  }
  yield { name: '2.5 a ping of 126 bytes', frames: [text('before'), { opcode: PING, payload: 'x'.repeat(126) }] };
  yield { name: '2.6 a ping byte by byte', frames: [{ opcode: PING, payload: '\xfe'.repeat(125) }], chop: 1 };
  const ten = Array.from({ length: 10 }, (_, i): Frame => ({ opcode: PING, payload: `ping ${i}` }));
  yield { name: '2.10 ten pings', frames: ten };
  yield { name: '2.11 ten pings byte by byte', frames: ten, chop: 1 };
  yield {
    name: '2.9 a pong nobody asked for, and a ping',
    frames: [
      { opcode: PONG, payload: 'un' },
      { opcode: PING, payload: 'a' },
    ],
  };
}

function* family3(): Generator<Case> {
  for (const reserved of [1, 2, 3, 5, 6, 7])
    yield { name: `3 reserved bits ${reserved} on a text`, frames: [text('Hello', { reserved })] };
  yield { name: '3 reserved bits 4 on a continuation', frames: [text('a', open), more('b', { reserved: 4 })] };
  for (const reserved of [1, 4, 7]) {
    yield {
      name: `3 reserved bits ${reserved} on a ping`,
      frames: [text('before'), { opcode: PING, payload: 'x', reserved }],
    };
    yield { name: `3 reserved bits ${reserved} on a close`, frames: [text('before'), { ...close(1000), reserved }] };
  }
}

function* family4(): Generator<Case> {
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    yield {
      name: `4 opcode ${opcode}`,
      frames: [text('before'), { opcode, payload: opcode % 2 === 0 ? '' : 'data' }, { opcode: PING }],
    };
  }
}

function* family5(): Generator<Case> {
  const ping = { opcode: PING, payload: 'inside' };
  yield { name: '5.1 a ping in fragments', frames: [{ opcode: PING, payload: 'a', isFinal: false }, more('b')] };
  yield { name: '5.2 a pong in fragments', frames: [{ opcode: PONG, payload: 'a', isFinal: false }, more('b')] };
  for (const chop of [undefined, 1, 5]) {
    const how = chop === undefined ? '' : `, ${chop} bytes at a time`;
    const cut = chop === undefined ? {} : { chop };
    yield { name: `5.3 two fragments${how}`, frames: [text('one', open), more('two')], ...cut };
    yield {
      name: `5.6 two fragments and a ping between them${how}`,
      frames: [text('one', open), ping, more('two')],
      ...cut,
    };
    yield {
      name: `5.19 many fragments and pings${how}`,
      frames: [
        text('1', open),
        more('2', open),
        ping,
        more('3', open),
        more('4', open),
        { opcode: PING, payload: 'again' },
        more('5'),
      ],
      ...cut,
    };
  }
  yield { name: '5.9 a continuation of nothing', frames: [more('x'), text('after')] };
  yield { name: '5.10 an open continuation of nothing', frames: [more('x', open), text('after')] };
  yield { name: '5.12 a continuation behind the end', frames: [text('whole'), more('x')] };
  yield {
    name: '5.15 a continuation behind the last fragment',
    frames: [text('a', open), more('b'), more('c', open), text('d')],
  };
  yield { name: '5.18 a new message inside a message', frames: [text('a', open), text('b')] };
  yield { name: '5 a binary message inside a text', frames: [text('a', open), { opcode: BINARY, payload: 'b' }] };
  yield { name: '5 empty fragments', frames: [text('', open), more('', open), more('', open), more('')] };
  yield {
    name: '5 a hundred fragments',
    frames: [text('', open), ...Array.from({ length: 100 }, (_, i) => more(`${i} `, open)), more('end')],
  };
}

function* family6(): Generator<Case> {
  const greek = utf8('κόσμε');
  const good: [string, string][] = [
    ['the empty text', ''],
    ['Greek', greek.toString('hex')],
    ['two bytes', 'c2 80'],
    ['three bytes', 'e0 a0 80'],
    ['four bytes', 'f0 90 80 80'],
    ['the last code point', 'f4 8f bf bf'],
    ['before the surrogates', 'ed 9f bf'],
    ['behind the surrogates', 'ee 80 80'],
    ['a non-character', 'ef bf be'],
    ['a byte order mark', 'ef bb bf 41'],
    ['a zero', '00'],
  ];
  for (const [what, bytes] of good) yield { name: `6 ${what}`, frames: [text(hex(bytes))] };
  const bad: [string, string][] = [
    ['a lone continuation byte', '80'],
    ['a start byte alone', 'c2'],
    ['two of three bytes', 'e0 a0'],
    ['three of four bytes', 'f0 90 80'],
    ['an overlong slash', 'c0 af'],
    ['an overlong of three bytes', 'e0 80 af'],
    ['an overlong of four bytes', 'f0 80 80 af'],
    ['an overlong zero', 'c0 80'],
    ['a high surrogate', 'ed a0 80'],
    ['a pair of surrogates', 'ed a0 80 ed b0 80'],
    ['beyond the last code point', 'f4 90 80 80'],
    ['five bytes', 'f8 88 80 80 80'],
    ['six bytes', 'fc 84 80 80 80 80'],
    ['fe', 'fe'],
    ['ff', 'ff'],
    ['text with bad bytes in it', 'ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64'],
  ];
  for (const [what, bytes] of bad)
    yield { name: `6 not UTF-8: ${what}`, frames: [text('before'), text(hex(bytes)), text('after')] };
  yield {
    name: '6.2 a character over two fragments',
    frames: [text(greek.subarray(0, 3), open), more(greek.subarray(3))],
  };
  const letters = [...greek].map((byte) => Buffer.from([byte]));
  yield {
    name: '6.2 a byte a fragment',
    frames: [text(letters[0]!, open), ...letters.slice(1, -1).map((one) => more(one, open)), more(letters.at(-1)!)],
  };
  yield { name: '6.4 not UTF-8 in the first fragment', frames: [text(hex('ce ba f4 90 80 80'), open), more('rest')] };
  yield { name: '6 a text that ends inside a character', frames: [text(hex('ce ba'), open), more(hex('ce'))] };
  yield {
    name: '6 bytes that are no text in a binary message',
    frames: [{ opcode: BINARY, payload: hex('ff fe 80 c0') }],
  };
}

function* family7(): Generator<Case> {
  yield { name: '7.1.1 a message and a close', frames: [text('hello'), close(1000, 'done')] };
  yield { name: '7.1.2 two closes', frames: [close(1000), close(1000)] };
  yield { name: '7.1.3 a ping behind a close', frames: [close(1000), { opcode: PING, payload: 'late' }] };
  yield { name: '7.1.4 a message behind a close', frames: [close(1000), text('late')] };
  yield { name: '7.1.5 a close inside a message', frames: [text('one', open), close(1000), more('two')] };
  yield { name: '7.3.1 a close without a code', frames: [{ opcode: CLOSE }] };
  yield { name: '7.3.2 a close of one byte', frames: [{ opcode: CLOSE, payload: '\x03' }] };
  yield { name: '7.3.5 a close with the longest reason', frames: [close(1000, 'r'.repeat(123))] };
  yield { name: '7.3.6 a close that is too long', frames: [close(1000, 'r'.repeat(124))] };
  yield { name: '7.5 a reason that is not UTF-8', frames: [close(1000, hex('ce ba ed a0 80'))] };
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
    yield { name: `7.7 code ${code}`, frames: [close(code, 'why')] };
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
    yield { name: `7.9 code ${code}, which nobody may send`, frames: [close(code)] };
}

function* family9(): Generator<Case> {
  const size = 1024 * 1024;
  yield { name: '9.1 a text of 1 MiB', frames: [text('BAsd7&jh23'.repeat(size / 8).slice(0, size))] };
  yield {
    name: '9.2 a binary of 4 MiB and more',
    frames: [{ opcode: BINARY, payload: Buffer.alloc(4 * size + 1, 0x61) }],
  };
  const part = 'x y z '.repeat(10_000);
  yield {
    name: '9.3 1 MiB in fragments of 60 KB',
    frames: [text(part, open), ...Array.from({ length: 16 }, () => more(part, open)), more(part)],
  };
  yield { name: '9.5 256 KiB, 4097 bytes at a time', frames: [text('abcd'.repeat(65_536))], chop: 4097 };
  yield { name: '9.7 300 messages in a row', frames: Array.from({ length: 300 }, (_, i) => text(`message ${i}`)) };
}

export const CASES: readonly Case[] = [
  ...family1(),
  ...family2(),
  ...family3(),
  ...family4(),
  ...family5(),
  ...family6(),
  ...family7(),
  ...family9(),
];

/** The same with every whole message compressed (12 and 13), in as many fragments. */
export function compressed(frames: readonly Frame[]): readonly Frame[] {
  const out: Frame[] = [];
  let message: Frame[] = [];
  let between: { readonly after: number; readonly frame: Frame }[] = [];
  for (const frame of frames) {
    if (frame.opcode >= CLOSE) {
      if (message.length === 0) out.push(frame);
      else between.push({ after: message.length, frame });
      continue;
    }
    if (message.length === 0 && (frame.opcode === CONTINUATION || (frame.reserved ?? 0) !== 0)) {
      out.push(frame);
      continue;
    }
    // Nothing that begins like this is a message: it goes as it is.
    if (message.length > 0 && (frame.opcode !== CONTINUATION || (frame.reserved ?? 0) !== 0)) return frames;
    message.push(frame);
    if (frame.isFinal === false) continue;
    const payload = deflateRawSync(Buffer.concat(message.map(bytesOf)), { finishFlush: constants.Z_SYNC_FLUSH });
    const sent = payload.subarray(0, -4);
    const size = Math.ceil(sent.length / message.length);
    message.forEach((one, i) => {
      out.push({ ...one, payload: sent.subarray(i * size, (i + 1) * size), reserved: i === 0 ? 4 : 0 });
      for (const { after, frame: control } of between) if (after === i + 1) out.push(control);
    });
    message = [];
    between = [];
  }
  return message.length === 0 ? out : frames;
}

function bytesOf({ payload = '' }: Frame): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
}
