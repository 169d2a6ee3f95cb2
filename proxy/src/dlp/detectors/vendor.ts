// Two ways to describe a vendor's token in a row: by its prefix, or by what stands beside it where it has none.
import { ALNUM, HEX_LOWER, WORD, WORD_DASH } from '../charsets.ts';
import { follow, run, type Step, text } from '../shape.ts';
import type { View } from '../view.ts';
import { type Detector, detector, isExample, isMixed, isShort, sampleOf, token, variety } from './detector.ts';
import type { Random } from './random.ts';

type Words = Pick<Detector, 'id' | 'description' | 'source'>;

/** Neither an example nor a word. */
export const isVaried = (found: string): boolean =>
  isMixed(found.slice(4)) && variety(found) > VARIETY && !isExample(found);
const VARIETY = 7;

/** Formats that begin with the vendor's own literal. A short literal must stand by itself; a long one is found wherever it is glued to. */
export function vendor(
  given: Words &
    Partial<Pick<Detector, 'falsePositives' | 'byDefault'>> & {
      readonly forms: readonly (readonly Step[])[];
      readonly accept?: (found: string) => boolean;
    },
): Detector {
  const { accept = isVaried } = given;
  const edges = given.forms.some(isShort) ? { left: WORD, leftMost: 0, right: ALNUM } : {};
  // Chance makes a token that looks like a word now and then: as an example it would prove nothing.
  return {
    ...token({ edges, ...given, accept }),
    truePositives: (random) => given.forms.map((steps) => sampleUntil(accept, steps, random)),
  };
}

/** `8-4-4-4-12` hex digits. */
export const UUID: readonly Step[] = [8, 4, 4, 4, 12].flatMap((count, index) =>
  index === 0 ? [run(HEX_LOWER, count)] : [text('-'), run(HEX_LOWER, count)],
);

/** How far behind the vendor's word its value is looked for, and how far before it, in bytes. */
const BEHIND_BYTES = 120;
const BEFORE_BYTES = 40;
/** How much before a value is asked whether it names a secret. */
const NAME_BYTES = 48;
/** Ends in the name of a secret and what stands between a name and its value. */
const NAMES_SECRET =
  /(?:key|token|secret|auth|passw(?:or)?d|credential|pat|bearer|ssws)[a-z0-9_-]{0,16}(?:["'`\\]{0,6}[\s+]{0,3}(?:=>|[:=(,>])["'`\\(\s+]{0,8}|[\s+])(?:(?:bearer|basic|token|ssws)[\s+])?["'`\\]{0,5}$/i;

/** A package's path before its revision: `github.com/acme/go-auth 1f0d…`. */
const IS_PATH = /[\w.-]\/[\w.-]+[ \t]+$/;

/**
 * A value without a prefix of its own: of exactly this make, given to something that is called a key or a token, and with the vendor's word
 * close by. Entropy is never enough.
 */
export function contextual(
  given: Words & {
    /** At least four letters, in any case. */
    readonly words: readonly string[];
    readonly values: readonly (readonly Step[])[];
    /** How its examples are written, `$` standing for the value. */
    readonly examples: readonly string[];
    readonly falsePositives?: (random: Random) => readonly string[];
  },
): Detector {
  const { words, values, examples, ...rest } = given;
  /** Makes the marks that one detector leaves on a view its own. */
  const memo = {};
  function valueEnd(view: View, start: number): number {
    for (const steps of values) {
      const end = follow(view, start, steps);
      if (end < 0 || (end < view.length && WORD_DASH.table[view.bytes[end]!] !== 0)) continue;
      if (isLikely(view.text(start, end), steps)) return end;
    }
    return -1;
  }
  return detector({
    ...rest,
    kind: 'context',
    keywords: words,
    anyCase: true,
    match(view: View, at: number) {
      const last = Math.min(view.length, at + BEHIND_BYTES);
      for (let start = Math.max(at - BEFORE_BYTES, view.reached(memo), 0); start < last; start++) {
        if (WORD_DASH.table[view.bytes[start]!] === 0) continue;
        const end = valueEnd(view, start);
        if (end > 0) {
          const before = view.text(Math.max(0, start - NAME_BYTES), start);
          if (NAMES_SECRET.test(before) && !IS_PATH.test(before)) return { start, end };
        }
        start = view.runEnd(WORD_DASH, start);
      }
      view.setReached(memo, last);
      return null;
    },
    accept: (found) => !isExample(found) && variety(found) > VARIETY,
    truePositives: (random) =>
      examples.flatMap((example) =>
        values.map((steps) => {
          const isGood = (value: string): boolean =>
            isLikely(value, steps) && variety(value) > VARIETY && !isExample(value);
          return example.replace('$', () => sampleUntil(isGood, steps, random));
        }),
      ),
  });
}

function sampleUntil(isGood: (sample: string) => boolean, steps: readonly Step[], random: Random): string {
  for (;;) {
    const sample = sampleOf(steps, random);
    if (isGood(sample)) return sample;
  }
}

/** Digits and letters, and both cases where the format has both. */
function isLikely(value: string, steps: readonly Step[]): boolean {
  if (!/[0-9]/.test(value) || !/[A-Za-z]/.test(value)) return false;
  const isBoth = steps.some((step) => step.do === 'run' && step.set.table[0x58] !== 0 && step.set.table[0x78] !== 0);
  return !isBoth || (/[A-Z]/.test(value) && /[a-z]/.test(value));
}
