// A part of a multipart body whose own head says how it is compressed: read up to the delimiter that its head begins with, which is the one
// that whoever receives it goes by.
import type { Coding } from '../body.ts';
import { StepDecoder } from '../step-decoder.ts';
import type { Members, Reader } from './members.ts';

/** Longest head of a part that is looked at, in bytes. */
export const PART_HEAD_BYTES = 4096;
const EMPTY_LINE = Buffer.from('\r\n\r\n');
/** Input of a step. Where a stream ends inside one, that piece is looked at again: no more than was read before. */
const LEAST_STEP_BYTES = 64;
const MOST_STEP_BYTES = 4096;
const NOTHING = Buffer.alloc(0);

export interface PartCoding {
  readonly coding: Coding;
  /** Compressed, and then written in base64. */
  readonly isBase64: boolean;
  readonly delimiter: Buffer;
}

/** How the part is compressed whose content begins at `at`; null for not, and for gzip, which says so itself. */
export function partCoding(data: Buffer, at: number): PartCoding | null {
  const before = data.subarray(Math.max(0, at - PART_HEAD_BYTES), at - EMPTY_LINE.length);
  // No further than to the empty line before: all heads together are no longer than the body.
  const head = before.toString('latin1', before.lastIndexOf(EMPTY_LINE) + 1);
  const coding = /\ncontent-encoding:[ \t]*(deflate|br|zstd)[ \t]*(?:[\r\n]|$)/i.exec(head)?.[1]?.toLowerCase();
  if (coding !== 'deflate' && coding !== 'br' && coding !== 'zstd') return null;
  const start = head.lastIndexOf('\n--') + 1;
  const delimiter = /^--[^\r\n]{1,80}(?=\r\n)/.exec(head.slice(start, start + 84))?.[0];
  if (delimiter === undefined) return null;
  const isBase64 = /\ncontent-transfer-encoding:[ \t]*base64/i.test(head);
  return { coding, isBase64, delimiter: Buffer.from(`\r\n${delimiter}`, 'latin1') };
}

export class CodedPartReader implements Reader {
  takenBytes = 0;
  isDone = false;
  readonly #members: Members;
  readonly #decoder: StepDecoder;
  readonly #part: PartCoding;
  /** May be the beginning of the delimiter. */
  #waiting: Buffer = NOTHING;
  /** Characters of base64 that make no quartet yet. */
  #rest = '';
  #stepBytes = LEAST_STEP_BYTES;

  constructor(members: Members, part: PartCoding) {
    this.#members = members;
    this.#part = part;
    this.#decoder = new StepDecoder(part.coding);
    members.begin(part.isBase64 ? `base64 > ${part.coding}` : part.coding);
  }

  push(chunk: Buffer): void {
    const input = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    const end = this.#decode(input);
    this.#waiting = end < 0 ? Buffer.from(input.subarray(Math.max(0, input.length - this.#held))) : NOTHING;
    if (end >= 0) this.end();
  }

  end(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#decode(Buffer.concat([this.#waiting, this.#part.delimiter]));
    this.#step(NOTHING, true);
    this.#decoder.close();
    this.#members.end();
  }

  get #held(): number {
    return this.#part.delimiter.length - 1;
  }

  /** Where the part, or its stream, ends in `input`; -1 for not yet. No more is looked at than is decoded. */
  #decode(input: Buffer): number {
    const { delimiter } = this.#part;
    for (let at = 0; at + this.#held < input.length; ) {
      const wanted = Math.min(at + this.#stepBytes, input.length - this.#held);
      const found = input.subarray(at, wanted + this.#held).indexOf(delimiter);
      const to = found < 0 ? wanted : at + found;
      if (!this.#step(input.subarray(at, to)) || found >= 0) return to;
      at = to;
      this.#stepBytes = Math.min(MOST_STEP_BYTES, this.#stepBytes * 2);
    }
    return -1;
  }

  /** False at the end of the stream, or where there is none: what `input` holds behind it is looked at again. */
  #step(input: Buffer, isLast = false): boolean {
    const { coding, isBase64 } = this.#part;
    const failed = this.#decoder.push(isBase64 ? this.#unwrap(input, isLast) : input, (bytes) => {
      if (this.#members.leftBytes < bytes.length) {
        return { kind: 'over_budget', detail: `a ${coding} stream that holds too much` };
      }
      this.#members.write(bytes);
      return null;
    });
    if (failed?.kind === 'over_budget') this.#members.unread(failed, coding);
    if (failed !== null) return false;
    this.takenBytes += input.length;
    this.#members.at += input.length;
    return true;
  }

  #unwrap(input: Buffer, isLast: boolean): Buffer {
    const chars = this.#rest + input.toString('latin1').replace(/[^A-Za-z0-9+/]/g, '');
    const whole = isLast ? chars.length : chars.length & ~3;
    this.#rest = chars.slice(whole);
    return Buffer.from(chars.slice(0, whole), 'base64');
  }
}
