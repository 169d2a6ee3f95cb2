// The shingles of a workspace, and the search for a large verbatim piece of it. Pure.
import { asBuffer, type Span, type View } from '../view.ts';
import { eachShingle, isTelling } from './shingles.ts';

/** Its matches are large pieces of the workspace's own source. */
export const SOURCE_DETECTOR = { id: 'workspace-source', kind: 'format' } as const;

/** So many different shingles in one piece make it large: about 1 KiB of code, 30 lines. */
export const PIECE_SHINGLES = 40;
/** Known shingles further apart than this belong to two pieces, in bytes. */
const GAP_BYTES = 512;
/** A shingle that stands in so many files is boilerplate: a licence's header, imports. */
const BOILERPLATE_FILES = 4;
/** Shorter views hold no large piece, in bytes. */
const LEAST_BYTES = 512;

/** Gathers the shingles of files. */
export class SourceIndexBuilder {
  /** Hash -> in how many files, up to BOILERPLATE_FILES. */
  readonly #files = new Map<number, number>();

  add(content: Uint8Array): void {
    const own = new Set<number>();
    eachShingle(content, content.length, (hash, start, end) => {
      if (!own.has(hash) && isTelling(content, start, end)) own.add(hash);
    });
    for (const hash of own) this.#files.set(hash, Math.min(BOILERPLATE_FILES, (this.#files.get(hash) ?? 0) + 1));
  }

  /** Four bytes a shingle, little-endian, ascending. */
  finish(): Buffer {
    const kept = [...this.#files].filter(([, files]) => files < BOILERPLATE_FILES).map(([hash]) => hash);
    const words = Uint32Array.from(kept).sort();
    const out = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => void out.writeUInt32LE(word, index * 4));
    return out;
  }
}

export class SourceIndex {
  readonly size: number;
  /** Open addressing, 0 = free; half full at most. */
  readonly #table: Uint32Array;
  readonly #mask: number;

  /** `shingles`: what SourceIndexBuilder made. */
  constructor(shingles: Buffer) {
    const count = shingles.length >> 2;
    let size = 16;
    while (size < count * 2) size *= 2;
    this.#table = new Uint32Array(size);
    this.#mask = size - 1;
    this.size = count;
    for (let i = 0; i < count; i++) this.#insert(shingles.readUInt32LE(i * 4));
  }

  /** The large pieces of the workspace's source in `view`. */
  find(view: View): readonly Span[] {
    if (this.size === 0 || view.length < LEAST_BYTES) return [];
    const pieces: Span[] = [];
    let piece: Set<number> = new Set();
    let start = 0;
    let last = 0;
    const close = (): void => {
      if (piece.size >= PIECE_SHINGLES) pieces.push({ start, end: last });
    };
    eachShingle(asBuffer(view.bytes), view.length, (hash, from, to) => {
      if (!this.#has(hash)) return;
      if (piece.size === 0 || from - last > GAP_BYTES) {
        close();
        piece = new Set();
        start = from;
      }
      piece.add(hash);
      last = to;
    });
    close();
    return pieces;
  }

  #insert(hash: number): void {
    // 0 marks a free place; one shingle in four billion is not kept for that.
    if (hash === 0) return;
    let at = hash >>> 4;
    for (at &= this.#mask; this.#table[at] !== 0 && this.#table[at] !== hash; ) at = (at + 1) & this.#mask;
    this.#table[at] = hash;
  }

  #has(hash: number): boolean {
    for (let at = (hash >>> 4) & this.#mask; ; at = (at + 1) & this.#mask) {
      const entry = this.#table[at]!;
      if (entry === hash) return hash !== 0;
      if (entry === 0) return false;
    }
  }
}
