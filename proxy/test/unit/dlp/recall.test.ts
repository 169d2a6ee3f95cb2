// How much is found of what nobody has written down: fresh tokens in every dress, one and several on top of each other. Bars, and a list of what was missed.
import { describe, expect, test } from 'vitest';
import { DRESSES, type Dress, KNOWN_DRESSES } from './dresses.ts';
import { fixture, freshTokens, random, seed } from './samples.ts';

const { scanner, value, placeholder } = fixture();
const known = [
  ['known-secret', value],
  ['placeholder', placeholder],
] as const;

/** What a JSON writer, which leaves UTF-8 as it is, makes of `content` in the middle of a conversation. */
function message(content: string, isUtf8: boolean): Buffer {
  return Buffer.from(
    JSON.stringify({ model: 'm', messages: [{ role: 'user', content: `hello, see ${content} bye` }] }),
    isUtf8 ? 'utf8' : 'latin1',
  );
}

const finds = (body: Buffer, detector: string, contentType = 'application/json'): boolean =>
  scanner
    .scanBody('body', body, { contentType, contentEncoding: '' })
    .matches.some((match) => match.detector === detector);

interface Tally {
  readonly tried: number;
  readonly missed: readonly string[];
}

function tally(
  dresses: Readonly<Record<string, Dress>>,
  tokens: readonly (readonly [string, string])[],
  place: (text: string, isUtf8: boolean) => Buffer,
): Tally {
  const missed: string[] = [];
  let tried = 0;
  for (const [name, dress] of Object.entries(dresses)) {
    for (const [detector, token] of tokens) {
      tried++;
      if (!finds(place(dress(token, random), name.includes('UTF-8')), detector)) missed.push(`${name}: ${detector}`);
    }
  }
  return { tried, missed };
}

function report(name: string, { tried, missed }: Tally): number {
  const share = 1 - missed.length / tried;
  const byDress = new Map<string, string[]>();
  for (const one of missed) {
    const [dress, detector] = one.split(': ') as [string, string];
    byDress.set(dress, [...(byDress.get(dress) ?? []), detector]);
  }
  console.log(
    `${name}: ${(share * 100).toFixed(1)} % of ${tried}; missed: ${[...byDress].map(([dress, list]) => `${dress} (${list.length > 6 ? list.length : list.join(' ')})`).join('; ')}`,
  );
  return share;
}

describe(`recall (BOTTLE_SEED=${seed})`, () => {
  test('one layer', () => {
    expect(report('one layer, formats, JSON', tally(DRESSES, freshTokens(), message))).toBeGreaterThanOrEqual(0.93);
  });
  test('one layer, raw', () => {
    expect(
      report(
        'one layer, formats, as it is',
        tally(DRESSES, freshTokens(), (text, isUtf8) => Buffer.from(`note ${text} end`, isUtf8 ? 'utf8' : 'latin1')),
      ),
    ).toBeGreaterThanOrEqual(0.93);
  });
  test('known values', () => {
    expect(report('one layer, known', tally({ ...DRESSES, ...KNOWN_DRESSES }, known, message))).toBeGreaterThanOrEqual(
      0.95,
    );
  });
});
