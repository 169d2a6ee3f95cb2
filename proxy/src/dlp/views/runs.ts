// Base64 and hex: decodes those long runs of their characters that could hold something.
import { BASE64, HEX } from '../charsets.ts';
import type { Openings } from '../openings.ts';
import { RUN_CHARS } from '../sweep.ts';
import type { View } from '../view.ts';
import { decipherRun } from './ciphers.ts';
import { LEAST_STREAM, mayBeInflated } from './compressed.ts';
import { Lines } from './lines.ts';
import { base64Bytes, hexBytes, paddedEnd, pieceView } from './piece.ts';
import { decodeBase32, decodeDigits, decodeNumber } from './radix.ts';
import {
  firstByte,
  isBase64Magic,
  isBase64Text,
  isMeaningfulFrom,
  isMeaningfulHex,
  isPrintable,
  secondByte,
} from './telling.ts';
import { reversedView, rotatedView, TURNED } from './turned.ts';

/** Shortest run of binary data that is searched like text, in characters. */
const OPAQUE_CHARS = 256;
/** Longest run that is decoded as a whole for one keyword inside it, in characters. */
const LOCAL_CHARS = 8192;
/** From here on base32 of a token may be without a digit by chance; shorter runs of letters are words. */
const BASE32_CHARS = 24;
/** How much is read backwards, or in rot13, behind a run that gives something so. */
const TURNED_BYTES = 32 * 1024;
/** Characters looked at to tell an encoding from a word, a path or a hash. */
const SAMPLE_CHARS = 96;

/** Calls `visit` for every run of base64 characters that is long enough; `runs` are those that the sweep saw. */
export function longRuns(bytes: Uint8Array, runs: Runs, visit: (start: number, end: number) => void): void {
  for (let i = 0; i < runs.count; i += 2) {
    const end = runs.ends[i + 1]!;
    let start = runs.ends[i]!;
    // The letter of `\n` in a string is not part of what follows it.
    if (start > 0 && bytes[start - 1] === 0x5c && isControlLetter(bytes[start]!)) start++;
    if (end - start >= RUN_CHARS) visit(start, end);
  }
}

/** Starts and ends in turn, `count` numbers in all. */
export interface Runs {
  readonly ends: Int32Array;
  readonly count: number;
}

const isControlLetter = (byte: number): boolean => byte === 0x6e || byte === 0x72 || byte === 0x74;

/** Which alignments of which runs have been decoded already: a run is decoded once however many keywords it holds. */
export class DecodedRuns {
  #seen: Set<number> | null = null;
  #piecesEnd = 0;
  #overlapping = 0;
  readonly #turnedTo = { reversed: 0, rot13: 0 };

