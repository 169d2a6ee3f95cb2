// A body that is too large to hold: judged window by window, released once judged.
//
// The window is what was released last (context for formats that look back), what is held, and what has just come. Everything up to
// OVERLAP_BYTES before its end can be judged for good: whatever begins there ends inside the window.
import { ArchiveStream, type PlacedScan } from './archive-stream.ts';
import { parseCodings } from './body.ts';
import { BASE64 } from './charsets.ts';
import type { Engine } from './engine.ts';
import type { Hit } from './findings.ts';
import { Hunt } from './hunt.ts';
import { matchOf, replacement } from './match.ts';
import { type Edit, editBytes } from './rewrite.ts';
import { StepDecoder } from './step-decoder.ts';
import type { BodyMeta, Match, StreamScan, StreamStep, Unjudged } from './types.ts';
import { View } from './view.ts';

/** The longest match that no window's edge can hide, in bytes. */
export const OVERLAP_BYTES = 16 * 1024;
/** New bytes that are gathered before a window is searched. */
const BLOCK_BYTES = 48 * 1024;
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
}

const NOTHING = Buffer.alloc(0);
const NOTHING_NEW: StreamStep = { release: NOTHING, matches: [], unjudged: null };

export function openStream(options: StreamOptions): StreamScan {
  const codings = parseCodings(options.meta.contentEncoding);
  if (codings === null) return unread({ kind: 'undecodable', detail: 'the content-encoding is not known' });
  if (codings.length === 0) return new ArchiveStream(options, new PlainStream(options));
  return new CompressedStream(options, codings.map((coding) => new StepDecoder(coding)).reverse());
}

/** A stream that cannot be read at all. */
function unread(unjudged: Unjudged): StreamScan {
  let isSaid = false;
  const step = (release: Buffer): StreamStep => {
    const said = isSaid ? null : unjudged;
    isSaid = true;
    return { release, matches: [], unjudged: said };
  };
  return { push: step, settle: () => step(NOTHING), end: () => step(NOTHING) };
}

class PlainStream implements PlacedScan {
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

  constructor(options: StreamOptions) {
    this.#options = options;
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
    const { engine, decodedBytes, where, redact } = this.#options;
    const hunt = new Hunt(engine, window.length, decodedBytes, true);
    hunt.search(new View(window, window.length));
    this.#isUnread = hunt.isOverBudget;
    const settled = Math.max(this.#released, window.length - unsureBytes(window, after));
    const fresh: Match[] = [];
    const edits: Edit[] = [];
    let cut = settled;
    for (const hit of [...hunt.hits].sort((a, b) => a.start - b.start)) {
      if (hit.start >= settled || hit.end <= this.#released) continue;
      const isAcross = this.#base + hit.start < this.#settled && this.#base + hit.end > this.#settled;
      if (hit.chain === '' && hit.start < this.#released && !isAcross) continue;
      const start = Math.max(hit.start, this.#released);
      const match = matchOf({ ...hit, start: this.#base + start, end: this.#base + hit.end }, where, '');
      const isNew = this.#isNew(hit);
      if (isNew) fresh.push(match);
      if (redact?.(match) === true) edits.push({ start, end: hit.end, text: replacement(match) });
      else if (isNew && !isLast) cut = Math.min(cut, start);
    }
    // A replaced match leaves whole.
    for (const edit of edits) if (edit.start < cut && edit.end > cut) cut = edit.end;
    if (this.#isUnread) cut = window.length;
    if (after === 'pause') this.#settled = this.#base + cut;
    const release = this.#release(cut, edits);
    this.#forget(cut);
    const unjudged: Unjudged | null = this.#isUnread
      ? { kind: 'over_budget', detail: 'too much nested data, or too many findings' }
      : null;
    return { release, matches: fresh, unjudged };
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
    const keep = contextStart(this.#window, released - OVERLAP_BYTES);
    this.#window = this.#window.subarray(keep);
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

/** Compressed chunks are released as they came, once the content they carry has been judged. */
class CompressedStream implements StreamScan {
  readonly #plain: PlacedScan;
  readonly #decoders: readonly StepDecoder[];
  readonly #waiting: { readonly bytes: Buffer; contentEnd: number }[] = [];
  readonly #decodedBytes: number;
  #content = 0;
  #isUnread = false;

  constructor(options: StreamOptions, decoders: readonly StepDecoder[]) {
    // Nothing can be replaced inside compressed bytes.
    const plain = { ...options, redact: null };
    this.#plain = new ArchiveStream(plain, new PlainStream(plain));
    this.#decoders = decoders;
    this.#decodedBytes = options.decodedBytes;
  }

  push(chunk: Buffer): StreamStep {
    this.#waiting.push({ bytes: chunk, contentEnd: Number.POSITIVE_INFINITY });
    if (this.#isUnread) return this.#releaseAll([], null);
    const matches: Match[] = [];
    const unjudged = this.#decode(0, chunk, matches);
    if (unjudged !== null) return this.#releaseAll(matches, unjudged);
    this.#waiting.at(-1)!.contentEnd = this.#content;
    const release: Buffer[] = [];
    // The end of a chunk may hold the start of a block that is not decoded yet: wait until content beyond it was judged.
    const judged = matches.length > 0 ? 0 : this.#plain.releasedBytes - BLOCK_SLACK_BYTES;
    while (this.#waiting.length > 0 && this.#waiting[0]!.contentEnd <= judged)
      release.push(this.#waiting.shift()!.bytes);
    return { release: Buffer.concat(release), matches, unjudged: null };
  }

  /** A block that is cut cannot be read. */
  settle(): StreamStep {
    return NOTHING_NEW;
  }

  end(): StreamStep {
    if (this.#isUnread) return this.#releaseAll([], null);
    let unjudged: Unjudged | null = null;
    for (const decoder of this.#decoders) unjudged ??= decoder.end();
    const last = this.#plain.end();
    return this.#releaseAll(last.matches, unjudged ?? last.unjudged);
  }

  #releaseAll(matches: readonly Match[], unjudged: Unjudged | null): StreamStep {
    if (unjudged !== null) this.#isUnread = true;
    const release = Buffer.concat(this.#waiting.map(({ bytes }) => bytes));
    this.#waiting.length = 0;
    return { release, matches, unjudged };
  }

  #decode(index: number, bytes: Buffer, matches: Match[]): Unjudged | null {
    const decoder = this.#decoders[index];
    if (decoder !== undefined) return decoder.push(bytes, (decoded) => this.#decode(index + 1, decoded, matches));
    this.#content += bytes.length;
    if (this.#content > this.#decodedBytes) {
      return { kind: 'over_budget', detail: `decodes to more than ${this.#decodedBytes} bytes` };
    }
    const step = this.#plain.push(bytes);
    matches.push(...step.matches);
    return step.unjudged;
  }
}

/** Largest block of a coding that is decoded as a whole (Zstandard), in bytes of content. */
const BLOCK_SLACK_BYTES = 128 * 1024;
