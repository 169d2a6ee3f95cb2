// What the members of an archive hold, handed on for the search: small ones of a kind together, large ones in windows that overlap.
import { isUtf8 } from 'node:buffer';
import type { Unjudged } from '../types.ts';
import { Inflater } from './inflater.ts';
import { MAGIC_BYTES, unreadable } from './unreadable.ts';

/** Bytes of small members that are searched together. */
const BATCH_BYTES = 64 * 1024;
/** Longest match that no window's edge can hide. */
const OVERLAP_BYTES = 16 * 1024;
/** Content that may follow something that still waits to be searched. */
const WAITING_BYTES = 4 * BATCH_BYTES;
/** Long archives inside each other. */
const MOST_DEPTH = 4;
/** Between two members: nothing goes on from one to the other. */
const SEPARATOR = Buffer.from('\n\n');
const NOTHING = Buffer.alloc(0);

export interface Piece {
  /** `git-pack > blob`. */
  readonly kind: string;
  readonly bytes: Buffer;
  /** Where, in what holds the archive, the bytes were read. */
  readonly start: number;
  readonly end: number;
  /** One window of several: an archive in it may be cut by us. */
  readonly isCut: boolean;
}

export interface Unread {
  readonly unjudged: Unjudged;
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  /** Not because a part of it is missing. */
  readonly isSure: boolean;
}

export interface MemberSink {
  search(piece: Piece): void;
  unread(unread: Unread): void;
  /** What looked like an archive was none. */
  fail(): void;
  /** Bytes that may still come out of archives; 0 when it was enough. */
  readonly leftBytes: number;
}

/** Reads an archive as it comes. */
export interface Reader {
  /** Bytes behind its end are left alone. */
  push(chunk: Buffer): void;
  /** No more comes. */
  end(): void;
  /** Bytes that belonged to it, so far. */
  readonly takenBytes: number;
  readonly isDone: boolean;
}

/** The reader of an archive that begins with `head`; null when it is none that is read piece by piece. */
export type OpenReader = (head: Buffer, members: Members) => Reader | null;

interface Batch {
  readonly kind: string;
  readonly parts: Buffer[];
  bytes: number;
  /** Content before its first byte. */
  readonly since: number;
  readonly start: number;
}

export class Members {
  /** Where its reader stands in what holds the archive: all before was handed on. */
  at = 0;
  /** Bytes of content so far. */
  contentBytes = 0;
  readonly #sink: MemberSink;
  readonly #windowBytes: number;
  readonly #open: OpenReader;
  readonly #prefix: string;
  readonly #depth: number;
  readonly #inflaters = new Map<string, Inflater>();
  readonly #batches = new Map<string, Batch>();
  #kind = '';
  #parts: Buffer[] = [];
  #bytes = 0;
  #isLarge = false;
  #isSeen = false;
  #start = 0;
  #inner: { readonly reader: Reader; readonly members: Members } | null = null;

  /** `windowBytes`: a longer member is not held as a whole. `prefix`: of the chain. */
  constructor(sink: MemberSink, windowBytes: number, open: OpenReader, prefix = '', depth = 0) {
    this.#sink = sink;
    this.#windowBytes = windowBytes;
    this.#open = open;
    this.#prefix = prefix;
    this.#depth = depth;
  }

  get leftBytes(): number {
    return this.#sink.leftBytes - this.waitingBytes;
  }

  /** Of its reader, one stream after the other. */
  inflater(kind: 'zlib' | 'raw'): Inflater {
    let inflater = this.#inflaters.get(kind);
    if (inflater === undefined) {
      inflater = new Inflater(kind);
      this.#inflaters.set(kind, inflater);
    }
    inflater.next();
    return inflater;
  }