  /** Whether pieces around `at` are still worth it: of keywords inside pieces that were put together a few get a look of their own. */
  mayJoin(at: number): boolean {
    if (at >= this.#piecesEnd) this.#overlapping = 0;
    return this.#overlapping++ < OVERLAPPING;
  }

  setJoined(end: number): void {
    this.#piecesEnd = Math.max(this.#piecesEnd, end);
  }

  /** Reads backwards, or in rot13, what begins at `start`: to the end of its string, since it may be wrapped. */
  turn(view: View, kind: 'reversed' | 'rot13', start: number, runEnd: number, found: (child: View) => void): void {
    if (view.kind === kind || start < this.#turnedTo[kind]) return;
    const most = Math.min(view.length, runEnd + TURNED_BYTES);
    let end = runEnd;
    while (end < most && view.bytes[end] !== 0x22) end++;
    this.#turnedTo[kind] = end;
    found(kind === 'rot13' ? rotatedView(view, start, end) : reversedView(view, start, end));
  }

  /** True the first time. `skip`: characters before the first quartet or pair. */
  isNew(encoding: 'base64' | 'hex', start: number, skip: number): boolean {
    const key = start * 8 + (encoding === 'hex' ? 4 : 0) + skip;
    this.#seen ??= new Set();
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

/** Calls `found` with everything that the long runs of `view` decode to. `openings`: null = ciphers are not tried. */
export function decodeRuns(
  view: View,
  runs: Runs,
  decoded: DecodedRuns,
  openings: Openings | null,
  found: (child: View) => void,
): void {
  const lines = new Lines(view, found);
  longRuns(view.bytes, runs, (start, end) => {
    lines.add(start, end);
    decodeRun(view, start, end, decoded, found);
    if (openings !== null) decipherRun(view, start, end, openings, found);
  });
  lines.flush();
}

/** Decodes the base64 run around `at`, whose quartets are aligned to `at`. */
export function decodeBase64At(view: View, at: number, decoded: DecodedRuns, found: (child: View) => void): void {
  const run = view.runAround(BASE64, at);
  const skip = (at - run.start) & 3;
  const whole = { start: run.start, end: paddedEnd(view, run.end) };
  if (run.end - run.start <= LOCAL_CHARS || skip === 0) {
    if (!decoded.isNew('base64', run.start, skip)) return;
    found(pieceView(view, 'base64', base64Bytes(view, run.start + skip, run.end), whole));
    return;
  }
  // Out of step with a long run, most likely by accident: a part of it will do.
  const block = Math.max(run.start, at - (at % LOCAL_CHARS) - LOCAL_CHARS);
  if (!decoded.isNew('base64', block, skip)) return;
  const start = block + ((at - block) & 3);
  found(pieceView(view, 'base64', base64Bytes(view, start, Math.min(run.end, at + 2 * LOCAL_CHARS)), whole));
}

/** Longest thing between the pieces of an encoded text: `", "`, ` + `, a line break. */
const BETWEEN_BYTES = 6;
const MOST_PIECES = 1024;
const OVERLAPPING = 8;
const LEAST_PIECE = 4;

/** Decodes what goes on after the run around `at` in pieces of the same length: wrapped, grouped, or in a list. */
export function decodePiecesAt(view: View, at: number, decoded: DecodedRuns, found: (child: View) => void): void {
  if (!decoded.mayJoin(at)) return;
  const first = view.runEnd(BASE64, at);
  const pieces = [{ start: at, end: first }];
  let between = -1;
  let length = -1;
  for (let end = first; pieces.length < MOST_PIECES; ) {
    const start = nextPiece(view.bytes, end, view.length);
    if (start < 0 || (between >= 0 && start - end !== between)) break;
    between = start - end;
    const stop = view.runEnd(BASE64, start);
    if (stop === start || (length >= 0 && stop - start > length)) break;
    pieces.push({ start, end: stop });
    if (length >= 0 && stop - start < length) break;
    length = stop - start;
    end = stop;
  }
  if (pieces.length < 2 || pieces[1]!.end - pieces[1]!.start < LEAST_PIECE) return;
  decoded.setJoined(pieces.at(-1)!.end);
  const text = pieces.map(({ start, end }) => view.text(start, end)).join('');
  found(
    pieceView(view, 'base64', Buffer.from(text, 'base64'), { start: at, end: paddedEnd(view, pieces.at(-1)!.end) }),
  );
}

/** Where the next piece begins: behind signs and white space, or a line break written as an escape; -1 for none. */
function nextPiece(bytes: Uint8Array, from: number, length: number): number {
  const most = Math.min(length, from + BETWEEN_BYTES);
  for (let at = from; at < most; at++) {
    if (bytes[at] === 0x5c && (bytes[at + 1] === 0x6e || bytes[at + 1] === 0x72)) at++;
    else if (BASE64.table[bytes[at]!] !== 0 && !(at > from && (bytes[at] === 0x2b || bytes[at] === 0x2f))) return at;
  }
  return -1;
}

/** Decodes the hex run around `at`, whose pairs are aligned to `at`. */
export function decodeHexAt(view: View, at: number, decoded: DecodedRuns, found: (child: View) => void): void {
  const run = view.runAround(HEX, at);
  const skip = (at - run.start) & 1;
  if (decoded.isNew('hex', run.start, skip))
    found(pieceView(view, 'hex', hexBytes(view, run.start + skip, run.end), run));
}

/** How a byte counts, each in eight bits of its own: capitals, other letters, digits, hex digits. A sample has fewer than 128. */
const KINDS = Int32Array.from({ length: 256 }, (_, byte) => {
  const isDigit = byte >= 0x30 && byte <= 0x39;
  const isUpper = byte >= 0x41 && byte <= 0x5a;
  return Number(isUpper) | (Number(byte >= 0x61) << 8) | (Number(isDigit) << 16) | (HEX.table[byte]! << 24);
});

/** Whether so many hex digits as make a run stand together: one of them is at one of these places. */
function hasHexRun(view: View, start: number, end: number): boolean {
  for (let at = start + RUN_CHARS - 1; at < end; at += RUN_CHARS) {
    if (HEX.table[view.bytes[at]!] === 0) continue;
    let from = at;
    while (from > start && HEX.table[view.bytes[from - 1]!] !== 0) from--;
    let to = at + 1;
    while (to < end && to - from < RUN_CHARS && HEX.table[view.bytes[to]!] !== 0) to++;
    if (to - from >= RUN_CHARS) return true;
  }
  return false;
}

function decodeRun(view: View, start: number, end: number, decoded: DecodedRuns, found: (child: View) => void): void {
  const { bytes } = view;
  const sampleEnd = Math.min(end, start + SAMPLE_CHARS);
  const sample = sampleEnd - start;
  let kinds = 0;
  for (let at = start; at < sampleEnd; at++) kinds += KINDS[bytes[at]!]!;
  const upper = kinds & 127;
  const lower = (kinds >> 8) & 127;
  const digits = (kinds >> 16) & 127;
  const isHex = kinds >> 24 === sample;
  // One case only: may be base32.
  const mayBeBase32 = digits > 0 || end - start >= BASE32_CHARS;
  if ((upper === 0 || lower === 0) && !isHex && mayBeBase32) decodeBase32(view, [{ start, end }], found);
  if (digits === sample) decodeDigits(view, start, end, found);
  if (digits === sample || (digits > 0 && upper + lower + digits === sample && !isHex))
    decodeNumber(view, start, end, found);
  if (kinds >> 24 >= RUN_CHARS && hasHexRun(view, start, sampleEnd)) decodeHexRuns(view, start, end, decoded, found);
  // Words and paths have few capitals, hashes have none; an encoding mixes.
  const isMixed = upper >= 2 && lower >= 2 && (digits >= 1 || upper * 5 >= sample);
  const mayBeBase64 = isMixed || (digits > 0 && upper >= 2);
  if ((mayBeBase64 || isHex) && isBackwards(bytes, start, end, isHex))
    decoded.turn(view, 'reversed', start, end, found);
  if (!mayBeBase64 || isHex) return;
  const run = { start, end: paddedEnd(view, end) };
  if (isMixed && isTurned(bytes, start, end)) decoded.turn(view, 'rot13', start, end, found);
  for (let skip = 0; skip < 4; skip++) {
    const isMeaningful = isMeaningfulFrom(bytes, start + skip, end);
    if (((skip > 0 || !isMixed) && !isMeaningful) || !decoded.isNew('base64', start, skip)) continue;
    // Of a short piece of binary data the raw pass has seen all that its encoding can show.
    const isOpaque = !isMeaningful && end - start < OPAQUE_CHARS;
    if (isOpaque && !mayBeStream(bytes, start + skip, end)) continue;
    found(pieceView(view, 'base64', base64Bytes(view, start + skip, end), run, isOpaque));
  }
}

/** Whether a run of base64 is long enough for a compressed stream and begins like one. */
const mayBeStream = (bytes: Uint8Array, at: number, end: number): boolean =>
  (end - at) * 3 >= LEAST_STREAM * 4 && mayBeInflated(firstByte(bytes, at), secondByte(bytes, at));

/** Hex may be glued to other characters: `0x…`, `key-…`. */
function decodeHexRuns(
  view: View,
  start: number,
  end: number,
  decoded: DecodedRuns,
  found: (child: View) => void,
): void {
  for (let at = start; at < end; at++) {
    const hexEnd = Math.min(view.runEnd(HEX, at), end);
    if (hexEnd - at >= RUN_CHARS) {
      for (let skip = 0; skip < 2; skip++) {
        if (!isMeaningfulHex(view.bytes, at + skip, hexEnd) || !decoded.isNew('hex', at, skip)) continue;
        found(pieceView(view, 'hex', hexBytes(view, at + skip, hexEnd), { start: at, end: hexEnd }));
      }
    }
    if (hexEnd > at) at = hexEnd;
  }
}

/** Used again and again. */
const backwardsHead = new Uint8Array(24);

/** Whether the run read from its end gives text, as base64 or as hex. Padding would stand before it. */
function isBackwards(bytes: Uint8Array, start: number, end: number, isHex: boolean): boolean {
  const head = backwardsHead;
  const count = Math.min(24, (end - start) & ~3);
  for (let i = 0; i < count; i++) head[i] = bytes[end - 1 - i]!;
  return isHex ? isMeaningfulHex(head, 0, count) : isBase64Text(head, 0, count) || isBase64Magic(head, 0);
}

/** Whether the run with its letters turned by thirteen gives text or a compressed stream as base64. */
function isTurned(bytes: Uint8Array, start: number, end: number): boolean {
  const head = backwardsHead;
  const count = Math.min(24, (end - start) & ~3);
  for (let i = 0; i < 4; i++) head[i] = TURNED[bytes[start + i]!]!;
  // Of random data the first three bytes are rarely text.
  const isStream = isBase64Magic(head, 0);
  if (!isStream && !(isPrintable(firstByte(head, 0)) && isPrintable(secondByte(head, 0)))) return false;
  for (let i = 4; i < count; i++) head[i] = TURNED[bytes[start + i]!]!;
  return isStream || isBase64Text(head, 0, count);
}
