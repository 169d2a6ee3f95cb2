// Lines of a stream, one at a time, as long as they need to be.
import type { Readable } from 'node:stream';

/** Yields every line without its newline; a last one without newline is dropped: it was cut off. */
export async function* readLines(input: Readable): AsyncGenerator<string, void, void> {
  let pieces: Buffer[] = [];
  for await (const chunk of input) {
    let rest = chunk as Buffer;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      pieces.push(rest.subarray(0, end));
      yield Buffer.concat(pieces).toString('utf8');
      pieces = [];
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) pieces.push(rest);
  }
}
