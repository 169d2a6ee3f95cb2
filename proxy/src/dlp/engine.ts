// What is compiled once a session: known values, detectors, and the needles by which both are found.
import { ANYTHING, type Detector, eitherOf, type Follow } from './detectors/detector.ts';
import { activeDetectors } from './detectors/index.ts';
import { createFingerprint } from './fingerprint.ts';
import { type Form, rot13, squeezedForms, stableBase64, valueForms } from './forms.ts';
import { Marks } from './marks.ts';
import { NEEDLE_BYTES, type Needle, NeedleSet } from './needles.ts';
import { Openings } from './openings.ts';
import type { OpenRules } from './rules/runner.ts';
import type { Seek } from './seek.ts';
import { SourceIndex } from './source/source-index.ts';
import type { MatchKind, ScannerConfig } from './types.ts';
import { isUnusualAt } from './unusual.ts';

/** A secret's value or its placeholder. */
export interface KnownValue {
  readonly index: number;
  readonly kind: Exclude<MatchKind, 'detector'>;
  readonly secret: string;
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly fingerprint: string;
}

/** What it means that a needle was found. */
export type Tag =
  | { readonly do: 'value'; readonly value: KnownValue; readonly form: string }
  | { readonly do: 'piece'; readonly value: KnownValue; readonly piece: number }
  | { readonly do: 'keyword'; readonly detector: Detector; readonly keyword: string; readonly follow: Follow | null }
  /** A keyword inside an encoding: what is around it, aligned to `skip` characters before it, is decoded. */
  | { readonly do: 'decode'; readonly encoding: 'base64' | 'hex'; readonly skip: number }
  /** A keyword backwards: its token follows to the left, and stands to the right of it as well where `isWithin`. */
  | { readonly do: 'reverse'; readonly keyword: string; readonly follow: Follow; readonly isWithin: boolean }
  | { readonly do: 'rotate' }
  | { readonly do: 'hint'; readonly hint: Hint };

/** A kind of view that is worth making. */
export type Hint =
  | 'escapes'
  | 'form'
  | 'entities'
  | 'quoted-printable'
  | 'utf-7'
  | 'numbers'
  | 'concatenation'
  | 'uuencode'
  | 'dump'
  | 'list'
  | 'literals';

export interface Engine {
  readonly needles: NeedleSet<Tag>;
  /** What the last search of `needles` noted. */
  readonly marks: Marks;
  /** For text without its separators; empty when there are no known values. */
  readonly squeezedNeedles: NeedleSet<Tag>;
  /** What has no keyword is looked for where something else proposes it. */
  readonly seeks: readonly { readonly kind: Seek; readonly detectors: readonly Detector[] }[];
  readonly values: readonly KnownValue[];
  /** Some known value is a number: of text in small pieces, digits alone may be one. */
  readonly hasNumericValue: boolean;
  /** Of formats that begin with one. */
  readonly keywords: readonly string[];
  /** How tokens and known values begin, under a key or in another order. */
  readonly openings: Openings;
  /** The workspace's own source; null = not searched for. */
  readonly source: SourceIndex | null;
  readonly rules: RuleProposer | null;
  readonly fingerprint: (text: Uint8Array) => string;
}

/** Rules of a person's own: their keywords stand among the needles as those of one detector, which only says that there is something to try. */
export interface RuleProposer {
  readonly detector: Detector;
  readonly byKeyword: ReadonlyMap<string, readonly number[]>;
  /** Rules without a keyword that can be a needle. */
  readonly always: readonly number[];
  readonly open: OpenRules;
}

