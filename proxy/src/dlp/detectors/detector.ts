// What a detector is: a format as data, with the examples that prove it.

import type { Seek } from '../seek.ts';
import { type Edges, type Matcher, type Step, shape } from '../shape.ts';
import type { Span, View } from '../view.ts';
import type { Random } from './random.ts';

export interface Detector {
  /** Appears in findings, `dlp.detectors` and `dlp.except`. */
  readonly id: string;
  readonly description: string;
  /** The vendor's document that describes the format. */
  readonly source: string;
  /**
   * How sure it is. `format`: a prefix or a check that is the format's own. `context`: a bare value beside its vendor's name. `generic`: whatever
   * is called a password or a key. `personal`: numbers of persons.
   */
  readonly kind: 'format' | 'context' | 'generic' | 'personal';
  /** False: active only when a spec names it, or its profile does. */
  readonly byDefault: boolean;
  /** Literals, at least three bytes, of which one is part of every match (or stands near it). */
  readonly keywords: readonly string[];
  /** Keywords in any letter case. */
  readonly anyCase: boolean;
  /** Where to look for what has no literal in it: the places that this proposes. `keywords` is then empty. */
  readonly seek: Seek | null;
  readonly match: Matcher;
  /** What must stand directly behind a keyword, where its forms begin with it: nearly all text fails there. */
  readonly follows: ReadonlyMap<string, Follow>;
  /** Last look at what matched: checksums, documentation's examples. */
  accept(text: string, view: View, span: Span): boolean;
  /** Texts, made up anew at each call, that hold one match, and texts that look like it and hold none. */
  readonly truePositives: (random: Random) => readonly string[];
  readonly falsePositives: (random: Random) => readonly string[];
}

/** So many bytes of a set. */
export interface Follow {
  /** 1 for each byte of it. */
  readonly table: Uint8Array;
  readonly least: number;
}

/** Whether it may: at its first, its middle and its last byte. A walk over all of them at every keyword of a row would not be linear. */
export function mayFollow({ table, least }: Follow, { bytes, length }: View, at: number): boolean {
  if (least === 0) return true;
  if (at + least > length) return false;
  return table[bytes[at + least - 1]!] !== 0 && table[bytes[at]!] !== 0 && table[bytes[at + (least >> 1)]!] !== 0;
}

/** The same of text that stands backwards: it ends at `end`. */
export const mayPrecede = (follow: Follow, view: View, end: number): boolean =>
  follow.least <= end && mayFollow(follow, view, end - follow.least);

/** What one of two asks for. */
export function eitherOf(one: Follow, other: Follow): Follow {
  const table = one.table.map((isOf, byte) => isOf | other.table[byte]!);
  return { table, least: Math.min(one.least, other.least) };
}

export const ANYTHING: Follow = { table: new Uint8Array(256).fill(1), least: 0 };

type Given = Pick<Detector, 'id' | 'description' | 'source' | 'keywords' | 'match' | 'truePositives'> &
  Partial<Detector>;

export const detector = (given: Given): Detector => ({
  kind: 'format',
  byDefault: true,
  seek: null,
  anyCase: false,
  follows: new Map(),
  accept: (text) => !isExample(text),
  falsePositives: () => [],
  ...given,
});

const EXAMPLE_WORDS =
  /example|x{6,}|\*{3}|\.{3}|your[_-]|[_-]your|_token_|placeholder|redacted|changeme|dummy|sample[_-]/i;

/** Whether a match is what documents print instead of a token: EXAMPLE, xxxx, your_token, one character over and over. */
export function isExample(match: string): boolean {
  return variety(match.slice(-16)) <= 3 || EXAMPLE_WORDS.test(match.slice(0, LOOK_CHARS));
}

/** How many different characters a match is made of, in its first part. */
export function variety(match: string): number {
  // A bit for each character; what is not ASCII counts with the ASCII character that it shares its low bits with.
  const seen = [0, 0, 0, 0];
  let count = 0;
  for (let i = Math.min(match.length, LOOK_CHARS) - 1; i >= 0; i--) {
    const code = match.charCodeAt(i);
    const word = (code >> 5) & 3;
    const bit = 1 << (code & 31);
    if ((seen[word]! & bit) === 0) count++;
    seen[word]! |= bit;
  }
  return count;
}

/** A key may be long; what it is shows at its start. */
const LOOK_CHARS = 256;

/** Digits, or letters of both cases: rules out words and identifiers where a format does not say more. */
export function isMixed(text: string): boolean {
  let cases = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) return true;
    if (code >= 0x61 && code <= 0x7a) cases |= 1;
    else if (code >= 0x41 && code <= 0x5a) cases |= 2;
    if (cases === 3) return true;
  }
  return false;
}

type TokenGiven = Pick<Detector, 'id' | 'description' | 'source'> &
  Partial<Pick<Detector, 'accept' | 'byDefault' | 'falsePositives'>> & {
    /** Each begins with a literal of at least three bytes. */
    readonly forms: readonly (readonly Step[])[];
    readonly edges?: Edges;
  };

/** A detector of tokens that are wholly described by shapes: keywords and true positives follow from them. */
export function token({ forms, edges, ...given }: TokenGiven): Detector {
  const matchers = new Map<string, Matcher[]>();
  const follows = new Map<string, Follow>();
  for (const steps of forms) {
    const [first, ...rest] = steps;
    if (first?.do !== 'text') throw new Error(`${given.id}: a form begins with a literal`);
    for (const keyword of first.any) {
      const list = matchers.get(keyword) ?? [];
      list.push(shape(rest, { isShort: isShorter(steps, NEVER_BY_CHANCE), ...edges }));
      matchers.set(keyword, list);
      const own = followOf(rest[0]);
      follows.set(keyword, eitherOf(follows.get(keyword) ?? own, own));
    }
  }
  return detector({
    ...given,
    keywords: [...matchers.keys()],
    follows,
    match(view, keywordAt, keyword) {
      for (const matcher of matchers.get(keyword) ?? []) {
        const span = matcher(view, keywordAt, keyword);
        if (span !== null) return span;
      }
      return null;
    },
    truePositives: (random) => forms.map((steps) => sampleOf(steps, random)),
  });
}

/** What one form asks to follow its keyword. */
const followOf = (step: Step | undefined): Follow =>
  step?.do === 'run' ? { table: step.set.table, least: step.least } : ANYTHING;

/** From here on a literal stands for itself, whatever it is glued to. */
const SURE_PREFIX = 6;
/** From here on none of hundreds of literals comes up by chance in gigabytes of base64url. */
const NEVER_BY_CHANCE = 8;

const isShorter = ([first]: readonly Step[], least: number): boolean =>
  first?.do === 'text' && first.any.some((prefix) => prefix.length < least);

export const isShort = (steps: readonly Step[]): boolean => isShorter(steps, SURE_PREFIX);

/** A made-up text of this shape. */
export function sampleOf(steps: readonly Step[], random: Random): string {
  return steps
    .map((step) => {
      if (step.do === 'text') return step.any[random.number(0, step.any.length - 1)]!;
      return random.chars(step.set.ranges, random.number(step.least, Math.min(step.most, step.least + 8)));
    })
    .join('');
}
