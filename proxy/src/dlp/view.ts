// A text under search: bytes, and how a span of them maps back to the text they were decoded from.
import { BASE64, type Charset, charsetCount } from './charsets.ts';

/** Longest run of base64 characters that something may be glued to before it looks like a part of a blob. */
const GLUED_CHARS = 32;
/** The same before a literal of a few bytes. */
const GLUED_TINY_CHARS = 12;
const SLASH = 0x2f;
/** So much of a longer run is looked at: in 32 random characters a digit may be missing by chance, in 64 hardly. */
const BLOB_CHARS = 64;
/** Shortest line of wrapped base64. */
const LINE_CHARS = 60;
/** Wrapped base64 has no longer lines. */
const LONGEST_LINE_CHARS = 128;

/** How positions in a view map to positions in its parent. */
export type Origin =
  /** Any match stands for the whole encoded piece. */
  | { readonly kind: 'piece'; readonly start: number; readonly end: number }
  /** Position `at[i] + k` comes from `from[i] + k * stride[i]` and is written `width[i]` long; `at` ascends, the last entry is the end. */
  | {
      readonly kind: 'trace';
      readonly at: readonly number[];
      readonly from: readonly number[];
      readonly stride: readonly number[];
      readonly width: readonly number[];
    }
  /** Read backwards: the view's first byte is the parent's byte `end - 1`. */
  | { readonly kind: 'mirror'; readonly end: number }
  | { readonly kind: 'root' };

export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Decodings that people apply together with another one: what is compressed or in wide characters is then written in base64. The name of none
 * is that of the same text in another unit.
 */
const PART_OF_A_LAYER: ReadonlySet<string> = new Set([
  '',
  'gzip',
  'deflate',
  'br',
  'zstd',
  'utf-16',
  'unicode',
  'selectors',
  'reversed',
  'separators',
  'joined',
  'fields',
]);

export class View {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Name of the decoding that made it; '' for the root. */
  readonly kind: string;
  readonly parent: View | null;
  /** Layers of encoding around it. */
  readonly depth: number;
  /** Views around it. */
  readonly nesting: number;
  /** Binary data of which nothing but a compressed stream may be expected. */
  readonly isOpaque: boolean;
  readonly #origin: Origin;
  /** Shared with the views around it. */
  readonly #cache: RunCache;
  readonly #id: number;
  #reached: Map<object, number> | null = null;

  constructor(
    bytes: Uint8Array,
    length: number,
    kind = '',
    parent: View | null = null,
    origin: Origin = { kind: 'root' },
    isOpaque = false,
  ) {
    this.bytes = bytes;
    this.length = length;
    this.kind = kind;
    this.parent = parent;
    this.depth = parent === null ? 0 : parent.depth + (PART_OF_A_LAYER.has(kind) ? 0 : 1);
    this.nesting = parent === null ? 0 : parent.nesting + 1;
    this.#origin = origin;
    this.isOpaque = isOpaque;
    this.#cache = parent === null ? { slots: null, views: 0, steps: 0 } : parent.#cache;
    this.#id = ++this.#cache.views;
  }

