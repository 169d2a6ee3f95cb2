// Characters that look like ASCII, or like nothing: full-width and styled letters, confusables, zero-width and combining marks, tags.
import { EBCDIC } from '../alphabets.ts';
import { BASE64_STD } from '../charsets.ts';
import { HIGH_STEP } from '../sweep.ts';
import { asBuffer, Trace, View } from '../view.ts';
import { isBreak } from './escapes.ts';
import { SEXTETS } from './telling.ts';

/** Letters of other scripts that are drawn like ASCII ones. */
const CONFUSABLES: ReadonlyMap<number, number> = new Map(
  [
    ...'аaеeоoрpсcуyхxіiјjѕsԁdԛqԝwһhАAВBЕEКKМMНHОOРPСCТTХXУYІIЈJЅSοoνvαaρpτtιiκkΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXıiɡgɑaℓl‐-‑-‒-–-—-−-․.‚,＿_',
  ]
    .map((char, index, all) => [char, all[index + 1]] as const)
    .filter((_, index) => index % 2 === 0)
    .map(([from, to]) => [from.codePointAt(0)!, to!.charCodeAt(0)]),
);

const KEEP = -1;
const DROP = -2;

/** What a character becomes: an ASCII code, DROP, or KEEP. */
function plain(code: number): number {
  if (code < 0xad) return code === 0xaa ? 0x61 : code === 0xa0 ? 0x20 : KEEP;
  if (code === 0xad || code === 0x34f || code === 0x61c || code === 0x3164 || code === 0xffa0) return DROP;
  if (code >= 0x300 && code <= 0x36f) return DROP;
  if (code >= 0x115f && code <= 0x1160) return DROP;
  if (code >= 0x17b4 && code <= 0x17b5) return DROP;
  if (code >= 0x180b && code <= 0x180f) return DROP;
  if ((code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f))
    return DROP;
  if (code >= 0x2500 && code < 0xfe00) return code === 0x3000 ? 0x20 : KEEP;
  if ((code >= 0xfe00 && code <= 0xfe0f) || code === 0xfeff || (code >= 0xfff9 && code <= 0xfffb)) return DROP;
  if ((code >= 0x1ab0 && code <= 0x1aff) || (code >= 0x1dc0 && code <= 0x1dff) || (code >= 0x20d0 && code <= 0x20ff))
    return DROP;
  if (code >= 0xe0100 && code <= 0xe01ef) return DROP;
  if ((code >= 0x2000 && code <= 0x200a) || code === 0x202f || code === 0x205f || code === 0x3000) return 0x20;
  if (code > 0xe0000 && code < 0xe007f) return code - 0xe0000;
  const confusable = CONFUSABLES.get(code);
  if (confusable !== undefined) return confusable;
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0;
  if (isAccented(code)) {
    const letter = String.fromCodePoint(code).normalize('NFD').charCodeAt(0);
    return letter < 0x80 ? letter : KEEP;
  }
  if (!mayBeStyled(code)) return KEEP;
  const folded = String.fromCodePoint(code).normalize('NFKC');
  const ascii = folded.length === 1 ? folded.charCodeAt(0) : 0x80;
  return ascii < 0x80 ? ascii : KEEP;
}

/** Variation selectors: 256 of them, one for each byte, and none is seen. */
const isSelector = (code: number): boolean =>
  (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef);

function selectorsEnd(bytes: Uint8Array, from: number, length: number): number {
  let at = from;
  while (at < length && bytes[at]! >= 0xe0) {
    const width = bytes[at]! >= 0xf0 ? 4 : 3;
    if (!isSelector(codeAt(bytes, at, width))) break;
    at += width;
  }
  return at;
}

function selectedBytes(view: View, start: number, end: number): View {
  const trace = new Trace();
  for (let at = start; at < end; ) {
    const width = view.bytes[at]! >= 0xf0 ? 4 : 3;
    const code = codeAt(view.bytes, at, width);
    trace.put(code >= 0xe0100 ? code - 0xe0100 + 16 : code - 0xfe00, at, width);
    at += width;
  }
  return trace.view('selectors', view, end);
}

/** Letters with an accent of their own are words of many languages: in a token they stand among digits. */
const isAccented = (code: number): boolean => (code >= 0xc0 && code < 0x180) || (code >= 0x1e00 && code < 0x1f00);
const NEAR_BYTES = 10;

function hasDigitNear(bytes: Uint8Array, around: number, length: number): boolean {
  const end = Math.min(length, around + NEAR_BYTES);
  for (let at = Math.max(0, around - NEAR_BYTES); at < end; at++) {
    if (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) return true;
  }
  return false;
}

