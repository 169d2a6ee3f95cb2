// How much one search may do, in proportion to the message: what stops it is a verdict of its own, never silence.
import type { View } from './view.ts';

/** Layers of encoding, and views in all, that are looked into. */
const DEPTH = 5;
const NESTING = 10;
/** Views of a message, and one more for so many of its bytes. */
const VIEWS = 4096;
const BYTES_PER_VIEW = 24;
/** Bytes of all views together, times the message's. */
const BYTES_FACTOR = 16;
const BYTES_LEAST = 1 << 20;
/** Keywords whose token may go on in pieces, in all, and one more for so many bytes. */
const JOINS = 64;
const BYTES_PER_JOIN = 1024;
/**
 * Keywords, as they are, encoded or turned, that are dealt with, and one more for so many bytes: each costs like hundreds of bytes of text. Of
 * 7,500 files of packages and documents none has more than one in 22.
 */
const KEYWORDS = 4096;
const BYTES_PER_KEYWORD = 16;
/** Pieces of binary data that may be tried as streams without a head. */
const TRIES = 32;
/** Streams with a telling head that are decompressed, and one more for so many bytes of the message: each costs like kilobytes of text. */
const INFLATIONS = 512;
const BYTES_PER_INFLATION = 2048;

export class Budget {
  /** Some of the message was not searched: it decodes to more than we are willing to read. */
  isOver = false;
  /** What was done so far, so that tests can tell work in proportion to the input from work that is not. */
  readonly work = { views: 0, bytes: 0, looks: 0 };
  #viewsLeft: number;
  #bytesLeft: number;
  #inflatedLeft: number;
  #inflationsLeft: number;
  #joinsLeft: number;
  #keywordsLeft: number;
  #triesLeft = TRIES;

  constructor(lengthBytes: number, decodedBytes: number) {
    this.#viewsLeft = VIEWS + lengthBytes / BYTES_PER_VIEW;
    this.#bytesLeft = BYTES_LEAST + lengthBytes * BYTES_FACTOR;
    this.#inflatedLeft = decodedBytes;
    this.#inflationsLeft = INFLATIONS + lengthBytes / BYTES_PER_INFLATION;
    this.#joinsLeft = JOINS + lengthBytes / BYTES_PER_JOIN;
    this.#keywordsLeft = KEYWORDS + lengthBytes / BYTES_PER_KEYWORD;
  }

  /** Whether `child` may be searched. */
  take(child: View): boolean {
    this.#viewsLeft--;
    this.#bytesLeft -= child.length;
    if (this.#viewsLeft < 0 || this.#bytesLeft < 0) this.isOver = true;
    return !this.isOver;
  }

  /** Whether a keyword may be followed through pieces. */
  get mayJoin(): boolean {
    return this.#joinsLeft > 0;
  }

  takeJoin(): void {
    this.#joinsLeft--;
  }

  takeKeyword(): void {
    if (--this.#keywordsLeft < 0) this.isOver = true;
  }

  /** Whether data without a telling head may be tried as a stream. */
  takeTry(): boolean {
    return this.#triesLeft > 0 && this.#triesLeft-- > 0;
  }

  /** Bytes that compressed data may still decode to. */
  get inflatedLeft(): number {
    return this.#inflatedLeft;
  }

  /** What looked like an archive was none: that costs as much. */
  payFailed(): void {
    if (--this.#inflationsLeft < 0) this.isOver = true;
  }

  /** What a small piece inflates to is paid from the budget of decompression, not from that of the other views. */
  payInflated(child: View): void {
    if (--this.#inflationsLeft < 0) this.isOver = true;
    this.#inflatedLeft -= child.length;
    this.#bytesLeft += child.length * BYTES_FACTOR;
    this.#viewsLeft += child.length / BYTES_PER_VIEW;
    this.#keywordsLeft += child.length / BYTES_PER_KEYWORD;
  }
}

/** Whether views inside `view` are looked into at all. */
export const mayNest = (view: View): boolean => view.nesting < NESTING;
/** Whether they may be another layer of encoding. */
export const canDecode = (view: View): boolean => view.depth < DEPTH && view.nesting < NESTING;
