// A body that streams as it is: judged window by window, released once judged.
//
// The window is what was released last (context for formats that look back), what is held, and what has just come. Everything up to
// OVERLAP_BYTES before its end can be judged for good: whatever begins there ends inside the window.
import type { PlacedScan } from './archive-stream.ts';
import { BASE64 } from './charsets.ts';
import type { Engine } from './engine.ts';
import type { Hit } from './findings.ts';
import { Hunt } from './hunt.ts';
import { JsonStrings } from './json-strings.ts';
import { matchOf, replacement } from './match.ts';
import { type Edit, editBytes, mergeEdits } from './rewrite.ts';
import type { BodyMeta, Match, StreamStep, Unjudged } from './types.ts';
import { View } from './view.ts';
import { wholeEscapes } from './whole-escapes.ts';

/** The longest match that no window's edge can hide, in bytes. */
export const OVERLAP_BYTES = 16 * 1024;
/** How far behind what is held formats and decodings look: names, words of the neighbourhood, the beginning of an escaped text. */
const CONTEXT_BYTES = 4 * 1024;
/** New bytes that are gathered before a window is searched: a third more than this is read, for what is held and its context. */
export const BLOCK_BYTES = 64 * 1024;
/** A word of fewer bytes is no secret and not much of one; a longer one at the end may still become one. In bytes. */
const SHORT_WORD_BYTES = 12;
/** How many findings are remembered, to report each once. */
const REMEMBERED = 4096;
/** Longest line of wrapped base64 whose start a window is moved to, in bytes. */
const LINE_BYTES = 1024;

export interface StreamOptions {
  readonly engine: Engine;
  readonly decodedBytes: number;
  readonly where: string;
  readonly meta: BodyMeta;
  readonly redact: ((match: Match) => boolean) | null;
  /** Searched as it is, nothing decoded; left out = no. */
  readonly isFlat?: true;
}

const NOTHING = Buffer.alloc(0);
export const NOTHING_NEW: StreamStep = { release: NOTHING, matches: [], unjudged: null };

