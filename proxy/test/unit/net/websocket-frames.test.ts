import { describe, expect, it } from 'vitest';
import {
  BINARY,
  type FrameHead,
  FrameReader,
  TEXT,
  writeClose,
  writeFrame,
} from '../../../src/net/websocket/frames.ts';

function read(bytes: Buffer, isMasked: boolean, step = bytes.length) {
  const frames: { head: FrameHead; payload: string }[] = [];
  let ends = 0;
  const reader = new FrameReader(
    {
      onFrame: (head) => frames.push({ head, payload: '' }),
      onPayload: (piece) => {
        frames[frames.length - 1]!.payload += piece.toString('latin1');
      },
      onFrameEnd: () => {
        ends++;
      },
    },
    isMasked,
  );
  for (let at = 0; at < bytes.length; at += step) {
    const problem = reader.feed(bytes.subarray(at, at + step));
    if (problem !== null) return { frames, ends, rule: problem.rule };
  }
  return { frames, ends, rule: null };
}

describe('WebSocket frames', () => {
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 200_000];

  it.each(sizes)('of %i bytes come out as they went in, masked and not', (size) => {
    const payload = Buffer.from(Array.from({ length: size }, (_, i) => i & 255));
    for (const isMasked of [true, false]) {
      const { frames, ends } = read(writeFrame(BINARY, true, payload, isMasked), isMasked, 1000);
      expect(frames).toHaveLength(1);
      expect(ends).toBe(1);
      expect(frames[0]!.head).toEqual({ isFinal: true, opcode: BINARY, length: size });
      expect(Buffer.from(frames[0]!.payload, 'latin1').equals(payload)).toBe(true);
    }
  });

  it('may arrive byte by byte, several in a row', () => {
    const bytes = Buffer.concat([
      writeFrame(TEXT, false, Buffer.from('hel'), true),
      writeFrame(9, true, Buffer.from('ping'), true),
      writeFrame(0, true, Buffer.from('lo'), true),
    ]);
    expect(read(bytes, true, 1).frames.map(({ payload }) => payload)).toEqual(['hel', 'ping', 'lo']);
  });

  it.each([
    ['a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 'ws-reserved'],
    ['a reserved data type', [0x83, 0x80, 0, 0, 0, 0], 'ws-opcode'],
    ['a reserved control type', [0x8b, 0x80, 0, 0, 0, 0], 'ws-opcode'],
    ['no mask', [0x81, 0x00], 'ws-mask'],
    ['a fragmented ping', [0x09, 0x80, 0, 0, 0, 0], 'ws-control'],
    ['a long ping', [0x89, 0xfe, 0, 126, 0, 0, 0, 0], 'ws-control'],
    ['a length beyond 2^53', [0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0], 'ws-length'],
  ])('with %s are refused', (_what, bytes, rule) => {
    expect(read(Buffer.from(bytes), true).rule).toBe(rule);
  });

  it('that close carry a code and a reason that fits', () => {
    const { frames } = read(writeClose(1008, 'x'.repeat(300), false), false);
    expect(frames[0]!.head).toEqual({ isFinal: true, opcode: 8, length: 125 });
    expect(Buffer.from(frames[0]!.payload, 'latin1').readUInt16BE(0)).toBe(1008);
  });
});
