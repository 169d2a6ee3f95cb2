import { randomBytes } from 'node:crypto';
import { crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { cpuMsOf } from '../../../../test/unit/cpu-time.ts';
import type { Piece, Unread } from '../../../src/dlp/containers/members.ts';
import { View } from '../../../src/dlp/view.ts';
import { readInside } from '../../../src/dlp/views/containers.ts';

const TEXT = `key ${randomBytes(20).toString('hex')}`;

interface Inside {
  readonly pieces: readonly Piece[];
  readonly unread: readonly Unread[];
}

function inside(data: Buffer, leftBytes = 1 << 20): Inside {
  const pieces: Piece[] = [];
  const unread: Unread[] = [];
  const sink = {
    get leftBytes() {
      return leftBytes - pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
    },
    search: (piece: Piece) => void pieces.push(piece),
    fail: () => {},
    unread: (one: Unread) => void unread.push(one),
  };
  readInside(new View(data, data.length), sink, false);
  return { pieces, unread };
}

/** The members' texts; small ones come together. */
const texts = (data: Buffer): string[] =>
  inside(data).pieces.flatMap(({ bytes }) =>
    bytes
      .toString('latin1')
      .split('\n\n')
      .filter((text) => text !== ''),
  );

function zipMember(content: string, name = 'a.txt'): Buffer {
  const data = deflateRawSync(content);
  const head = Buffer.alloc(30);
  head.write('PK\x03\x04', 'latin1');
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(crc32(content), 14);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, Buffer.from(name), data]);
}

describe('streams inside other data are read', () => {
  it.each([
    ['gzip in a form', Buffer.concat([Buffer.from('--b\r\n\r\n'), gzipSync(TEXT), Buffer.from('\r\n--b--')]), [TEXT]],
    [
      'two of them',
      Buffer.concat([Buffer.from('x'), gzipSync(TEXT), Buffer.from('--'), gzipSync('other text')]),
      [TEXT, 'other text'],
    ],
    ['a member of a zip', zipMember(TEXT), [TEXT]],
    [
      'members behind each other',
      Buffer.concat([zipMember('one'), zipMember(TEXT), Buffer.from('PK\x05\x06')]),
      ['one', TEXT],
    ],
    [
      'a text of a picture',
      Buffer.concat([Buffer.from('zTXtnote\0\0'), deflateSync(TEXT), Buffer.from('IEND')]),
      [TEXT],
    ],
    [
      'objects of a pack',
      Buffer.concat([
        Buffer.from('PACK\0\0\0\x02\0\0\0\x02\x3c'),
        deflateSync('first object'),
        Buffer.from([0xb0 | (TEXT.length & 15), TEXT.length >> 4]),
        deflateSync(TEXT),
        Buffer.alloc(20),
      ]),
      ['first object', TEXT],
    ],
    ['one that is cut', Buffer.concat([Buffer.from('x'), gzipSync(TEXT.repeat(50)).subarray(0, -12)]), null],
  ])('%s', (_, data, expected) => {
    const found = texts(data);
    if (expected === null) expect(found[0]).toContain(TEXT.slice(0, 20));
    else expect(found).toEqual(expected);
  });

  it('with their place in what holds them', () => {
    const stream = gzipSync(TEXT);
    const { pieces } = inside(Buffer.concat([Buffer.from('0123456789'), stream, Buffer.from('tail')]));
    expect(pieces).toMatchObject([{ start: 10, end: 10 + stream.length }]);
  });

  it('and what would not end is said to be too much', () => {
    const { unread } = inside(Buffer.concat([Buffer.from('x'), gzipSync(Buffer.alloc(100_000))]), 5000);
    expect(unread).toMatchObject([{ unjudged: { kind: 'over_budget' } }]);
  });

  it.each([
    ['text', Buffer.from('PK\x03\x04 and PACK\0\0\0 and zTXt are names')],
    ['random bytes', randomBytes(100_000)],
    ['beginnings without end', Buffer.from('\x1f\x8b\x08'.repeat(5000), 'latin1')],
    ['many heads of members', Buffer.from('PK\x03\x04'.repeat(20_000), 'latin1')],
  ])('%s hold none, and cost little', (_, data) => {
    let seen: Inside = { pieces: [], unread: [] };
    const ms = cpuMsOf(() => {
      seen = inside(data);
    });
    expect(seen.unread).toEqual([]);
    expect(seen.pieces.filter(({ bytes }) => bytes.length > 200)).toEqual([]);
    expect(ms).toBeLessThan(5000);
  });
});
