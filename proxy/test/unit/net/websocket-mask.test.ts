import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { applyMask, MaskKeys } from '../../../src/net/websocket/mask.ts';

const masked = (bytes: Buffer, key: Buffer, at: number): Buffer =>
  Buffer.from(bytes.map((byte, i) => byte ^ key[(at + i) & 3]!));

describe('a mask', () => {
  it.each([0, 1, 3, 47, 48, 49, 51, 200, 4099])(
    'covers %i bytes, wherever they stand in memory and in the payload',
    (size) => {
      const key = randomBytes(4);
      for (let offset = 0; offset < 5; offset++) {
        for (let at = 0; at < 5; at++) {
          const memory = randomBytes(size + 16);
          const bytes = memory.subarray(offset, offset + size);
          const around = Buffer.concat([memory.subarray(0, offset), memory.subarray(offset + size)]);
          const expected = masked(bytes, key, at);
          applyMask(bytes, key, at);
          expect(bytes.equals(expected)).toBe(true);
          expect(Buffer.concat([memory.subarray(0, offset), memory.subarray(offset + size)]).equals(around)).toBe(true);
        }
      }
    },
  );

  it('has a key of its own for every frame', () => {
    const keys = new MaskKeys();
    expect(new Set(Array.from({ length: 300 }, () => keys.next().toString('hex'))).size).toBeGreaterThan(290);
  });
});
