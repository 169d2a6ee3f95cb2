import { expect, it } from 'vitest';
import { AnswerEnds, LAST_BYTES } from '../../../src/spend/answer-ends.ts';
import { tokensOf } from '../../../src/spend/usage.ts';
import { UsageScan } from '../../../src/spend/usage-scan.ts';

const usage = (tokens: number): string => `{"usage":{"output_tokens":${tokens}}}`;

function read(text: string, size: number): { tokens: number[]; since: number } {
  const tokens: number[] = [];
  const scan = new UsageScan((found) => tokens.push(tokensOf(found)));
  const ends = new AnswerEnds(scan);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) ends.push(bytes.subarray(at, at + size));
  ends.end();
  return { tokens, since: scan.bytesSince };
}

it.each([0, 1, 4000, 4090, 20_000, 20_480, 100_000])(
  'beginning and end are read with %i bytes between them',
  (between) => {
    const text = `${usage(1)}${'x'.repeat(between)}${usage(2)} tail`;
    for (const size of [7, 100, 4096, LAST_BYTES, 1e6]) expect(read(text, size)).toEqual({ tokens: [1, 2], since: 6 });
  },
);

it('what lies far behind the last usage is counted, and what stands in the middle is not read', () => {
  const far = 'x'.repeat(5 * LAST_BYTES);
  const text = usage(1) + far + usage(2) + far;
  for (const size of [97, 5000, 1e6])
    expect(read(text, size)).toEqual({ tokens: [1], since: text.length - usage(1).length + 1 });
});
