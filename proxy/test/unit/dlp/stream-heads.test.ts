// Streams without telling first bytes: every one that an encoder makes may be one, and hardly any random data.
import { brotliCompressSync, deflateRawSync, constants as zlib } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { mayBeBrotli, mayBeRawDeflate } from '../../../src/dlp/views/stream-heads.ts';
import { random, seed } from './samples.ts';

const LENGTHS = [1, 2, 16, 40, 100, 300, 1000, 5000, 20_000];

/** Text as agents send it, and text without any repetition. */
const texts = (length: number): readonly Buffer[] => [
  Buffer.from(random.chars('a-zA-Z0-9', length)),
  Buffer.from(JSON.stringify({ role: 'user', content: 'the value is in the message '.repeat(4000) }).slice(0, length)),
  Buffer.from(random.chars('\0-ÿ', length), 'latin1'),
];

describe(`heads of streams (BOTTLE_SEED=${seed})`, () => {
  test.each(LENGTHS)('what is compressed from %d bytes may be a stream', (length) => {
    for (const text of texts(length)) {
      for (let level = 1; level <= 9; level++) {
        for (const strategy of [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED]) {
          const deflated = deflateRawSync(text, { level, strategy });
          const block = deflated[0]! & 7;
          // Stored blocks hold their text as it is; fixed codes in a first block of several are not looked for.
          const isLookedFor = block >= 3 && block <= 5;
          expect(mayBeRawDeflate(deflated, deflated.length), `level ${level} ${strategy}`).toBe(isLookedFor);
        }
      }
      for (let quality = 0; quality <= 11; quality++) {
        for (const window of [21, 22, 24]) {
          const params = { [zlib.BROTLI_PARAM_QUALITY]: quality, [zlib.BROTLI_PARAM_LGWIN]: window };
          const compressed = brotliCompressSync(text, { params });
          // Encoders shorten the window for short input: only what says one of the usual ones is looked for.
          const isUsual = (compressed[0]! & 9) === 9;
          if (isUsual && text.length <= compressed.length * 256)
            expect(mayBeBrotli(compressed, compressed.length), `quality ${quality}`).toBe(true);
        }
      }
    }
  });

  test('random data is one in thirty times at most, for each', () => {
    const count = 20_000;
    let deflate = 0;
    let brotli = 0;
    for (let i = 0; i < count; i++) {
      const data = Buffer.from(random.chars('\0-ÿ', 40), 'latin1');
      if (mayBeRawDeflate(data, data.length)) deflate++;
      if (mayBeBrotli(data, data.length)) brotli++;
    }
    expect(deflate / count).toBeLessThan(0.033);
    expect(brotli / count).toBeLessThan(0.033);
  });
});