/** Most four-byte pieces of known values in all; with more secrets fewer of each are looked for. */
const PIECES = 1024;
const SHORTEST_CUT_BYTES = 12;
const ROTATED_LETTERS = 3;
/** So many of a value's last characters, or first ones, are looked for backwards. */
const REVERSED_PIECE = 6;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function compileEngine(config: ScannerConfig): Engine {
  const rules = config.rules == null || config.rules.list.length === 0 ? null : proposerOf(config.rules);
  const detectors = [...activeDetectors(config.detectors), ...(rules === null ? [] : [rules.detector])];
  const keywords = new Set(detectors.flatMap((one) => one.keywords));
  const texts = [
    ...config.secrets.flatMap(({ name, value, placeholder }) => [
      { kind: 'known-secret' as const, secret: name, text: value },
      { kind: 'placeholder' as const, secret: name, text: placeholder },
    ]),
    ...(config.canaries ?? []).map(({ name, value }) => ({ kind: 'canary' as const, secret: name, text: value })),
  ];
  const known = texts.filter(({ text }) => Buffer.byteLength(text) >= NEEDLE_BYTES);
  const pieces = piecesOf(
    known.map(({ text }) => text),
    keywords,
  );
  const fingerprint = createFingerprint(config.fingerprintKey);
  const values = known.map(({ kind, secret, text }, index): KnownValue => {
    const bytes = Buffer.from(text);
    return { index, kind, secret, bytes, length: text.length, fingerprint: fingerprint(bytes) };
  });
  const formsOf = config.formsOf ?? valueForms;
  const squeezedNeedles: Needle<Tag>[] = [];
  const needles: Needle<Tag>[] = [...keywordNeedles(detectors), ...hintNeedles()];
  known.forEach(({ text }, index) => {
    const value = values[index]!;
    const tagged = ({ name, bytes, anyCase }: Form): Needle<Tag> => ({
      bytes,
      anyCase,
      tag: { do: 'value', value, form: name },
    });
    const forms = formsOf(text);
    needles.push(...forms.map(tagged));
    squeezedNeedles.push(...squeezedForms(forms).map(tagged));
    needles.push(...cutNeedles(text), ...reversedNeedles(text));
    pieces[index]!.forEach(
      (bytes, piece) => void needles.push({ bytes, anyCase: false, tag: { do: 'piece', value, piece } }),
    );
  });
  const formats = activeDetectors(config.detectors).filter(({ kind }) => kind === 'format');
  const beginnings = formats.flatMap((one) => one.keywords);
  return {
    needles: new NeedleSet(needles),
    marks: new Marks(),
    squeezedNeedles: new NeedleSet(squeezedNeedles),
    seeks: [...new Set(detectors.flatMap(({ seek }) => seek ?? []))].map((kind) => ({
      kind,
      detectors: detectors.filter(({ seek }) => seek === kind),
    })),
    values,
    hasNumericValue: known.some(({ text }) => !/[A-Za-z]/.test(text)),
    keywords: beginnings,
    openings: new Openings(
      formats.flatMap((one) => one.keywords.filter((keyword) => tellsUnderKey(one, keyword))),
      values.map(({ bytes }) => bytes),
    ),
    rules,
    source: config.source == null ? null : new SourceIndex(config.source),
    fingerprint,
  };
}

/** Of four letters and any further ones a random id is made as well, under one key of 25 in some hundred thousand. */
function tellsUnderKey({ follows }: Detector, keyword: string): boolean {
  const follow = follows.get(keyword);
  return !(/^[A-Za-z]{1,4}$/.test(keyword) && follow !== undefined && follow.least < SHORT_ID && takesAnyId(follow));
}

const SHORT_ID = 24;
const takesAnyId = ({ table }: Follow): boolean => [...'09azAZmM5'].every((char) => table[char.charCodeAt(0)] === 1);

/** Two places of a value's base64 of which one stands whole in a line, however short the lines are. */
function cutNeedles(text: string): Needle<Tag>[] {
  const bytes = Buffer.from(text);
  if (bytes.length < SHORTEST_CUT_BYTES) return [];
  return [0, 1, 2].flatMap((shift) => {
    const stable = stableBase64(bytes, shift);
    return [0, NEEDLE_BYTES].map((from): Needle<Tag> => {
      const piece = Buffer.from(stable.text.slice(from, from + NEEDLE_BYTES));
      return { bytes: piece, anyCase: false, tag: { do: 'decode', encoding: 'base64', skip: stable.skip + from } };
    });
  });
}

/** Part of a value, backwards. */
function reversedNeedles(text: string): Needle<Tag>[] {
  const backwards = [...text].reverse().join('');
  if (backwards.length < SHORTEST_CUT_BYTES) return [];
  return [0, backwards.length - REVERSED_PIECE].map((from) => {
    const keyword = backwards.slice(from, from + REVERSED_PIECE);
    return {
      bytes: Buffer.from(keyword),
      anyCase: false,
      tag: { do: 'reverse', keyword, follow: ANYTHING, isWithin: true },
    };
  });
}