const mayBeStyled = (code: number): boolean =>
  (code >= 0x1d400 && code <= 0x1d7ff) ||
  (code >= 0x1f100 && code <= 0x1f1ff) ||
  (code >= 0x2070 && code <= 0x218f) ||
  (code >= 0x2460 && code <= 0x24ff) ||
  (code >= 0x1d2c && code <= 0x1d6a) ||
  (code >= 0x2b0 && code <= 0x2ff) ||
  (code >= 0xfe50 && code <= 0xfe6b) ||
  (code >= 0xb2 && code <= 0xba);

/** How far a token reaches from such a character, in bytes. */
const TOKEN_BYTES = 1024;

/** Bytes of a character that may stand before the block in which the sweep saw the rest of it. */
const BEFORE_BYTES = 4;

/**
 * Calls `found` with every stretch that holds such characters in or beside ASCII text, written plainly. They stand in blocks of HIGH_STEP that
 * begin at `count` places. `view` is valid UTF-8.
 */
export function unfoldUnicode(view: View, places: Int32Array, count: number, found: (child: View) => void): void {
  let done = 0;
  for (let i = 0; i < count; ) {
    const from = Math.max(done, places[i]! - BEFORE_BYTES);
    // Blocks beside each other are read in one go: some characters count only where several stand together.
    let to = places[i]! + HIGH_STEP;
    for (i++; i < count && places[i]! <= to; i++) to = places[i]! + HIGH_STEP;
    if (from < to) done = unfoldBetween(view, from, Math.min(to, view.length), done, found);
  }
}

function unfoldBetween(view: View, from: number, to: number, least: number, found: (child: View) => void): number {
  const { bytes, length } = view;
  let done = least;
  let streak = 0;
  for (let at = from; at < to; ) {
    const lead = bytes[at]!;
    // ASCII, or the rest of a character that began before.
    if (lead < 0xc0) {
      if (lead < 0x80) streak = 0;
      at++;
      continue;
    }
    const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const touches = isTokenByte(bytes[at - 1]) || isTokenByte(bytes[at + width]);
    // Letters of other scripts among their own kind are what they are; styled ones may be a whole token.
    if (!touches && width === 2) {
      at += width;
      streak = 0;
      continue;
    }
    const code = codeAt(bytes, at, width);
    if (isSelector(code)) {
      const end = selectorsEnd(bytes, at, length);
      if (end - at > width) found(selectedBytes(view, at, end));
      // One after a character is its own business.
      if (end - at > width * 3) {
        at = end;
        continue;
      }
    }
    const isPlain = plain(code) !== KEEP && !(isAccented(code) && !hasDigitNear(bytes, at, length));
    streak = isPlain && !CONFUSABLES.has(code) ? streak + 1 : 0;
    const isBeside = isPlain && (touches || streak > 2);
    if (!isBeside) {
      at += width;
      continue;
    }
    done = unfoldAround(view, at, done, found);
    at = Math.max(done, at + width);
    streak = 0;
  }
  return done;
}

function unfoldAround(view: View, around: number, least: number, found: (child: View) => void): number {
  const { bytes, length } = view;
  const first = Math.max(least, around - TOKEN_BYTES);
  let at = around;
  while (at > first && !isBreak(bytes[at - 1]!)) at--;
  while (at < around && (bytes[at]! & 0xc0) === 0x80) at++;
  const trace = new Trace();
  let last = around;
  while (at < length) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      if (at - last > 64 && (isBreak(lead) || at - last > TOKEN_BYTES)) break;
      trace.put(lead, at, 1);
      at++;
      continue;
    }
    const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const code = plain(codeAt(bytes, at, width));
    if (code === KEEP) for (let i = 0; i < width; i++) trace.put(bytes[at + i]!, at + i, 1);
    else {
      last = at;
      if (code !== DROP) trace.put(code, at, width);
    }
    at += width;
  }
  found(trace.view('unicode', view, at));
  return at;
}

const isTokenByte = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x5f ||
    byte === 0x2d);

function codeAt(bytes: Uint8Array, at: number, width: number): number {
  const first = bytes[at]!;
  const second = bytes[at + 1]! & 0x3f;
  if (width === 2) return ((first & 0x1f) << 6) | second;
  const third = bytes[at + 2]! & 0x3f;
  if (width === 3) return ((first & 0x0f) << 12) | (second << 6) | third;
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[at + 3]! & 0x3f);
}

