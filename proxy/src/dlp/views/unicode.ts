// Characters that look like ASCII, or like nothing: full-width and styled letters, confusables, zero-width and combining marks, tags.
import { asBuffer, Trace, type View } from '../view.ts';
import { isBreak } from './escapes.ts';

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
  if (code < 0xad) return code === 0xaa ? 0x61 : KEEP;
  if (code === 0xad || code === 0x34f || code === 0x61c || code === 0x3164 || code === 0xffa0) return DROP;
  if (code >= 0x300 && code <= 0x36f) return DROP;
  if (code >= 0x115f && code <= 0x1160) return DROP;
  if (code >= 0x17b4 && code <= 0x17b5) return DROP;
  if (code >= 0x180b && code <= 0x180f) return DROP;
  if ((code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f))
    return DROP;
  if (code >= 0x2500 && code < 0xfe00) return KEEP;
  if ((code >= 0xfe00 && code <= 0xfe0f) || code === 0xfeff || (code >= 0xfff9 && code <= 0xfffb)) return DROP;
  if ((code >= 0x1ab0 && code <= 0x1aff) || (code >= 0x1dc0 && code <= 0x1dff) || (code >= 0x20d0 && code <= 0x20ff))
    return DROP;
  if (code >= 0xe0100 && code <= 0xe01ef) return DROP;
  if (code > 0xe0000 && code < 0xe007f) return code - 0xe0000;
  const confusable = CONFUSABLES.get(code);
  if (confusable !== undefined) return confusable;
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0;
  if (!mayBeStyled(code)) return KEEP;
  const folded = String.fromCodePoint(code).normalize('NFKC');
  const ascii = folded.length === 1 ? folded.charCodeAt(0) : 0x80;
  return ascii < 0x80 ? ascii : KEEP;
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

/** Calls `found` with every stretch that holds such characters in or beside ASCII text, written plainly. `view` is valid UTF-8. */
export function unfoldUnicode(view: View, found: (child: View) => void): void {
  const { bytes, length } = view;
  let done = 0;
  let at = 0;
  let streak = 0;
  for (;;) {
    const next = nextNonAscii(bytes, at, length);
    if (next !== at) streak = 0;
    if (next >= length) return;
    at = next;
    const lead = bytes[at]!;
    const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const touches = isTokenByte(bytes[at - 1]) || isTokenByte(bytes[at + width]);
    // Letters of other scripts among their own kind are what they are; styled ones may be a whole token.
    if (!touches && width === 2) {
      at += width;
      streak = 0;
      continue;
    }
    const code = codeAt(bytes, at, width);
    const isPlain = plain(code) !== KEEP;
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
}

/** The first byte from `at` on that is not ASCII, looking at four bytes at a time. */
function nextNonAscii(bytes: Uint8Array, from: number, length: number): number {
  let at = from;
  const near = Math.min(length, at + 16 + (3 & -(bytes.byteOffset + at)));
  while (at < near && bytes[at]! < 0x80) at++;
  if (at < near) return at;
  if (length - at >= 64) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (length - at) >> 2);
    let word = 0;
    while (word < words.length && (words[word]! & 0x80808080) === 0) word++;
    at += word * 4;
  }
  while (at < length && bytes[at]! < 0x80) at++;
  return at;
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