function keywordNeedles(detectors: readonly Detector[]): Needle<Tag>[] {
  const needles: Needle<Tag>[] = [];
  const encoded = new Map<string, Needle<Tag>>();
  const seen = new Set<string>();
  const addEncoded = (text: string, anyCase: boolean, tag: Tag): void => {
    const key = `${text} ${tag.do === 'decode' ? tag.skip : ''}`;
    if (text.length >= NEEDLE_BYTES && !encoded.has(key)) {
      encoded.set(key, { bytes: Buffer.from(text, 'latin1'), anyCase, tag });
    }
  };
  const turns = turnsOf(detectors);
  for (const detector of detectors) {
    for (const keyword of detector.keywords) {
      const isLong = keyword.length >= NEEDLE_BYTES;
      const long = isLong ? [keyword] : [...LETTERS].map((letter) => keyword + letter);
      for (const text of long) {
        needles.push({
          bytes: Buffer.from(text, 'latin1'),
          anyCase: detector.anyCase,
          tag: { do: 'keyword', detector, keyword, follow: detector.follows.get(keyword) ?? null },
        });
      }
      const bytes = Buffer.from(keyword);
      if (seen.has(keyword)) continue;
      seen.add(keyword);
      for (let shift = 0; shift < 3; shift++) {
        const { text, skip } = stableBase64(bytes, shift);
        addEncoded(text, false, { do: 'decode', encoding: 'base64', skip });
        addEncoded(text.replaceAll('+', '-').replaceAll('/', '_'), false, { do: 'decode', encoding: 'base64', skip });
      }
      addEncoded(bytes.toString('hex'), true, { do: 'decode', encoding: 'hex', skip: 0 });
      for (const text of long) addEncoded([...text].reverse().join(''), detector.anyCase, turns.get(keyword)!);
      // Three letters turned round come up in any text.
      if (!isLong) continue;
      // Of a few letters too little would change to tell it from another word.
      if (keyword.replace(/[^A-Za-z]/g, '').length >= ROTATED_LETTERS) {
        addEncoded(rot13(keyword), detector.anyCase, { do: 'rotate' });
      }
    }
  }
  needles.push(...encoded.values());
  return needles;
}

/** What is asked of a keyword backwards: as little as the least of all that are known by it. */
function turnsOf(detectors: readonly Detector[]): ReadonlyMap<string, Tag> {
  const turns = new Map<string, Extract<Tag, { do: 'reverse' }>>();
  for (const { keywords, follows, kind } of detectors) {
    for (const keyword of keywords) {
      const own = follows.get(keyword);
      const other = turns.get(keyword);
      turns.set(keyword, {
        do: 'reverse',
        keyword,
        follow: eitherOf(own ?? ANYTHING, other?.follow ?? own ?? ANYTHING),
        // Part of a token that does not begin with it, as `:AA` and `s://` are.
        isWithin: (own === undefined && kind === 'format') || other?.isWithin === true,
      });
    }
  }
  return turns;
}

