// Short parts of a multipart body, put together: a secret that is sent as several fields of a form.
import { isMultipart } from '../containers/parts.ts';
import { asBuffer, Trace, type View } from '../view.ts';

/** Longest part that may be a piece, in bytes, and most of them. */
const PIECE_BYTES = 256;
const MOST_PIECES = 128;
/** Longest delimiter (RFC 2046, 5.1.1, with the dashes before it). */
const DELIMITER_BYTES = 72;
const LEAST_CHARS = 12;
const LINE = Buffer.from('\r\n');
const EMPTY_LINE = Buffer.from('\r\n\r\n');

/** Calls `found` with the contents of short parts in their order, as one text. */
export function joinParts(view: View, found: (child: View) => void): void {
  const data = asBuffer(view.bytes).subarray(0, view.length);
  const end = isMultipart(data) ? data.indexOf(LINE) : -1;
  if (end < 3 || end > DELIMITER_BYTES) return;
  const delimiter = Buffer.concat([LINE, data.subarray(0, end)]);
  const trace = new Trace();
  let pieces = 0;
  let last = 0;
  for (let at = end; pieces < MOST_PIECES; ) {
    const next = data.indexOf(delimiter, at);
    if (next < 0) break;
    const start = data.indexOf(EMPTY_LINE, at) + EMPTY_LINE.length;
    if (start >= EMPTY_LINE.length && start < next && next - start <= PIECE_BYTES) {
      trace.copy(data, start, next);
      last = next;
      pieces++;
    }
    at = next + delimiter.length;
  }
  if (pieces > 1 && trace.length >= LEAST_CHARS) found(trace.view('fields', view, last));
}
