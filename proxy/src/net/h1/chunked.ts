// Chunked transfer coding (RFC 9112, 7.1): an incremental strict decoder, and the pieces of an encoder.
import { isFieldValue } from './characters.ts';
import { parseFieldLines } from './field-lines.ts';
import { Malformed } from './malformed.ts';

/** Chunk-size line with its extensions, in bytes. */
const MAX_SIZE_LINE = 4096;
/** 2^52 bytes: more hex digits than this overflow in somebody's integer. */
const MAX_SIZE_DIGITS = 13;
/** RFC 9110, 6.5.1: fields that would change the framing or the route after the fact. */
const NOT_IN_TRAILERS =
  /^(?:content[-_]length|transfer[-_]encoding|host|connection|trailer|te|upgrade|content-encoding|expect)$/i;

export interface BodySink {
  onBody(chunk: Buffer): void;
  /** `rawTrailers`: name, value, …; empty when there are none. */
  onBodyEnd(rawTrailers: readonly string[]): void;
}

export interface ChunkedOptions {
  /** All trailer lines together. */
  readonly trailerBytes: number;
  /** Trailers of a response are read like its head, and unfit ones are dropped. */
  readonly isTolerant: boolean;
}

export class ChunkedDecoder {
  isDone = false;
  private state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  private remaining = 0;
  /** Bytes of the trailers that are known to hold no end. */
  private searched = 0;
  private readonly sink: BodySink;
  private readonly options: ChunkedOptions;

  constructor(sink: BodySink, options: ChunkedOptions) {
    this.sink = sink;
    this.options = options;
  }

  /** Takes what it can; returns how many bytes it took. What is left (part of a line) must come again, with more behind it. */
  feed(input: Buffer): number | Malformed {
    let at = 0;
    while (!this.isDone) {
      switch (this.state) {
        case 'data': {
          if (at === input.length) return at;
          const end = Math.min(input.length, at + this.remaining);
          this.remaining -= end - at;
          if (this.remaining === 0) this.state = 'data-end';
          this.sink.onBody(at === 0 && end === input.length ? input : input.subarray(at, end));
          at = end;
          break;
        }
        case 'data-end': {
          if (at === input.length) return at;
          if (input[at] !== 13 || (at + 1 < input.length && input[at + 1] !== 10)) {
            return new Malformed('chunk-end', 'a chunk is longer than its size says');
          }
          if (at + 1 === input.length) return at;
          at += 2;
          this.state = 'size';
          break;
        }
        case 'size': {
          const next = this.readSize(input, at);
          if (next instanceof Malformed) return next;
          if (next === 0) return at;
          at = next;
          break;
        }
        case 'trailers': {
          const next = this.readTrailers(input, at);
          if (next instanceof Malformed) return next;
          if (next === 0) return at;
          at = next;
          break;
        }
      }
    }
    return at;
  }

  /** Index behind the line; 0 when the line is not complete yet. */
  private readSize(input: Buffer, start: number): number | Malformed {
    let size = 0;
    let at = start;
    for (; at < input.length; at++) {
      const digit = hexDigit(input[at]!);
      if (digit < 0) break;
      if (at - start >= MAX_SIZE_DIGITS) return new Malformed('chunk-size', 'a chunk size is too large');
      size = size * 16 + digit;
    }
    if (at === start && at < input.length) {
      return new Malformed('chunk-size', 'a chunk size is not a hexadecimal number');
    }
    // Old servers fill the line up with spaces.
    if (this.options.isTolerant) while (at < input.length && isSpace(input[at]!) && at - start <= MAX_SIZE_LINE) at++;
    if (at === input.length) return 0;
    if (input[at] === 0x3b) {
      const from = at;
      while (at < input.length && input[at] !== 13 && input[at] !== 10) at++;
      if (at - start > MAX_SIZE_LINE) return new Malformed('chunk-line', 'a chunk size line is too long');
      const extension = input.toString('latin1', from, at);
      if (!isFieldValue(extension, 0, extension.length)) {
        return new Malformed('chunk-extension', 'a control character in a chunk extension');
      }
      if (at === input.length) return 0;
    }
    if (input[at] === 10) return new Malformed('bare-lf', 'a line feed without carriage return');
    if (input[at] !== 13) return new Malformed('chunk-size', 'a chunk size is not a hexadecimal number');
    if (at + 1 === input.length) return 0;
    if (input[at + 1] !== 10) return new Malformed('bare-cr', 'a carriage return without line feed');
    this.remaining = size;
    this.state = size === 0 ? 'trailers' : 'data';
    return at + 2;
  }

  private readTrailers(input: Buffer, start: number): number | Malformed {
    if (input.length - start >= 2 && input[start] === 13 && input[start + 1] === 10) {
      this.finish([]);
      return start + 2;
    }
    const end = input.indexOf('\r\n\r\n', start + Math.max(0, this.searched - 3), 'latin1');
    const size = (end < 0 ? input.length : end) - start;
    if (size > this.options.trailerBytes) return new Malformed('trailers', 'the trailers are too large');
    if (end < 0) {
      // Trailers with bare line feeds would never end: say so at once.
      for (let at = input.indexOf(10, start + this.searched); at >= 0; at = input.indexOf(10, at + 1)) {
        if (at === start || input[at - 1] !== 13) {
          return new Malformed('bare-lf', 'a line feed without carriage return');
        }
      }
      this.searched = input.length - start;
      return 0;
    }
    const rawTrailers = parseFieldLines(input.toString('latin1', start, end + 2), this.options.isTolerant);
    if (rawTrailers instanceof Malformed) return rawTrailers;
    const fit: string[] = [];
    for (let i = 0; i < rawTrailers.length; i += 2) {
      if (!NOT_IN_TRAILERS.test(rawTrailers[i]!)) fit.push(rawTrailers[i]!, rawTrailers[i + 1]!);
      else if (!this.options.isTolerant)
        return new Malformed('trailer-field', 'a field that must not stand in trailers');
    }
    this.finish(fit);
    return end + 4;
  }

  private finish(rawTrailers: readonly string[]): void {
    this.isDone = true;
    this.sink.onBodyEnd(rawTrailers);
  }
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** What stands before a chunk's bytes; CHUNK_END stands behind them. */
export function chunkStart(size: number): string {
  return `${size.toString(16)}\r\n`;
}

export const CHUNK_END = '\r\n';

/** The last chunk and the trailers. */
export function chunkedEnd(rawTrailers: readonly string[]): string {
  if (rawTrailers.length === 0) return '0\r\n\r\n';
  let text = '0\r\n';
  for (let i = 0; i < rawTrailers.length; i += 2) text += `${rawTrailers[i]}: ${rawTrailers[i + 1]}\r\n`;
  return `${text}\r\n`;
}
