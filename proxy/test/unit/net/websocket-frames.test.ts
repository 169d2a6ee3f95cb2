import { describe, expect, it } from 'vitest';
import {
  BINARY,
  cutControl,
  type FrameHead,
  FrameReader,
  TEXT,
  writeClose,
  writeFrame,
} from '../../../src/net/websocket/frames.ts';
import { MaskKeys } from '../../../src/net/websocket/mask.ts';

const keys = new MaskKeys();

function frame(
  opcode: number,
  isFinal: boolean,
  payload: string | Buffer,
  isMasked = true,
  isCompressed = false,
): Buffer {
  return writeFrame({ opcode, isFinal, isCompressed }, [Buffer.from(payload)], isMasked ? keys : null);
}

function read(bytes: Buffer, isMasked: boolean, step = bytes.length, mayCompress = false) {
  const frames: { head: FrameHead & { length: number }; payload: string }[] = [];
  let ends = 0;
  const reader = new FrameReader(
    {
      onFrame: (head, length) => frames.push({ head: { ...head, length }, payload: '' }),
      onPayload: (piece) => {
        frames[frames.length - 1]!.payload += piece.toString('latin1');
      },
      onFrameEnd: () => {
        ends++;
      },
    },
    { isMasked, mayCompress },
  );
  const understood: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    const problem = reader.feed(bytes.subarray(at, at + step));
    understood.push(Buffer.from(reader.understood));
    if (problem !== null) return { frames, ends, rule: problem.rule, understood: Buffer.concat(understood) };
  }
  return { frames, ends, rule: null, understood: Buffer.concat(understood) };
}

describe('WebSocket frames', () => {
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 200_000];

  it.each(sizes)('of %i bytes come out as they went in, masked and not', (size) => {
    const payload = Buffer.from(Array.from({ length: size }, (_, i) => i & 255));
    for (const isMasked of [true, false]) {
      const { frames, ends } = read(frame(BINARY, true, payload, isMasked), isMasked, 1000);
      expect(frames).toHaveLength(1);
      expect(ends).toBe(1);
      expect(frames[0]!.head).toEqual({ isFinal: true, opcode: BINARY, isCompressed: false, length: size });
      expect(Buffer.from(frames[0]!.payload, 'latin1').equals(payload)).toBe(true);
    }
  });

  it('may arrive byte by byte, several in a row', () => {
    const bytes = Buffer.concat([frame(TEXT, false, 'hel'), frame(9, true, 'ping'), frame(0, true, 'lo')]);
    expect(read(bytes, true, 1).frames.map(({ payload }) => payload)).toEqual(['hel', 'ping', 'lo']);
  });

  it.each([
    ['a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 'ws-reserved'],
    ['a reserved data type', [0x83, 0x80, 0, 0, 0, 0], 'ws-opcode'],
    ['a reserved control type', [0x8b, 0x80, 0, 0, 0, 0], 'ws-opcode'],
    ['no mask', [0x81, 0x00], 'ws-mask'],
    ['a fragmented ping', [0x09, 0x80, 0, 0, 0, 0], 'ws-control'],
    ['a long ping', [0x89, 0xfe, 0, 126, 0, 0, 0, 0], 'ws-control'],
    ['a reserved bit behind the one that deflate uses', [0xe1, 0x80, 0, 0, 0, 0], 'ws-reserved'],
    ['nothing to continue', [0x80, 0x80, 0, 0, 0, 0], 'ws-continuation'],
    ['a new message inside a message', [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], 'ws-continuation'],
    ['a length beyond 2^53', [0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0], 'ws-length'],
  ])('with %s are refused', (_what, bytes, rule) => {
    expect(read(Buffer.from(bytes), true).rule).toBe(rule);
  });

  it.each([
    ['a continuation', [0x01, 0x80, 0, 0, 0, 0, 0xc0, 0x80, 0, 0, 0, 0]],
    ['a ping', [0xc9, 0x80, 0, 0, 0, 0]],
  ])('with the bit of compression on %s are refused, also where messages may be compressed', (_what, bytes) => {
    expect(read(Buffer.from(bytes), true, bytes.length, true).rule).toBe('ws-reserved');
  });

  it('say which message is compressed', () => {
    const bytes = Buffer.concat([frame(TEXT, false, 'a', false, true), frame(0, true, 'b', false)]);
    expect(read(bytes, false, 1, true).frames.map(({ head }) => head.isCompressed)).toEqual([true, false]);
  });

  it.each([1, 3, 100])('before a bad one are told from it, %i bytes at a time', (step) => {
    const good = Buffer.concat([frame(TEXT, true, 'good', false), frame(BINARY, true, Buffer.alloc(300), false)]);
    const { rule, understood } = read(Buffer.concat([good, Buffer.from([0x83, 0x01, 0x41])]), false, step);
    expect(rule).toBe('ws-opcode');
    expect(understood.equals(good)).toBe(true);
  });

  it('that close carry a code and a reason that fits', () => {
    const { frames } = read(writeClose(1008, 'x'.repeat(300), null), false);
    expect(frames[0]!.head).toEqual({ isFinal: true, opcode: 8, isCompressed: false, length: 125 });
    expect(Buffer.from(frames[0]!.payload, 'latin1').readUInt16BE(0)).toBe(1008);
  });

  it('of control never cut a character', () => {
    expect(cutControl(Buffer.from('ä'.repeat(80))).toString()).toBe('ä'.repeat(62));
    expect(cutControl(Buffer.from('short')).toString()).toBe('short');
  });
});
