import { describe, expect, it } from 'vitest';
import { largerUsage, NO_USAGE, type Usage } from '../../../src/spend/usage.ts';
import { UsageScan } from '../../../src/spend/usage-scan.ts';
import { anthropicWhole, MODEL_ANSWERS } from '../../model-answers.ts';

function scan(pieces: readonly (string | Buffer)[]): { usage: Usage; since: number } {
  let usage = NO_USAGE;
  const reader = new UsageScan((found) => {
    usage = largerUsage(usage, found);
  });
  for (const piece of pieces) reader.push(Buffer.from(piece as string));
  return { usage, since: reader.bytesSince };
}

function cut(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

const read = ({ input, cacheRead, cacheWrite }: Usage): number => input + cacheRead + cacheWrite;

describe.each(MODEL_ANSWERS)('the usage of $name', ({ body, input, output }) => {
  it('is read, and what stands behind it is counted', () => {
    const { usage, since } = scan([body]);
    expect([read(usage), usage.output]).toEqual([input, output]);
    const rest = body.slice(Math.max(body.lastIndexOf('"usage"'), body.lastIndexOf('"usageMetadata"')));
    expect(since).toBeGreaterThan(0);
    expect(since).toBeLessThan(rest.length);
  });

  it.each([1, 2, 3, 5, 7, 64, 1000])('is the same in pieces of %i', (size) => {
    expect(scan(cut(body, size))).toEqual(scan([body]));
  });

  it('is the same cut in two at any byte', () => {
    const whole = scan([body]);
    const bytes = Buffer.from(body);
    for (let at = 1; at < bytes.length; at++) expect(scan([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  });
});

describe('what looks like usage', () => {
  it('and was chosen by the agent makes an answer dearer, never cheaper', () => {
    const lie = { usage: { input_tokens: 0, output_tokens: 0 } };
    expect(scan([anthropicWhole(100, 20, lie)]).usage.output).toBe(20);
    const claim = { usage: { input_tokens: 0, output_tokens: 5000 } };
    expect(scan([anthropicWhole(100, 20, claim)]).usage.output).toBe(5000);
  });

  it.each([
    ['an escaped key', '{"text":"\\"usage\\": {\\"output_tokens\\": 9}"}'],
    ['no object', '{"usage":null,"a":{"usage":7},"b":["usage",{"output_tokens":9}]}'],
    ['negative', '{"usage":{"output_tokens":-9}}'],
    ['no number', '{"usage":{"output_tokens":"9"}}'],
    ['beyond any answer', '{"usage":{"output_tokens":1e300}}'],
    ['a longer key', '{"usages":{"output_tokens":9},"usage_":{"output_tokens":9}}'],
    ['of another kind', '{"usage":{"cpu":9}}'],
    ['broken', '{"usage":{"output_tokens":9,}}'],
  ])('and is %s counts nothing', (_, text) => {
    expect(scan([text]).usage).toEqual(NO_USAGE);
    expect(scan(cut(text, 1)).usage).toEqual(NO_USAGE);
  });

  it('and never ends is given up, with flat memory; a real one behind it is found', () => {
    const real = '"usage":{"output_tokens":9}';
    const noise = `"usage":{"x":"${'a'.repeat(40_000)}"},`;
    expect(scan([noise, real]).usage.output).toBe(9);
    expect(scan(cut(noise + real, 100)).usage.output).toBe(9);
  });
});
