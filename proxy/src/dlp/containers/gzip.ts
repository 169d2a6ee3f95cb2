// gzip and zlib as they come, without their checksums: whoever receives them may not look at those either.
import type { Inflater } from './inflater.ts';
import { isZlibHead, type Members } from './members.ts';
import { StepReader } from './step-reader.ts';

const HEAD_BYTES = 10;
const TRAILER_BYTES = 8;
/** Longest head with its extra field, name and comment. */
const MOST_HEAD_BYTES = 256 * 1024;

/** Where the content begins, of a head at `at` (RFC 1952, 2.3); null when it is none, -1 when more is needed. */
export function gzipContent(data: Buffer, at: number): number | null {
  if (at + HEAD_BYTES > data.length) return -1;
  const flags = data[at + 3]!;
  const [speed, system] = [data[at + 8]!, data[at + 9]!];
  // Three bytes come up in random data; all these do not.
  if (data[at] !== 0x1f || data[at + 1] !== 0x8b || data[at + 2] !== 8 || (flags & 0xe0) !== 0) return null;
  if ((speed !== 0 && speed !== 2 && speed !== 4) || (system > 13 && system !== 255)) return null;
  let start = at + HEAD_BYTES;
  if ((flags & 4) !== 0) {
    if (start + 2 > data.length) return -1;
    start += 2 + data.readUInt16LE(start);
  }
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = data.indexOf(0, start);
    if (end < 0) return data.length - at > MOST_HEAD_BYTES ? null : -1;
    start = end + 1;
  }
  if ((flags & 2) !== 0) start += 2;
  return start < data.length ? start : -1;
}

export class GzipReader extends StepReader {
  readonly #inflater: Inflater;
  readonly #kind: 'gzip' | 'deflate';
  #state: 'head' | 'data' | 'trailer' = 'head';
  #streams = 0;
  #hasContent = false;

  constructor(members: Members, kind: 'gzip' | 'deflate') {
    super(members);
    this.#kind = kind;
    this.#inflater = members.inflater(kind === 'gzip' ? 'raw' : 'zlib');
    members.begin(kind);
  }

  end(): void {
    if (!this.isDone) this.#finish();
  }

  /** Bytes taken; -1 when more are needed. */
  protected take(input: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(input);
      case 'data':
        return this.#readData(input);
      case 'trailer':
        if (input.length < TRAILER_BYTES) return -1;
        this.#state = 'head';
        return TRAILER_BYTES;
      default:
        return this.#state satisfies never;
    }
  }

  #readHead(input: Buffer): number {
    // One stream behind the other is one file.
    const isGzip = this.#kind === 'gzip';
    const start = isGzip ? gzipContent(input, 0) : input.length < 2 ? -1 : isZlibHead(input[0]!, input[1]!) ? 0 : null;
    if (start === -1) return -1;
    if (start === null || (!isGzip && this.#streams > 0)) {
      this.#finish();
      return 0;
    }
    this.#streams++;
    this.#inflater.next();
    this.#state = 'data';
    return start;
  }

  #readData(input: Buffer): number {
    const step = this.#inflater.step(input);
    if (step === null) {
      const detail = `a ${this.#kind} stream that is damaged`;
      if (this.#hasContent) this.members.unread({ kind: 'undecodable', detail }, this.#kind);
      this.#finish();
      return 0;
    }
    if (this.members.leftBytes < step.output.length) {
      const detail = `a ${this.#kind} stream that holds too much`;
      this.members.unread({ kind: 'over_budget', detail }, this.#kind);
      this.#finish();
      return 0;
    }
    this.#hasContent ||= step.output.length > 0;
    this.members.write(step.output);
    if (step.isDone) this.#state = this.#kind === 'gzip' ? 'trailer' : 'head';
    return step.taken;
  }

  #finish(): void {
    this.isDone = true;
    this.members.end();
  }
}
