// How much is found of what nobody has written down: fresh tokens in every dress, one and several on top of each other. Bars, and a list of what was missed.
import { describe, expect, test } from 'vitest';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { DRESSES, type Dress, KNOWN_DRESSES, SPLITS } from './dresses.ts';
import { LAYERS } from './layers.ts';
import { LEAKS } from './leaks.ts';
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

/** A fresh token of every format with a prefix or a check of its own. */
const everyFormat = (): readonly (readonly [detector: string, token: string])[] =>
  DETECTORS.filter(({ kind, byDefault }) => kind === 'format' && byDefault).map(({ id, truePositives }) => [
    id,
    oneOf(truePositives(random)),
  ]);

/** Whether anything is found that a request would be stopped for: of a password in a URL the token in it may have the name. */
const stops = (body: Buffer): boolean =>
  scanner.scanBody('body', body, { contentType: '', contentEncoding: '' }).matches.length > 0;

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
  const byDetector = new Map<string, number>();
  for (const one of missed) byDetector.set(one.split(': ')[1]!, (byDetector.get(one.split(': ')[1]!) ?? 0) + 1);
  const worst = [...byDetector].sort((a, b) => b[1] - a[1]).slice(0, 12);
  if (worst.length > 0) console.log(`${name}, by detector: ${worst.map((one) => one.join(' ')).join(', ')}`);
  console.log(
    `${name}: ${(share * 100).toFixed(1)} % of ${tried}; missed: ${[...byDress].map(([dress, list]) => `${dress} (${list.length > 6 ? list.length : list.join(' ')})`).join('; ')}`,
  );
  return share;
}

describe(`recall (BOTTLE_SEED=${seed})`, () => {
  test('one layer', () => {
    expect(report('one layer, formats, JSON', tally(DRESSES, freshTokens(), message))).toBeGreaterThanOrEqual(0.945);
  });
  test('one layer, raw', () => {
    expect(
      report(
        'one layer, formats, as it is',
        tally(DRESSES, freshTokens(), (text, isUtf8) => Buffer.from(`note ${text} end`, isUtf8 ? 'utf8' : 'latin1')),
      ),
    ).toBeGreaterThanOrEqual(0.94);
  });
  test('known values', () => {
    expect(report('one layer, known', tally({ ...DRESSES, ...KNOWN_DRESSES }, known, message))).toBeGreaterThanOrEqual(
      0.95,
    );
  });
  test('in the places of ordinary leaks', () => {
    const missed: string[] = [];
    let tried = 0;
    for (const [name, leak] of Object.entries(LEAKS)) {
      const formats = everyFormat().filter(() => random.number(0, 3) === 0);
      for (const [detector, token] of [...formats, ...known]) {
        tried++;
        if (!stops(Buffer.from(leak(token, random), 'latin1'))) missed.push(`${name}: ${detector}`);
      }
    }
    expect(report('ordinary leaks, every format', { tried, missed })).toBeGreaterThanOrEqual(LEAKED);
  });

  test('one to four layers that a shell makes', () => {
    const names = Object.keys(LAYERS);
    for (const [depth, bar] of LAYERED.entries()) {
      const missed: string[] = [];
      for (let i = 0; i < LAYERED_TIMES; i++) {
        const [detector, token] = oneOf([...freshTokens(), ...known]);
        const chain = Array.from({ length: depth + 1 }, () => oneOf(names));
        const text = chain.reduce(
          (inner, name) => (inner.length > 20_000 ? inner : LAYERS[name]!(inner, random)),
          token,
        );
        if (!finds(message(text, false), detector)) missed.push(`${chain.join(' > ')}: ${detector}`);
      }
      expect(report(`${depth + 1} common layers`, { tried: LAYERED_TIMES, missed })).toBeGreaterThanOrEqual(bar);
    }
  });

  test('two and three layers at random', () => {
    const names = Object.keys(DRESSES).filter((name) => !name.includes('UTF-8') && name !== 'plain');
    const missed: string[] = [];
    for (let i = 0; i < 600; i++) {
      const [detector, token] = i % 4 === 0 ? known[(i / 4) % 2]! : oneOf(freshTokens());
      const chain = Array.from({ length: 2 + (i % 2) }, () => names[random.number(0, names.length - 1)]!);
      // Text that grows without end says nothing about what people do.
      const text = chain.reduce(
        (inner, name) => (inner.length > 20_000 ? inner : DRESSES[name]!(inner, random)),
        token,
      );
      if (!finds(message(text, false), detector)) missed.push(`${chain.join(' > ')}: ${detector}`);
    }
    expect(report('two and three layers', { tried: 600, missed })).toBeGreaterThanOrEqual(HARD);
  });

  test('split over fields, parts and paths, and in containers', () => {
    expect(
      report(
        'splits and containers, formats',
        tally(
          SPLITS,
          freshTokens().filter(([name]) => name !== 'private-key'),
          (text) => Buffer.from(text, 'latin1'),
        ),
      ),
    ).toBeGreaterThanOrEqual(0.88);
    expect(
      report(
        'splits and containers, known',
        tally(SPLITS, known, (text) => Buffer.from(text, 'latin1')),
      ),
    ).toBeGreaterThanOrEqual(0.95);
  });
});

/** What must be found where nobody hides it. */
const LEAKED = 0.985;
/** Of one, two, three and four layers of common encodings. */
const LAYERED = [0.975, 0.9, 0.84, 0.81];
const LAYERED_TIMES = 300;
/** What two or three encodings drawn from all 190, common and absurd alike, must reach. */
const HARD = 0.67;

function oneOf<T>(all: readonly T[]): T {
  return all[random.number(0, all.length - 1)]!;
}