/** Escapes that stand for ASCII, or for something that hides or resembles it. */
function hintNeedles(): Needle<Tag>[] {
  const hint = (kind: Hint, ...texts: string[]): Needle<Tag>[] =>
    texts.map((text) => ({ bytes: Buffer.from(text), anyCase: true, tag: { do: 'hint', hint: kind } }));
  const digits = [...'0123456789abcdef'];
  const ascii = [...'234567'];
  return [
    ...ascii.flatMap((high) =>
      hint('escapes', `\\u00${high}`, `\\u{${high}`, ...digits.map((low) => `\\x${high}${low}`)),
    ),
    ...hint(
      'escapes',
      '\\u00ad',
      '\\u200',
      '\\u202',
      '\\u206',
      '\\ufe0',
      '\\ufef',
      '\\uff',
      '\\ud835',
      '\\udb40',
      '\\u03',
      '\\u04',
      '\\U0000',
      '\\x0',
    ),
    ...[...'01234567'].flatMap((high) =>
      [...'01234567'].flatMap((low) => hint('escapes', `\\1${high}${low}`, `\\0${high}${low}`)),
    ),
    ...hint(
      'entities',
      '&lowbar;',
      '&underbar;',
      '&hyphen;',
      '&dash;',
      '&period;',
      '&equals;',
      '&sol;',
      '&plus;',
      '&colon;',
      '&commat;',
    ),
    ...hint('entities', '&zerowidthspace;', '&quot;', '&amp;', '&zwj;', '&zwnj;', '&shy;', '&amp;#'),
    // By number: `&#x67;`, `&#103;`.
    ...digits.flatMap((digit) => hint('entities', `&#x${digit}`)),
    ...[...'0123456789'].flatMap((one) => [...'0123456789'].flatMap((two) => hint('entities', `&#${one}${two}`))),
    // ASCII in 16 bits begins with a zero byte, two characters of base64, and ends with two more bits.
    ...[...'ABCDEFGH'].flatMap((high) => [...'AEIMQUYcgkosw048'].flatMap((low) => hint('utf-7', `+A${high}${low}`))),
    // Slashes of URLs, as PHP and others write them in JSON.
    ...hint('escapes', ':\\/\\/', 'hooks.slack.com\\/', 'hooks.zapier.com\\/', '\\/api\\/webhooks\\/'),
    ...hint('form', '-----begin+', '---- begin+', '----+begin+'),
    ...hint('quoted-printable', 'quoted-printable', '8?q?', '1?q?', 'i?q?'),
    ...ascii.flatMap((high) =>
      digits.flatMap((low) => [...hint('quoted-printable', `=${high}${low}=`), ...hint('escapes', `\\${high}${low} `)]),
    ),
    ...ascii.flatMap((high) => hint('escapes', `\\x{${high}`, `\\0000${high}`)),
    ...hint(
      'numbers',
      'chr(',
      'char(',
      'char]',
      'charcode',
      'u+00',
      ...[...'01'].flatMap((high) => [...'01234567'].map((low) => `0o${high}${low}`)),
      'codepoint(',
    ),
    ...hint('list', '\\",\\"', '\\", \\"', "', '"),
    // Strings side by side, in sums without spaces, and in templates.
    ...hint('literals', '}${"', "}${'", '}${\\"', '\\"+\\"', '\\" \\"', '"/**/', "'/**/", '" .. ', "' || '", '" || "'),
    ...["'", '"', '`'].flatMap((quote) =>
      [...LETTERS].flatMap((letter) => hint('literals', `${quote}+${quote}${letter}`, `${quote} ${quote}${letter}`)),
    ),
    ...hint('uuencode', 'begin 6', 'begin 7', 'begin 4'),
    ...hint('dump', '00000000', '0000000:', '0000000 '),
    ...["'", '"', '`'].flatMap((quote) => [
      ...[' ', '\n', '\r', '\\'].flatMap((after) => hint('concatenation', `${quote} +${after}`, `${quote} .${after}`)),
      ...hint('concatenation', ` + ${quote}`, ` . ${quote}`, `${quote} & `),
    ]),
  ];
}

/** The four-byte pieces of each text that are unusual enough to say something, and belong to no other text and no keyword. */
function piecesOf(texts: readonly string[], keywords: ReadonlySet<string>): Buffer[][] {
  const seen = new Map<string, number>();
  const all = texts.map((text) => {
    const bytes = Buffer.from(text).toString('latin1');
    const pieces = new Set<string>();
    if (bytes.length >= SHORTEST_CUT_BYTES) {
      for (let at = 0; at + 4 <= bytes.length; at++) if (isUnusualAt(bytes, at)) pieces.add(bytes.slice(at, at + 4));
    }
    for (const piece of pieces) seen.set(piece, (seen.get(piece) ?? 0) + 1);
    return [...pieces];
  });
  const ofKeywords = new Set<string>();
  for (const word of keywords) {
    for (let at = 0; at + NEEDLE_BYTES <= word.length; at++) ofKeywords.add(word.slice(at, at + NEEDLE_BYTES));
  }
  const own = all.map((pieces) => pieces.filter((piece) => seen.get(piece) === 1 && !ofKeywords.has(piece)));
  const step = Math.ceil(own.reduce((sum, pieces) => sum + pieces.length, 0) / PIECES);
  return own.map((pieces) =>
    pieces.filter((_, index) => index % Math.max(1, step) === 0).map((piece) => Buffer.from(piece, 'latin1')),
  );
}

function proposerOf({ list, open }: NonNullable<ScannerConfig['rules']>): RuleProposer {
  const byKeyword = new Map<string, number[]>();
  const always: number[] = [];
  for (const [index, { keywords, skipReport }] of list.entries()) {
    // Only tried where another one asks for it.
    if (skipReport) continue;
    if (keywords.length === 0 || keywords.some((keyword) => Buffer.byteLength(keyword) < NEEDLE_BYTES))
      always.push(index);
    else for (const keyword of keywords) byKeyword.set(keyword, [...(byKeyword.get(keyword) ?? []), index]);
  }
  const detector: Detector = {
    id: 'rules',
    description: '',
    source: '',
    kind: 'format',
    byDefault: true,
    keywords: [...byKeyword.keys()],
    anyCase: true,
    seek: null,
    follows: new Map(),
    match: () => null,
    accept: () => false,
    truePositives: () => [],
    falsePositives: () => [],
  };
  return { detector, byKeyword, always, open };
}
