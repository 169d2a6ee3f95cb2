// Binary messages as the text that they say: strings and small numbers in the lists and maps that they stand in, so that whatever finds, in
// JSON, a token in pieces or bytes that are spelled as numbers finds them here.
import { isZlibHead } from '../containers/members.ts';
import { mayBeCbor, readCbor } from '../messages/cbor.ts';
import { CLOSE_LIST, CLOSE_MAP, DATA, Items, KEY, NUMBER, OPEN_LIST, OPEN_MAP, TEXT } from '../messages/items.ts';
import { mayBeMsgpack, readMsgpack } from '../messages/msgpack.ts';
import { readProtobuf } from '../messages/protobuf.ts';
import { asBuffer, Trace, View } from '../view.ts';

/** Longer messages are not held in pieces; their strings are searched where they stand. In bytes. */
const MOST_BYTES = 1024 * 1024;
const LEAST_BYTES = 16;
/** So many first bytes are looked at for one that no text has. */
const LOOK_BYTES = 64;
const PREFIX_BYTES = 5;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SIGNS: Readonly<Record<number, string>> = {
  [OPEN_LIST]: '[',
  [CLOSE_LIST]: '],',
  [OPEN_MAP]: '{',
  [CLOSE_MAP]: '},',
};

/** Calls `found` with the text of the message that `view` is, and with what is compressed in it. */
export function readMessage(view: View, found: (child: View) => void): void {
  const data = asBuffer(view.bytes).subarray(0, view.length);
  if (data.length < LEAST_BYTES || data.length > MOST_BYTES) return;
  const first = data[0]!;
  if (mayBeMsgpack(first)) tell(view, 'msgpack', (items) => readMsgpack(data, items), found);
  if (mayBeCbor(first)) tell(view, 'cbor', (items) => readCbor(data, items), found);
  if (isPlain(data)) return;
  tell(view, 'protobuf', (items) => readFrames(data, items) || readProtobuf(data, 0, data.length, items), found);
}

function tell(view: View, kind: string, read: (items: Items) => boolean, found: (child: View) => void): void {
  const items = new Items();
  if (!read(items)) return;
  const trace = new Trace();
  const { flat } = items;
  for (let i = 0; i < flat.length; i += 4) {
    const [what, start, end, value] = [flat[i]!, flat[i + 1]!, flat[i + 2]!, flat[i + 3]!];
    if (what === TEXT || what === KEY) putString(trace, view, start, end, what === KEY ? '":' : '",');
    else if (what === NUMBER) put(trace, value < 256 ? `${value},` : '0,', start, end - start);
    else if (what === DATA) {
      if (isPacked(view.bytes, start, end)) {
        found(new View(view.bytes.subarray(start, end), end - start, kind, view, { kind: 'piece', start, end }));
      }
      put(trace, '0,', start, end - start);
    } else put(trace, SIGNS[what]!, start, 0);
  }
  found(trace.view(kind, view, view.length));
}

/** gRPC: a flag and a length before each message. */
function readFrames(data: Buffer, items: Items): boolean {
  let at = 0;
  while (at + PREFIX_BYTES <= data.length && data[at] === 0) {
    const start = at + PREFIX_BYTES;
    const end = start + data.readUInt32BE(at + 1);
    if (end > data.length || !readProtobuf(data, start, end, items)) return false;
    at = end;
  }
  return at === data.length;
}

function isPlain(data: Buffer): boolean {
  const length = Math.min(data.length, LOOK_BYTES);
  for (let at = 0; at < length; at++) if (data[at]! < 0x20 || data[at]! >= 0x80) return false;
  return true;
}

/** What has a telling head is inflated as a view of its own; gzip is found in the middle of data. */
const isPacked = (bytes: Uint8Array, start: number, end: number): boolean =>
  end - start >= LEAST_BYTES &&
  (isZlibHead(bytes[start]!, bytes[start + 1]!) || (bytes[start] === 0x28 && bytes[start + 1] === 0xb5));

function put(trace: Trace, text: string, from: number, width: number): void {
  for (let i = 0; i < text.length; i++) trace.put(text.charCodeAt(i), from, width);
}

function putString(trace: Trace, { bytes }: View, start: number, end: number, close: string): void {
  trace.put(QUOTE, start, 0);
  let from = start;
  for (let at = start; at < end; at++) {
    if (bytes[at] !== QUOTE) continue;
    trace.copy(bytes, from, at);
    trace.put(BACKSLASH, at, 0);
    from = at;
  }
  trace.copy(bytes, from, end);
  put(trace, close, end, 0);
}
