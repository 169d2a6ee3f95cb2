// Positions in a file -> lines and columns, as editors count them.
import { createReadStream } from 'node:fs';

export interface LinePlace {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in bytes. */
  readonly column: number;
}

const NEWLINE = 0x0a;

/** Walks through the bytes once; offsets must be asked in ascending order. */
export class LineCounter {
  #line = 1;
  #lineStart = 0;
  #at = 0;

  /** Place of the byte at `offset`, where `bytes` begins at the offset `from` of the file and covers all from the last call to `offset`. */
  placeOf(offset: number, bytes: Buffer, from = 0): LinePlace {
    this.advance(offset, bytes, from);
    return { line: this.#line, column: offset - this.#lineStart + 1 };
  }

  advance(to: number, bytes: Buffer, from: number): void {
    for (
      let at = bytes.indexOf(NEWLINE, this.#at - from);
      at >= 0 && at + from < to;
      at = bytes.indexOf(NEWLINE, at + 1)
    ) {
      this.#line++;
      this.#lineStart = at + from + 1;
    }
    this.#at = Math.max(this.#at, to);
  }
}

/** Places of `offsets` (ascending) in a file that is too large to hold: read a second time, only when there is something to place. */
export async function placesInFile(file: string, offsets: readonly number[]): Promise<LinePlace[]> {
  const places: LinePlace[] = [];
  if (offsets.length === 0) return places;
  const counter = new LineCounter();
  let from = 0;
  for await (const chunk of createReadStream(file)) {
    const bytes = chunk as Buffer;
    const to = from + bytes.length;
    while (places.length < offsets.length && offsets[places.length]! < to) {
      places.push(counter.placeOf(offsets[places.length]!, bytes, from));
    }
    if (places.length === offsets.length) break;
    counter.advance(to, bytes, from);
    from = to;
  }
  return places;
}