  /** End of the longest run of `set` from `at`; `at` itself where the byte there is not of the set. */
  runEnd(set: Charset, at: number): number {
    const runs = this.#cachedRuns();
    const slot = set.slot * 3;
    if (runs[slot + 2] === this.#id && at >= runs[slot]! && at < runs[slot + 1]!) return runs[slot + 1]!;
    const { bytes, length } = this;
    const { table } = set;
    let end = at;
    while (end < length && table[bytes[end]!] !== 0) end++;
    this.#cache.steps += 1 + end - at;
    if (end > at) this.#remember(slot, at, end);
    return end;
  }

  /** The whole run of `set` around `at`, which must be a byte of the set. */
  runAround(set: Charset, at: number): Span {
    const end = this.runEnd(set, at);
    const slot = set.slot * 3;
    let start = Math.min(this.#cachedRuns()[slot]!, at);
    const from = start;
    while (start > 0 && set.table[this.bytes[start - 1]!] !== 0) start--;
    this.#cache.steps += from - start;
    this.#remember(slot, start, end);
    return { start: start < at && isEscapeLetter(this.bytes, start) ? start + 1 : start, end };
  }

  /** How many bytes of `set` stand directly before `at`, counted up to `most`. */
  runBefore(set: Charset, at: number, most: number): number {
    let count = 0;
    while (count < most && at - count > 0 && set.table[this.bytes[at - count - 1]!] !== 0) {
      if (isEscapeLetter(this.bytes, at - count - 1)) break;
      count++;
    }
    this.#cache.steps += count;
    return count;
  }

  /**
   * Whether `at..end` is a part of a long run of base64: there literals come up by chance, those of a few bytes (`isTiny`) sooner than others. A
   * path, a slug or a name that a token is glued to is no data.
   */
  isInsideBlob(at: number, end: number, isTiny = false): boolean {
    const before = at > 0 ? this.bytes[at - 1]! : 0;
    const goesOn = end < this.length && BASE64.table[this.bytes[end]!] !== 0;
    // What ends its run may stand behind a path, not behind random characters.
    if (!goesOn && before === SLASH) return false;
    // By the start of the run, which is remembered: the run may hold keywords without end.
    let start = BASE64.table[before] === 0 ? at : this.runAround(BASE64, at - 1).start;
    if (start < at && isEscapeLetter(this.bytes, start)) start++;
    const glued = Math.min(at - start, BLOB_CHARS);
    const most = isTiny && before !== SLASH ? GLUED_TINY_CHARS : GLUED_CHARS;
    if (glued > most && looksRandom(this.bytes, at - glued, at)) return true;
    if (glued > GLUED_CHARS) return false;
    // In the first part of a line of wrapped base64.
    const lineStart = at - glued;
    let newline = lineStart;
    if (newline > 0 && this.bytes[newline - 1] === 0x0a) newline--;
    else if (newline > 1 && this.bytes[newline - 2] === 0x5c && this.bytes[newline - 1] === 0x6e) newline -= 2;
    else return false;
    if (newline > 0 && this.bytes[newline - 1] === 0x0d) newline--;
    else if (newline > 1 && this.bytes[newline - 2] === 0x5c && this.bytes[newline - 1] === 0x72) newline -= 2;
    const lineBefore = this.runBefore(BASE64, newline, LONGEST_LINE_CHARS);
    // Wrapped text has lines of one length: what merely stands below a long word is no part of it.
    return lineBefore >= LINE_CHARS && this.runEnd(BASE64, at) - lineStart === lineBefore;
  }

  /** How far `who` has already searched this view; lets matchers with a window skip what they have seen. */
  reached(who: object): number {
    return this.#reached?.get(who) ?? 0;
  }

  setReached(who: object, at: number): void {
    this.#reached ??= new Map();
    this.#reached.set(who, at);
  }

  text(start: number, end: number): string {
    this.#cache.steps += end - start;
    return asBuffer(this.bytes).toString('latin1', start, end);
  }

  /** Bytes that matchers have walked over or read, in this view and all around it. */
  get steps(): number {
    return this.#cache.steps;
  }

  startsWith(text: string, at: number): boolean {
    if (at < 0 || at + text.length > this.length) return false;
    for (let i = 0; i < text.length; i++) if (this.bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** The span of the root that `start..end` of this view was decoded from. */
  inRoot(start: number, end: number): Span {
    const origin = this.#origin;
    if (this.parent === null || origin.kind === 'root') return { start, end };
    if (origin.kind === 'piece') return this.parent.inRoot(origin.start, origin.end);
    if (origin.kind === 'mirror') return this.parent.inRoot(origin.end - end, origin.end - start);
    const first = lastAtMost(origin.at, start);
    // The end of the last character, not the beginning of the next one: what was dropped between them stays.
    const last = lastAtMost(origin.at, Math.max(start, end - 1));
    const from = origin.from[first]! + (start - origin.at[first]!) * origin.stride[first]!;
    const to =
      origin.from[last]! + Math.max(0, end - 1 - origin.at[last]!) * origin.stride[last]! + origin.width[last]!;
    return this.parent.inRoot(from, Math.max(from, to));
  }

  /** `base64 > gzip`, outermost first; '' for the root. */
  chain(): string {
    const kinds: string[] = [];
    for (let view: View | null = this; view !== null; view = view.parent)
      if (view.kind !== '') kinds.unshift(view.kind);
    return kinds.join(' > ');
  }

  #remember(slot: number, start: number, end: number): void {
    const runs = this.#cachedRuns();
    runs[slot] = start;
    runs[slot + 1] = end;
    runs[slot + 2] = this.#id;
  }

  #cachedRuns(): Int32Array {
    this.#cache.slots ??= new Int32Array(charsetCount() * 3);
    return this.#cache.slots;
  }
}

/** Start, end and view of the last run looked up, for every charset: makes repeated look-ups linear in all. And what has been counted. */
interface RunCache {
  slots: Int32Array | null;
  views: number;
  steps: number;
}

/** The letter of `\\n`, `\\r`, `\\t` in a string is not glued to what follows it. */
function isEscapeLetter(bytes: Uint8Array, at: number): boolean {
  if (at === 0 || bytes[at - 1] !== 0x5c) return false;
  const byte = bytes[at]!;
  return byte === 0x6e || byte === 0x72 || byte === 0x74 || byte === 0x62 || byte === 0x66;
}

/** How a byte counts, each in eight bits of its own: capitals, other letters, digits. A look takes in fewer than 256. */
const KINDS = Int32Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x61) return 1 << 8;
  if (byte >= 0x41 && byte <= 0x5a) return 1;
  return byte >= 0x30 && byte <= 0x39 ? 1 << 16 : 0;
});