  /** Hands on what still waits; nothing more comes. */
  close(): void {
    this.flush();
    for (const inflater of this.#inflaters.values()) inflater.close();
    this.#inflaters.clear();
  }

  unread(unjudged: Unjudged, kind: string, isSure = false): void {
    this.#sink.unread({ unjudged, kind: this.#chainOf(kind), start: this.#start, end: this.at, isSure });
  }

  /** A whole member. */
  add(kind: string, bytes: Buffer): void {
    this.begin(kind);
    this.write(bytes);
    this.end();
  }

  /** `isSeen`: its bytes stand in the archive as they are, where they have been searched; of interest is only what begins there. */
  begin(kind: string, isSeen = false): void {
    this.#kind = kind;
    this.#start = this.at;
    this.#isSeen = isSeen;
    this.#isLarge = false;
  }

  write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.contentBytes += bytes.length;
    this.#pushInner(bytes);
    if (this.#isLarge && this.#isSeen) return;
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < this.#windowBytes) return;
    const window = this.#take();
    if (!this.#isLarge) this.#openInner(window);
    this.#isLarge = true;
    if (this.#isSeen) return;
    this.#search(window, true);
    const rest = window.subarray(window.length - OVERLAP_BYTES);
    this.#parts = [rest];
    this.#bytes = rest.length;
    this.#start = this.at;
  }

  end(): void {
    const whole = this.#take();
    this.#endInner();
    if (whole.length === 0) return;
    if (this.#isLarge) {
      this.#search(whole, true);
      return;
    }
    const isUnreadable = this.#isUnreadable(whole);
    // What is an archive itself is looked into as one.
    if (!isUnreadable && hasOwnHead(whole)) this.#search(whole, false);
    else if (!this.#isSeen) this.#batch(whole);
  }

  /** Everything that is still waiting. */
  flush(): void {
    for (const batch of this.#batches.values()) this.#flush(batch);
    this.#batches.clear();
  }

  /** How much of the content has been searched, in order. */
  get searchedBytes(): number {
    let searched = this.contentBytes - this.#bytes;
    for (const { since } of this.#batches.values()) searched = Math.min(searched, since);
    // What waits inside came no earlier than so much content ago: an archive in an archive is no longer than what it decodes to.
    return this.#inner === null ? searched : Math.min(searched, this.contentBytes - this.#inner.members.waitingBytes);
  }

  get waitingBytes(): number {
    return this.contentBytes - this.searchedBytes;
  }

  #take(): Buffer {
    const whole = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return whole;
  }

  #isUnreadable(bytes: Buffer): boolean {
    const name = unreadable(bytes, bytes.length);
    if (name !== null) this.unread({ kind: 'undecodable', detail: name }, `${this.#kind} > ${name}`, true);
    return name !== null;
  }

  /** A long archive in an archive is read as it comes, beside the search of its bytes. */
  #openInner(window: Buffer): void {
    if (this.#isUnreadable(window)) return;
    const members = new Members(this.#sink, this.#windowBytes, this.#open, this.#chainOf(this.#kind), this.#depth + 1);
    const reader = this.#depth < MOST_DEPTH ? this.#open(window, members) : null;
    if (reader === null) return;
    this.#inner = { reader, members };
    this.#pushInner(window);
  }

  #pushInner(bytes: Buffer): void {
    if (this.#inner === null || this.#inner.reader.isDone) return;
    this.#inner.reader.push(bytes);
  }

  #endInner(): void {
    this.#inner?.reader.end();
    this.#inner?.members.close();
    this.#inner = null;
  }

  #search(bytes: Buffer, isCut: boolean): void {
    this.#sink.search({ kind: this.#chainOf(this.#kind), bytes, start: this.#start, end: this.at, isCut });
  }

  #batch(bytes: Buffer): void {
    // One picture among texts would make binary data of them all.
    const key = `${this.#kind}${isUtf8(bytes) ? '' : ' binary'}`;
    let batch = this.#batches.get(key);
    if (batch === undefined) {
      batch = { kind: this.#kind, parts: [], bytes: 0, since: this.contentBytes - bytes.length, start: this.#start };
      this.#batches.set(key, batch);
    }
    batch.parts.push(bytes, SEPARATOR);
    batch.bytes += bytes.length + SEPARATOR.length;
    if (batch.bytes >= BATCH_BYTES) {
      this.#batches.delete(key);
      this.#flush(batch);
    }
    for (const [other, late] of this.#batches) {
      if (this.contentBytes - late.since < WAITING_BYTES) continue;
      this.#batches.delete(other);
      this.#flush(late);
    }
  }

  #flush({ kind, parts, start }: Batch): void {
    const bytes = parts.length <= 2 ? (parts[0] ?? NOTHING) : Buffer.concat(parts);
    this.#sink.search({ kind: this.#chainOf(kind), bytes, start, end: this.at, isCut: false });
  }

  #chainOf(kind: string): string {
    if (this.#prefix === '' || kind === '') return `${this.#prefix}${kind}`;
    return `${this.#prefix} > ${kind}`;
  }
}

/** gzip, zlib, Zstandard, zip, git packs, tar: looked into where they begin a text, not in the middle of a batch. */
function hasOwnHead(bytes: Buffer): boolean {
  if (bytes.length < MAGIC_BYTES / 4) return false;
  const [first, second] = [bytes[0]!, bytes[1]!];
  switch (first) {
    case 0x1f:
      return second === 0x8b;
    case 0x28:
      return second === 0xb5;
    case 0x50:
      return second === 0x4b || second === 0x41;
    case 0xfe:
      return second === 0xff;
    case 0xff:
      return second === 0xfe;
    default:
      return isZlibHead(first, second) || isTarHead(bytes);
  }
}

export const isZlibHead = (first: number, second: number): boolean =>
  (first & 0x0f) === 8 && first <= 0x78 && ((first << 8) | second) % 31 === 0;

export const isTarHead = (bytes: Buffer): boolean =>
  bytes.length >= 512 && bytes.toString('latin1', 257, 262) === 'ustar';
