// How tokens and known values begin, as what stays the same when each character is turned, added to or combined with one key.

/** So many characters tell a beginning. */
export const OPENING_BYTES = 4;
/** Fewest letters among them: turned by any key, fewer are any word. */
const LETTERS = 3;
/** Visible characters, which rot47 turns within. */
const VISIBLE = 94;
const FIRST_VISIBLE = 0x21;

/** Beginnings under one kind of key: from what does not depend on the key to the first characters that they may have. */
class Signatures {
  readonly #bits = new Uint8Array(1 << 13);
  readonly #firsts = new Map<number, number[]>();

  add(signature: number, first: number): void {
    this.#bits[slotOf(signature) >> 3]! |= 1 << (slotOf(signature) & 7);
    const firsts = this.#firsts.get(signature) ?? [];
    if (!firsts.includes(first)) firsts.push(first);
    this.#firsts.set(signature, firsts);
  }

  /** Nearly all fail at one bit. */
  firsts(signature: number): readonly number[] {
    const slot = slotOf(signature);
    return ((this.#bits[slot >> 3]! >> (slot & 7)) & 1) === 0 ? NONE : (this.#firsts.get(signature) ?? NONE);
  }
}

const pairOf = (first: number, second: number): number => (first << 8) | second;
const NONE: readonly number[] = [];
const slotOf = (signature: number): number => Math.imul(signature, 0x9e3779b1) >>> 16;

export class Openings {
  /** As they are. */
  readonly plain = new Signatures();
  /** Each letter turned by the same number. */
  readonly turned = new Signatures();
  /** The alphabet backwards, and then turned. */
  readonly mirrored = new Signatures();
  /** In rot47. */
  readonly shifted = new Signatures();
  /** Each byte combined with the same one. */
  readonly combined = new Signatures();
  /** The same number added to each byte. */
  readonly added = new Signatures();

  /** A bit for the first two characters of each. */
  readonly #pairs = new Uint8Array(1 << 13);

  /** `keywords` begin tokens, `values` are known. */
  constructor(keywords: readonly string[], values: readonly Uint8Array[]) {
    const words = keywords.map((keyword) => Buffer.from(keyword, 'latin1'));
    for (const text of [...words, ...values]) {
      if (text.length < OPENING_BYTES) continue;
      const rot47 = text.subarray(0, OPENING_BYTES).map((byte) => ROT47[byte]!);
      this.plain.add(wordAt(text, 0), 0);
      this.#pairs[pairOf(text[0]!, text[1]!) >> 3]! |= 1 << (text[1]! & 7);
      this.shifted.add(wordAt(rot47, 0), 0);
      this.combined.add(combinedAt(text, 0), text[0]!);
      this.added.add(addedAt(text, 0), text[0]!);
      this.#addTurned(text);
    }
    // Of what is written in base64 and then turned the first three bytes make four letters.
    for (const text of words) {
      if (text.length >= OPENING_BYTES) this.#addTurned(Buffer.from(text.toString('base64'), 'latin1'));
    }
  }

  /** Whether any begins with these two characters: a look that most fail. */
  mayBegin(first: number, second: number): boolean {
    return ((this.#pairs[pairOf(first, second) >> 3]! >> (second & 7)) & 1) !== 0;
  }

  #addTurned(text: Uint8Array): void {
    const first = firstLetter(text, 0);
    if (first < 0) return;
    this.turned.add(turnedAt(text, 0, 1), first);
    this.mirrored.add(turnedAt(text, 0, -1), first);
  }
}

export const wordAt = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** Place in the alphabet of the first letter at `at`; -1 where there are too few. */
export function firstLetter(bytes: Uint8Array, at: number): number {
  let first = -1;
  let letters = 0;
  for (let i = at; i < at + OPENING_BYTES; i++) {
    const letter = ALPHABET[bytes[i]!]!;
    if (letter < 0) continue;
    if (first < 0) first = letter;
    letters++;
  }
  return letters >= LETTERS ? first : -1;
}

/** The characters at `at` with their letters turned, by `direction`, so that the first is an A. */
export function turnedAt(bytes: Uint8Array, at: number, direction: 1 | -1): number {
  let first = -1;
  let word = 0;
  for (let i = OPENING_BYTES - 1, next = at; i >= 0; i--, next++) {
    const byte = bytes[next]!;
    const letter = ALPHABET[byte]!;
    if (letter >= 0 && first < 0) first = letter;
    const turned = letter < 0 ? byte : (byte & 0x20) + 0x41 + (((letter - first) * direction + 26) % 26);
    word = (word << 8) | turned;
  }
  return word;
}

/** Place in the alphabet, -1 for what is no letter. */
export const ALPHABET = Int8Array.from({ length: 256 }, (_, byte) => {
  const letter = (byte | 0x20) - 0x61;
  return byte < 0x80 && letter >= 0 && letter < 26 ? letter : -1;
});

const ofAll = (bytes: Uint8Array, at: number, difference: (one: number, first: number) => number): number =>
  (difference(bytes[at + 1]!, bytes[at]!) << 16) |
  (difference(bytes[at + 2]!, bytes[at]!) << 8) |
  difference(bytes[at + 3]!, bytes[at]!);

export const combinedAt = (bytes: Uint8Array, at: number): number => ofAll(bytes, at, (one, first) => one ^ first);
export const addedAt = (bytes: Uint8Array, at: number): number => ofAll(bytes, at, (one, first) => (one - first) & 255);
/** Each visible character turned half round, which is its own opposite. */
export const ROT47 = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < FIRST_VISIBLE || byte >= FIRST_VISIBLE + VISIBLE
    ? byte
    : FIRST_VISIBLE + ((byte - FIRST_VISIBLE + VISIBLE / 2) % VISIBLE),
);