/** Letters of both cases and digits, hardly a sign: base64 of data, and neither words nor a path. */
function looksRandom(bytes: Uint8Array, start: number, end: number): boolean {
  let kinds = 0;
  for (let at = start; at < end; at++) kinds += KINDS[bytes[at]!]!;
  const upper = kinds & 255;
  const lower = (kinds >> 8) & 255;
  const digits = kinds >> 16;
  const least = (end - start) >> 3;
  return upper >= least && lower >= least && digits > 0 && (upper + lower + digits) * 8 >= (end - start) * 7;
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Index of the last entry of `at` that is not above `position`. */
function lastAtMost(at: readonly number[], position: number): number {
  let low = 0;
  let high = at.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (at[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Collects decoded bytes together with where they came from: in stretches of bytes that stand equally far apart and are equally long. */
export class Trace {
  bytes = Buffer.allocUnsafe(512);
  length = 0;
  readonly #at: number[] = [];
  readonly #from: number[] = [];
  readonly #stride: number[] = [];
  readonly #width: number[] = [];
  /** What the next byte must come from, and how long it must be, to belong to the current stretch. */
  #next = -1;
  #nextWidth = -1;
  #nextStride = 0;

  /** Adds `byte`, which is written in the parent as what begins at `from` and is `width` long. */
  put(byte: number, from: number, width: number): void {
    if (from !== this.#next || width !== this.#nextWidth) this.#turn(from, width);
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = byte;
    this.#next = from + this.#nextStride;
  }

  /** Adds `from..to` of the parent as it stands. */
  copy(parent: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    if (from !== this.#next || this.#nextWidth !== 1 || this.#nextStride !== 1) this.#begin(from, 1);
    if (this.length + to - from > this.bytes.length) this.#grow(to - from);
    const { bytes } = this;
    let { length } = this;
    for (let at = from; at < to; at++) bytes[length++] = parent[at]!;
    this.length = length;
    this.#next = to;
  }

  /** Adds a character, as UTF-8. */
  putCodePoint(code: number, from: number, width: number): void {
    if (code < 0x80) {
      this.put(code, from, width);
      return;
    }
    const bytes = Buffer.from(String.fromCodePoint(code));
    for (const byte of bytes) this.put(byte, from, width);
  }

  view(kind: string, parent: View, end: number, isOpaque = false): View {
    this.#begin(end, 0);
    const origin = { kind: 'trace', at: this.#at, from: this.#from, stride: this.#stride, width: this.#width } as const;
    return new View(this.bytes, this.length, kind, parent, origin, isOpaque);
  }

  #begin(from: number, width: number): void {
    this.#at.push(this.length);
    this.#from.push(from);
    this.#stride.push(width);
    this.#width.push(width);
    this.#nextWidth = width;
    this.#nextStride = width;
  }

  /** The second byte of a stretch says how far apart its bytes stand. */
  #turn(from: number, width: number): void {
    const last = this.#at.length - 1;
    const stride = last < 0 ? -1 : from - this.#from[last]!;
    if (stride < 0 || width !== this.#nextWidth || this.length - this.#at[last]! !== 1) this.#begin(from, width);
    else {
      this.#stride[last] = stride;
      this.#nextStride = stride;
    }
  }

  #grow(more: number): void {
    const larger = Buffer.allocUnsafe((this.bytes.length + more) * 2);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