export class PlainStream implements PlacedScan {
  readonly isWrittenAnew = false;
  readonly #options: StreamOptions;
  /** Context, then what is held. */
  #window: Buffer = NOTHING;
  /** Position in the body of the window's first byte. */
  #base = 0;
  /** Bytes of the window that were released already. */
  #released = 0;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  /** Where findings ended that have been reported, by what was found. */
  readonly #reported = new Map<string, number>();
  /** Up to here in the body it was released before what follows was seen: a match across is one that nobody could have found. */
  #settled = 0;
  /** From here on nothing is read. */
  #isUnread = false;
  /** Null where nothing is replaced. */
  readonly #strings: JsonStrings | null;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#strings = options.redact === null ? null : new JsonStrings(options.meta.contentType);
  }

  push(chunk: Buffer): StreamStep {
    if (this.#isUnread) return { release: chunk, matches: [], unjudged: null };
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes < BLOCK_BYTES) return { release: NOTHING, matches: [], unjudged: null };
    return this.#judge('more');
  }

  end(): StreamStep {
    return this.#isUnread ? NOTHING_NEW : this.#judge('last');
  }

  settle(): StreamStep {
    const isWaiting = this.#gatheredBytes > 0 || this.#window.length > this.#released;
    return this.#isUnread || !isWaiting ? NOTHING_NEW : this.#judge('pause');
  }

  /** How much of the body has been released, in bytes. */
  get releasedBytes(): number {
    return this.#base + this.#released;
  }

  #judge(after: 'more' | 'pause' | 'last'): StreamStep {
    const isLast = after === 'last';
    const window = Buffer.concat([this.#window, ...this.#gathered]);
    this.#window = window;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const { engine, decodedBytes, where, redact, isFlat } = this.#options;
    const hunt = new Hunt(engine, window.length, decodedBytes, true);
    const view = new View(window, window.length);
    if (isFlat === true) hunt.searchFlat(view);
    else hunt.search(view);
    this.#isUnread = hunt.isOverBudget;
    const settled = Math.max(this.#released, window.length - unsureBytes(window, after));
    const fresh: Match[] = [];
    const wanted: Edit[] = [];
    let cut = settled;
    for (const hit of [...hunt.hits].sort((a, b) => a.start - b.start)) {
      if (hit.end <= this.#released) continue;
      const isAcross = this.#base + hit.start < this.#settled && this.#base + hit.end > this.#settled;
      if (hit.chain === '' && hit.start < this.#released && !isAcross) continue;
      const whole = wholeEscapes(window, hit);
      const start = Math.max(whole.start, this.#released);
      const match = matchOf({ ...hit, start: this.#base + start, end: this.#base + whole.end }, where, '');
      const isReplaced = redact?.(match) === true;
      if (isReplaced) wanted.push({ start, end: whole.end, text: replacement(match) });
      if (hit.start >= settled || !this.#isNew(hit)) continue;
      fresh.push(match);
      if (!isReplaced && !isLast) cut = Math.min(cut, start);
    }
    const merged = mergeEdits(wanted);
    const edits = this.#strings?.quoted(window, this.#released, merged) ?? merged;
    if (!isLast) cut = this.#wholeEdits(edits, cut);
    if (this.#isUnread) cut = window.length;
    if (after === 'pause') this.#settled = this.#base + cut;
    const release = this.#release(cut, edits);
    this.#strings?.pass(window, this.#released, cut);
    this.#forget(cut);
    const unjudged: Unjudged | null = this.#isUnread
      ? { kind: 'over_budget', detail: 'too much nested data, or too many findings' }
      : null;
    return { release, matches: fresh, unjudged };
  }

  /**
   * A replaced match leaves whole, and with it those that overlap it: the next window would take what is left of them for no match. They
   * wait for that window, unless they are longer than any (an encoded piece that goes on and on).
   */
  #wholeEdits(edits: readonly Edit[], wanted: number): number {
    const across = edits.find(({ start, end }) => start < wanted && end > wanted);
    if (across === undefined) return wanted;
    return across.end - across.start <= OVERLAP_BYTES ? across.start : across.end;
  }

  #isNew(hit: Hit): boolean {
    const key = `${hit.detector} ${hit.fingerprint}`;
    const end = this.#base + hit.end;
    const last = this.#reported.get(key);
    if (this.#reported.size >= REMEMBERED) this.#reported.clear();
    this.#reported.set(key, Math.max(end, last ?? 0));
    return last === undefined || this.#base + hit.start >= last;
  }

  #release(cut: number, edits: readonly Edit[]): Buffer {
    const from = this.#released;
    const inside = edits
      .filter((edit) => edit.start < cut)
      .map((edit) => ({ ...edit, start: edit.start - from, end: edit.end - from }));
    const bytes = this.#window.subarray(from, cut);
    return inside.length === 0 ? bytes : editBytes(bytes, inside);
  }

  /** Drops what is no longer needed as context. */
  #forget(released: number): void {
    this.#released = released;
    const keep = contextStart(this.#window, released - CONTEXT_BYTES);
    // A copy: a part of the window would keep the memory of all of it.
    this.#window = Buffer.from(this.#window.subarray(keep));
    this.#base += keep;
    this.#released -= keep;
  }
}

/** How much of the window's end may belong to something that is not complete. */
function unsureBytes(window: Buffer, after: 'more' | 'pause' | 'last'): number {
  if (after === 'last') return 0;
  if (after === 'more') return OVERLAP_BYTES;
  let size = 0;
  while (size < window.length && size < OVERLAP_BYTES && isOfWord(window[window.length - 1 - size]!)) size++;
  return size < SHORT_WORD_BYTES ? 0 : size;
}

/** What tokens are made of, in any encoding; and every byte outside of ASCII. */
function isOfWord(byte: number): boolean {
  return BASE64.table[byte] !== 0 || byte >= 0x80 || WORD_MARKS.includes(byte);
}

const WORD_MARKS = Buffer.from('-_.~%=+/:@\\');

/** A place at or before `wanted` where a window may begin: base64 is not cut inside a quartet. */
function contextStart(window: Buffer, wanted: number): number {
  if (wanted <= 0) return 0;
  if (BASE64.table[window[wanted]!] === 0) return wanted;
  let start = wanted;
  while (start > 0 && BASE64.table[window[start - 1]!] !== 0) start--;
  // The start of a short line, so that wrapped text stays aligned; else a whole number of quartets into the run.
  return wanted - start <= LINE_BYTES ? start : wanted - ((wanted - start) & 3);
}