/** Fewest characters of a text in 16- or 32-bit units. */
const WIDE_CHARS = 8;

/** Calls `found` with every stretch of ASCII written in 16- or 32-bit units, of either byte order. */
export function unfoldWide(view: View, found: (child: View) => void): void {
  const { bytes, length } = view;
  const buffer = asBuffer(bytes);
  for (let zero = buffer.indexOf(0); zero >= 0 && zero < length; ) {
    let at = zero > 0 && isPrintable(bytes[zero - 1]!) ? zero - 1 : zero + 1;
    const trace = new Trace();
    while (at < length && isPrintable(bytes[at]!)) {
      let zeros = 0;
      while (zeros < 3 && at + 1 + zeros < length && bytes[at + 1 + zeros] === 0) zeros++;
      trace.put(bytes[at]!, at, 1 + zeros);
      at += 1 + zeros;
      if (zeros === 0) break;
    }
    if (trace.length >= WIDE_CHARS) found(trace.view('utf-16', view, at));
    zero = Math.max(at, zero + 1);
    while (zero < length && bytes[zero] === 0) zero++;
    zero = zero >= length ? -1 : buffer.indexOf(0, zero);
  }
}

const isPrintable = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;

const PLUS = 0x2b;
const DASH = 0x2d;

/** Calls `found` with every stretch of UTF-7 in which ASCII is written as base64 of its 16-bit units, `+AGc-`. One may begin at each of `places`. */
export function unfoldUtf7(view: View, places: readonly number[], found: (child: View) => void): void {
  const buffer = asBuffer(view.bytes);
  let done = 0;
  for (const at of places) {
    if (at < done || shifted(buffer, at, view.length) === null) continue;
    let start = at;
    while (start > done && at - start < TOKEN_BYTES && !isBreak(view.bytes[start - 1]!)) start--;
    const trace = new Trace();
    let i = start;
    while (i < view.length && !isBreak(view.bytes[i]!)) {
      const piece = view.bytes[i] === PLUS ? shifted(buffer, i, view.length) : null;
      if (piece === null) trace.put(view.bytes[i]!, i++, 1);
      else {
        for (const byte of piece.bytes) trace.put(byte, i, piece.end - i);
        i = piece.end;
      }
    }
    done = i;
    found(trace.view('utf-7', view, i));
  }
}

/** The ASCII text of `+…-` at `at`; null where it is none, which its first units tell nearly always. */
function shifted(buffer: Buffer, at: number, length: number): { bytes: Uint8Array; end: number } | null {
  if (unitsEnd(buffer, at, length) === 0) return null;
  const bytes: number[] = [];
  const end = unitsEnd(buffer, at, length, bytes);
  return { bytes: Uint8Array.from(bytes), end: end < length && buffer[end] === DASH ? end + 1 : end };
}

/** Behind the base64 of units at `at`, which are added to `into`; 0 where one is not printable ASCII, or there is none. */
function unitsEnd(buffer: Buffer, at: number, length: number, into: number[] | null = null): number {
  let end = at + 1;
  let held = 0;
  let bits = 0;
  let count = 0;
  for (; end < length && end - at < TOKEN_BYTES && BASE64_STD.table[buffer[end]!] !== 0; end++) {
    held = ((held << 6) | SEXTETS[buffer[end]!]!) & 0x3fffff;
    bits += 6;
    if (bits < 16) continue;
    bits -= 16;
    const unit = (held >> bits) & 0xffff;
    if (unit > 0xff || !isPrintable(unit)) return 0;
    into?.push(unit);
    count++;
  }
  return count === 0 ? 0 : end;
}

/** Binary data that is text in EBCDIC; null where too little of it is. */
export function readEbcdic(view: View): View | null {
  const length = Math.min(view.length, EBCDIC_BYTES);
  let high = 0;
  let others = 0;
  for (let at = 0; at < length; at++) {
    const byte = view.bytes[at]!;
    if (byte < 0x80) continue;
    high++;
    // One in ten of all bytes is more than one in ten of the high ones.
    if (EBCDIC[byte] === 0 && ++others * 10 > length) return null;
  }
  if (high < WIDE_CHARS || others * 10 > high) return null;
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = EBCDIC[view.bytes[at]!]!;
  return new View(bytes, length, 'ebcdic', view, {
    kind: 'trace',
    at: [0, length],
    from: [0, length],
    stride: [1, 0],
    width: [1, 0],
  });
}

const EBCDIC_BYTES = 64 * 1024;
