// What a client of HTTP/2 may send, right and wrong, after the sections of RFC 9113 and RFC 7541 (as h2spec's generic, http2 and hpack groups go
// through them), and what the RFC demands of the server. Written from the RFCs: it knows neither nghttp2 nor the proxy.
import { block, END_HEADERS, END_STREAM, frame, headers, TYPE } from './raw-h2.ts';

/** Error codes of RFC 9113, 7, by their number. */
export const CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
] as const;
export type Code = (typeof CODES)[number];

/** Bytes to send, or what to wait for before the next step. */
export type Step = Buffer | { readonly until: 'answer' | 'data' | 'end' };

export interface H2Case {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Instead of the preface and our SETTINGS. */
  readonly opening?: Buffer;
  readonly demand: Demand;
  /** What happens instead; each of these stands in docs/research with its reason. */
  readonly deviates?: string;
}

export type Demand =
  /** GOAWAY with one of these codes, then the end of the connection (5.4.1). */
  | { readonly kind: 'connection'; readonly codes: readonly Code[] }
  /** The connection ends; 3.4 lets a server leave out the GOAWAY to somebody who does not speak HTTP/2. */
  | { readonly kind: 'end' }
  /** RST_STREAM of stream 1 (or `stream`), or the connection's end, with one of these codes (5.4.2: a stream's error may be made the connection's). */
  | { readonly kind: 'stream'; readonly codes: readonly Code[]; readonly stream?: number }
  /** As `stream`, or an answer of 400 before the end (8.1.1): nothing of the request goes on. */
  | { readonly kind: 'malformed' }
  /** Stream 1 is answered, and these fields arrived at the upstream. */
  | { readonly kind: 'answer'; readonly arrives?: readonly string[] }
  /** Passed over: the connection serves on. */
  | { readonly kind: 'ignored' }
  /** Among what comes back, in this order. */
  | { readonly kind: 'frames'; readonly come: readonly string[] };

const connection = (...codes: Code[]): Demand => ({ kind: 'connection', codes });
const stream = (...codes: Code[]): Demand => ({ kind: 'stream', codes });
const malformed: Demand = { kind: 'malformed' };
const answered: Demand = { kind: 'answer' };
const ignored: Demand = { kind: 'ignored' };
const arrives = (...fields: string[]): Demand => ({ kind: 'answer', arrives: fields });
const come = (...frames: string[]): Demand => ({ kind: 'frames', come: frames });

const PADDED = 8;
const PRIORITY = 0x20;
const ACK = 1;
const ENDS = END_STREAM | END_HEADERS;
const answer: Step = { until: 'answer' };
const firstData: Step = { until: 'data' };
const end: Step = { until: 'end' };

export const HOST = 'api.example';
const GET = [':method', 'GET', ':scheme', 'https', ':authority', HOST, ':path', '/'];
const POST = GET.with(1, 'POST');
const get = headers(1, GET);
const openPost = headers(1, POST, END_HEADERS);
const without = (name: string): string[] => GET.toSpliced(GET.indexOf(name), 2);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
};
const data = (payload: Buffer | string, flags = END_STREAM, id = 1): Buffer => frame(TYPE.data, flags, id, payload);
const reset = (id: number, code = 8): Buffer => frame(TYPE.reset, 0, id, u32(code));
const update = (id: number, by: number): Buffer => frame(TYPE.windowUpdate, 0, id, u32(by));
const setting = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  frame(
    TYPE.settings,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), u32(value)]))),
  );
const ping = (payload: string, flags = 0, id = 0): Buffer => frame(TYPE.ping, flags, id, payload);
const priority = (id: number, on: number, weight = 255): Buffer =>
  frame(TYPE.priority, 0, id, Buffer.concat([u32(on), Buffer.from([weight])]));
const unknown = (id: number): Buffer => frame(0xf6, 0xff, id, 'whatever this is');
const continuation = (flags: number, payload: Buffer, id = 1): Buffer => frame(TYPE.continuation, flags, id, payload);
/** A head of raw HPACK behind the usual fields. */
const hpack = (rest: Buffer | string, flags = ENDS): Buffer =>
  frame(TYPE.headers, flags, 1, Buffer.concat([block(GET), typeof rest === 'string' ? hex(rest) : rest]));
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [half, rest] = [block(GET).subarray(0, 9), block(GET).subarray(9)];
const MOST_WINDOW = 2 ** 31 - 1;
const AT_ONCE = 256;
/** Sixteen kibibytes: what a frame may hold unless SETTINGS say more. */
const LARGEST = 16_384;

type Row = readonly [name: string, steps: readonly Step[], demand: Demand, rest?: Partial<H2Case>];

const STARTING: readonly Row[] = [
  ['3.4 the preface, then a request', [get], answered],
  ['3.4 SETTINGS of the server come first, and ours are acknowledged', [], come('settings', 'settings ack')],
  ['3.4 another preface', [], { kind: 'end' }, { opening: Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n') }],
  [
    '3.4 a request of HTTP/1.1',
    [],
    { kind: 'end' },
    { opening: Buffer.from(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`) },
  ],
  ['3.4 no SETTINGS behind the preface', [ping('12345678')], { kind: 'end' }, { opening: PREFACE }],
];

const FRAMES: readonly Row[] = [
  ['4.1 a frame of an unknown type', [unknown(0), get], answered],
  ['4.1 flags that mean nothing', [ping('flags...', 0x16)], come('pong flags...')],
  ['4.1 the reserved bit of the stream number', [ping('reserved', 0, 0x80000000)], come('pong reserved')],
  ['4.2 DATA of the largest size', [openPost, data('x'.repeat(LARGEST))], answered],
  ['4.2 DATA beyond it', [openPost, data('x'.repeat(LARGEST + 1))], stream('FRAME_SIZE_ERROR')],
  ['4.2 HEADERS beyond it', [headers(1, [...GET, 'x', 'y'.repeat(LARGEST)])], connection('FRAME_SIZE_ERROR')],
  ['4.2 SETTINGS beyond it', [frame(TYPE.settings, 0, 0, Buffer.alloc(16_386))], connection('FRAME_SIZE_ERROR')],
  ['4.3 a head that cannot be decoded', [frame(TYPE.headers, ENDS, 1, hex('80'))], connection('COMPRESSION_ERROR')],
  [
    '4.3 a head in pieces, cut by PRIORITY',
    [frame(TYPE.headers, END_STREAM, 1, half), priority(1, 0), continuation(END_HEADERS, rest)],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '4.3 a head in pieces, cut by HEADERS of another stream',
    [frame(TYPE.headers, END_STREAM, 1, half), headers(3, GET)],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '4.3 a head in pieces, cut by an unknown frame',
    [frame(TYPE.headers, END_STREAM, 1, half), unknown(1), continuation(END_HEADERS, rest)],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '4.3 a head in pieces, cut by a PING',
    [frame(TYPE.headers, END_STREAM, 1, half), ping('12345678')],
    connection('PROTOCOL_ERROR'),
  ],
];

const STATES: readonly Row[] = [
  ['5.1 idle: DATA', [data('x')], connection('PROTOCOL_ERROR')],
  ['5.1 idle: RST_STREAM', [reset(1)], connection('PROTOCOL_ERROR')],
  ['5.1 idle: WINDOW_UPDATE', [update(1, 100)], connection('PROTOCOL_ERROR')],
  ['5.1 idle: CONTINUATION', [continuation(END_HEADERS, block(GET))], connection('PROTOCOL_ERROR')],
  ['5.1 idle: PRIORITY', [priority(1, 0), get], answered],
  ['5.1 half-closed: DATA', [get, data('x')], stream('STREAM_CLOSED')],
  ['5.1 half-closed: HEADERS', [get, get], stream('STREAM_CLOSED')],
  [
    '5.1 half-closed: CONTINUATION',
    [get, continuation(END_HEADERS, block(['x', '1']))],
    connection('STREAM_CLOSED', 'PROTOCOL_ERROR'),
  ],
  ['5.1 half-closed: WINDOW_UPDATE and PRIORITY', [get, update(1, 100), priority(1, 0)], answered],
  ['5.1 closed by RST_STREAM: DATA', [openPost, reset(1), data('x')], stream('STREAM_CLOSED'), { deviates: 'nothing' }],
  ['5.1 closed by RST_STREAM: HEADERS', [openPost, reset(1), get], stream('STREAM_CLOSED'), { deviates: 'nothing' }],
  [
    '5.1 closed by RST_STREAM: CONTINUATION',
    [openPost, reset(1), continuation(END_HEADERS, block(['x', '1']))],
    connection('STREAM_CLOSED', 'PROTOCOL_ERROR'),
  ],
  ['5.1 closed by RST_STREAM: PRIORITY', [openPost, reset(1), priority(1, 0)], ignored],
  ['5.1 closed by its end: DATA', [get, end, data('x')], connection('STREAM_CLOSED'), { deviates: 'answered 200' }],
  ['5.1 closed by its end: HEADERS', [get, end, get], connection('STREAM_CLOSED'), { deviates: 'answered 200' }],
  [
    '5.1 closed by its end: CONTINUATION',
    [get, end, continuation(END_HEADERS, block(['x', '1']))],
    connection('STREAM_CLOSED', 'PROTOCOL_ERROR'),
  ],
  [
    '5.1 closed by its end: WINDOW_UPDATE, RST_STREAM and PRIORITY that crossed it',
    [get, end, update(1, 9), reset(1), priority(1, 0)],
    ignored,
  ],
  ['5.1.1 an even number', [headers(2, GET)], connection('PROTOCOL_ERROR')],
  [
    '5.1.1 a number below the last',
    [headers(5, GET), headers(3, GET)],
    connection('PROTOCOL_ERROR', 'STREAM_CLOSED'),
    { deviates: 'nothing' },
  ],
  ['5.1.1 stream 0', [headers(0, GET)], connection('PROTOCOL_ERROR')],
  ['5.1.1 numbers that are left out', [headers(1, GET), headers(77, GET)], answered],
  [
    '5.1.2 a stream beyond those allowed at once',
    [Buffer.concat(Array.from({ length: AT_ONCE + 1 }, (_, n) => headers(2 * n + 1, POST, END_HEADERS)))],
    { kind: 'stream', codes: ['PROTOCOL_ERROR', 'REFUSED_STREAM'], stream: 2 * AT_ONCE + 1 },
  ],
  ['5.3 PRIORITY of a stream on itself (RFC 9113 gives it no meaning)', [priority(1, 1), get], answered],
  [
    '5.3.1 HEADERS that depend on themselves (RFC 7540)',
    [frame(TYPE.headers, ENDS | PRIORITY, 1, Buffer.concat([u32(1), Buffer.from([1]), block(GET)]))],
    stream('PROTOCOL_ERROR'),
  ],
  ['5.5 a setting nobody knows', [setting([0xf1, 1]), get], answered],
  ['5.5 an unknown frame on a stream', [openPost, unknown(1), data('x')], answered],
];

const DATA_AND_HEADERS: readonly Row[] = [
  ['6.1 DATA with padding', [openPost, data(Buffer.from('\x03abc\0\0\0', 'latin1'), END_STREAM | PADDED)], answered],
  [
    '6.1 DATA that is all padding',
    [openPost, data(Buffer.from('\x03\0\0\0', 'latin1'), END_STREAM | PADDED)],
    answered,
  ],
  ['6.1 DATA on stream 0', [data('x', 0, 0)], connection('PROTOCOL_ERROR')],
  [
    '6.1 padding as long as its frame',
    [openPost, data(Buffer.from('\x04abc', 'latin1'), END_STREAM | PADDED)],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '6.1 padding without its length',
    [openPost, data('', END_STREAM | PADDED)],
    connection('FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'),
  ],
  ['6.1 empty DATA', [openPost, data('', 0), data('', 0), data('')], answered],
  [
    '6.2 HEADERS with padding',
    [frame(TYPE.headers, ENDS | PADDED, 1, Buffer.concat([Buffer.from([2]), block(GET), hex('0000')]))],
    answered,
  ],
  [
    '6.2 HEADERS with a priority',
    [frame(TYPE.headers, ENDS | PRIORITY, 1, Buffer.concat([u32(0x80000000), Buffer.from([16]), block(GET)]))],
    answered,
  ],
  [
    '6.2 HEADERS with padding and a priority',
    [
      frame(
        TYPE.headers,
        ENDS | PRIORITY | PADDED,
        1,
        Buffer.concat([Buffer.from([1]), u32(0), Buffer.from([16]), block(GET), hex('00')]),
      ),
    ],
    answered,
  ],
  [
    '6.2 padding longer than HEADERS',
    [frame(TYPE.headers, ENDS | PADDED, 1, Buffer.concat([Buffer.from([255]), block(GET)]))],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '6.2 a priority that is cut off',
    [frame(TYPE.headers, ENDS | PRIORITY, 1, u32(0))],
    connection('FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'),
  ],
  [
    '6.2 a second head that does not end the stream',
    [openPost, headers(1, ['x', '1'], END_HEADERS)],
    stream('PROTOCOL_ERROR'),
  ],
  ['6.2 trailers', [openPost, data('x', 0), headers(1, ['x', '1'])], answered],
];

const CONTROL: readonly Row[] = [
  ['6.3 PRIORITY on stream 0', [priority(0, 1)], connection('PROTOCOL_ERROR'), { deviates: 'nothing' }],
  ['6.3 PRIORITY of four bytes', [openPost, frame(TYPE.priority, 0, 1, u32(0))], stream('FRAME_SIZE_ERROR')],
  ['6.3 PRIORITY of six bytes', [openPost, frame(TYPE.priority, 0, 1, Buffer.alloc(6))], stream('FRAME_SIZE_ERROR')],
  ['6.4 RST_STREAM on stream 0', [reset(0)], connection('PROTOCOL_ERROR')],
  [
    '6.4 RST_STREAM of three bytes',
    [openPost, frame(TYPE.reset, 0, 1, Buffer.alloc(3))],
    connection('FRAME_SIZE_ERROR'),
  ],
  [
    '6.4 RST_STREAM of five bytes',
    [openPost, frame(TYPE.reset, 0, 1, Buffer.alloc(5))],
    connection('FRAME_SIZE_ERROR'),
  ],
  ['6.4 RST_STREAM with a code nobody knows', [openPost, reset(1, 0xf0f0)], ignored],
  [
    '6.5 an acknowledgement with a payload',
    [frame(TYPE.settings, ACK, 0, Buffer.alloc(6))],
    connection('FRAME_SIZE_ERROR'),
  ],
  ['6.5 SETTINGS on a stream', [frame(TYPE.settings, 0, 1)], connection('PROTOCOL_ERROR')],
  ['6.5 SETTINGS of five bytes', [frame(TYPE.settings, 0, 0, Buffer.alloc(5))], connection('FRAME_SIZE_ERROR')],
  ['6.5 SETTINGS are acknowledged', [setting([3, 100])], come('settings ack', 'settings ack')],
  ['6.5.2 ENABLE_PUSH of 2', [setting([2, 2])], connection('PROTOCOL_ERROR')],
  ['6.5.2 ENABLE_PUSH of 1', [setting([2, 1]), get], answered],
  ['6.5.2 INITIAL_WINDOW_SIZE of 2^31', [setting([4, 2 ** 31])], connection('FLOW_CONTROL_ERROR')],
  ['6.5.2 MAX_FRAME_SIZE of 16383', [setting([5, LARGEST - 1])], connection('PROTOCOL_ERROR')],
  ['6.5.2 MAX_FRAME_SIZE of 2^24', [setting([5, 2 ** 24])], connection('PROTOCOL_ERROR')],
  ['6.5.2 MAX_FRAME_SIZE of 2^24-1', [setting([5, 2 ** 24 - 1]), get], answered],
  ['6.5.2 HEADER_TABLE_SIZE of 0', [setting([1, 0]), get], answered],
  ['6.5.2 HEADER_TABLE_SIZE of 2^32-1', [setting([1, 2 ** 32 - 1]), get], answered],
  ['6.5.3 the last of two INITIAL_WINDOW_SIZE counts', [setting([4, 0], [4, 100]), get, answer], come('data hi')],
  ['RFC 8441: ENABLE_CONNECT_PROTOCOL of 2', [setting([8, 2])], connection('PROTOCOL_ERROR')],
  [
    '6.6 PUSH_PROMISE of a client',
    [openPost, frame(TYPE.pushPromise, END_HEADERS, 1, Buffer.concat([u32(2), block(GET)]))],
    connection('PROTOCOL_ERROR'),
  ],
  ['6.7 a PING is answered with its payload', [ping('abcdefgh')], come('pong abcdefgh')],
  ['6.7 PINGs are answered in order', [ping('11111111'), ping('22222222')], come('pong 11111111', 'pong 22222222')],
  ['6.7 an answer to no PING', [ping('abcdefgh', ACK)], ignored, { deviates: 'connection INTERNAL_ERROR' }],
  ['6.7 PING on a stream', [ping('abcdefgh', 0, 1)], connection('PROTOCOL_ERROR')],
  ['6.7 PING of seven bytes', [ping('abcdefg')], connection('FRAME_SIZE_ERROR')],
  ['6.7 PING of nine bytes', [ping('abcdefghi')], connection('FRAME_SIZE_ERROR')],
  ['6.8 GOAWAY on a stream', [frame(TYPE.goAway, 0, 1, Buffer.alloc(8))], connection('PROTOCOL_ERROR')],
  ['6.8 GOAWAY of seven bytes', [frame(TYPE.goAway, 0, 0, Buffer.alloc(7))], connection('FRAME_SIZE_ERROR')],
  ['6.8 GOAWAY of a client lets its streams end', [get, frame(TYPE.goAway, 0, 0, Buffer.alloc(8))], answered],
  [
    '7 GOAWAY with a code nobody knows lets its streams end',
    [get, frame(TYPE.goAway, 0, 0, hex('00000000 000000ff'))],
    answered,
    { deviates: 'ended' },
  ],
];

const WINDOWS: readonly Row[] = [
  ['6.9 WINDOW_UPDATE of 0 on the connection', [update(0, 0)], connection('PROTOCOL_ERROR')],
  ['6.9 WINDOW_UPDATE of 0 on a stream', [openPost, update(1, 0)], stream('PROTOCOL_ERROR')],
  [
    '6.9 WINDOW_UPDATE of three bytes',
    [frame(TYPE.windowUpdate, 0, 0, Buffer.alloc(3))],
    connection('FRAME_SIZE_ERROR'),
  ],
  [
    '6.9 WINDOW_UPDATE of five bytes on a stream',
    [openPost, frame(TYPE.windowUpdate, 0, 1, Buffer.alloc(5))],
    connection('FRAME_SIZE_ERROR'),
  ],
  ['6.9 the reserved bit of WINDOW_UPDATE', [update(0, 0x80000001), get], answered],
  [
    '6.9.1 the connection window beyond 2^31-1',
    [update(0, MOST_WINDOW), update(0, MOST_WINDOW)],
    connection('FLOW_CONTROL_ERROR'),
  ],
  [
    '6.9.1 a stream window beyond 2^31-1',
    [openPost, update(1, MOST_WINDOW), update(1, MOST_WINDOW)],
    stream('FLOW_CONTROL_ERROR'),
  ],
  ['6.9.1 a window of one byte', [setting([4, 1]), get, answer], come('data h')],
  ['6.9.1 byte by byte', [setting([4, 1]), get, firstData, update(1, 1)], come('data h', 'data i')],
  ['6.9.2 a window of none, opened by SETTINGS', [setting([4, 0]), get, answer, setting([4, 100])], come('data hi')],
  [
    '6.9.2 a window that becomes negative',
    [setting([4, 1]), get, firstData, setting([4, 0]), update(1, 2)],
    come('data h', 'data i'),
  ],
  [
    '6.9.2 SETTINGS that bring a stream window beyond 2^31-1',
    [setting([4, 100]), openPost, update(1, MOST_WINDOW - 100), setting([4, 101])],
    connection('FLOW_CONTROL_ERROR'),
  ],
];

const PIECES: readonly Row[] = [
  ['6.10 a head in two pieces', [frame(TYPE.headers, END_STREAM, 1, half), continuation(END_HEADERS, rest)], answered],
  [
    '6.10 a head in many pieces, some of them empty',
    [
      frame(TYPE.headers, END_STREAM, 1),
      continuation(0, half),
      continuation(0, Buffer.alloc(0)),
      continuation(0, rest),
      continuation(END_HEADERS, block(['x-piece', 'last'])),
    ],
    arrives('x-piece: last'),
  ],
  [
    '6.10 trailers in two pieces',
    [
      openPost,
      data('x', 0),
      frame(TYPE.headers, END_STREAM, 1, block(['x', '1'])),
      continuation(END_HEADERS, block(['y', '2'])),
    ],
    answered,
  ],
  [
    '6.10 CONTINUATION of another stream',
    [frame(TYPE.headers, END_STREAM, 1, half), continuation(END_HEADERS, rest, 3)],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '6.10 CONTINUATION on stream 0',
    [frame(TYPE.headers, END_STREAM, 1, half), continuation(END_HEADERS, rest, 0)],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '6.10 CONTINUATION behind a whole head',
    [openPost, continuation(END_HEADERS, block(['x', '1']))],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '6.10 CONTINUATION behind the last CONTINUATION',
    [frame(TYPE.headers, 0, 1, half), continuation(END_HEADERS, rest), continuation(END_HEADERS, block(['x', '1']))],
    connection('PROTOCOL_ERROR'),
  ],
  [
    '6.10 CONTINUATION behind DATA',
    [openPost, data('x', 0), continuation(END_HEADERS, block(['x', '1']))],
    connection('PROTOCOL_ERROR'),
  ],
  ['6.10 DATA behind half a head', [frame(TYPE.headers, 0, 1, half), data('x')], connection('PROTOCOL_ERROR')],
];

const MESSAGES: readonly Row[] = [
  [
    '8.1 trailers that do not end the stream',
    [openPost, data('x', 0), headers(1, ['x', '1'], END_HEADERS)],
    stream('PROTOCOL_ERROR'),
  ],
  ['8.2.1 an upper-case name', [headers(1, [...GET, 'X-Test', '1'])], malformed],
  ['8.2.1 a name with a space', [headers(1, [...GET, 'x test', '1'])], malformed, { deviates: 'answered 200' }],
  ['8.2.1 a name with a colon inside', [headers(1, [...GET, 'x:test', '1'])], malformed, { deviates: 'answered 200' }],
  ['8.2.1 an empty name', [headers(1, [...GET, '', '1'])], malformed, { deviates: 'answered 200' }],
  ['8.2.1 CR in a value', [headers(1, [...GET, 'x', 'a\rb'])], malformed, { deviates: 'answered 200' }],
  ['8.2.1 LF in a value', [headers(1, [...GET, 'x', 'a\nb'])], malformed, { deviates: 'answered 200' }],
  ['8.2.1 NUL in a value', [headers(1, [...GET, 'x', 'a\0b'])], malformed, { deviates: 'answered 200' }],
  [
    '8.2.1 a value with a space at its beginning',
    [headers(1, [...GET, 'x', ' a'])],
    malformed,
    { deviates: 'answered 200' },
  ],
  ['8.2.2 connection', [headers(1, [...GET, 'connection', 'keep-alive'])], malformed],
  ['8.2.2 proxy-connection', [headers(1, [...GET, 'proxy-connection', 'keep-alive'])], malformed],
  ['8.2.2 keep-alive', [headers(1, [...GET, 'keep-alive', 'timeout=5'])], malformed],
  ['8.2.2 transfer-encoding', [headers(1, [...GET, 'transfer-encoding', 'chunked'])], malformed],
  ['8.2.2 upgrade', [headers(1, [...GET, 'upgrade', 'h2c'])], malformed],
  ['8.2.2 te of something else', [headers(1, [...GET, 'te', 'trailers, deflate'])], malformed],
  ['8.2.2 te of trailers', [headers(1, [...GET, 'te', 'trailers'])], arrives('te: trailers')],
  ['8.2.3 crumbs of a cookie', [headers(1, [...GET, 'cookie', 'a=1', 'cookie', 'b=2'])], arrives('cookie: a=1; b=2')],
  ['8.3 an unknown pseudo-field', [headers(1, [...GET, ':test', '1'])], malformed],
  ["8.3 a response's pseudo-field", [headers(1, [...GET, ':status', '200'])], malformed],
  ['8.3 a pseudo-field among trailers', [openPost, data('x', 0), headers(1, [':path', '/'])], malformed],
  ['8.3 a pseudo-field behind the others', [headers(1, ['x', '1', ...GET])], malformed],
  ['8.3.1 an empty :path', [headers(1, [...without(':path'), ':path', ''])], malformed],
  ['8.3.1 a :path that does not begin with a slash', [headers(1, [...without(':path'), ':path', 'here'])], malformed],
  ['8.3.1 no :method', [headers(1, without(':method'))], malformed],
  ['8.3.1 no :scheme', [headers(1, without(':scheme'))], malformed],
  ['8.3.1 no :path', [headers(1, without(':path'))], malformed],
  ['8.3.1 :method twice', [headers(1, [':method', 'GET', ...GET])], malformed],
  ['8.3.1 :scheme twice', [headers(1, [':scheme', 'https', ...GET])], malformed],
  ['8.3.1 :path twice', [headers(1, [':path', '/', ...GET])], malformed],
  ['8.3.1 :authority twice', [headers(1, [':authority', HOST, ...GET])], malformed],
  [
    '8.3.1 * for OPTIONS',
    [
      headers(
        1,
        ['OPTIONS', '*']
          .flatMap((value, i) => [[':method', ':path'][i]!, value])
          .concat(without(':method').slice(0, 4)),
      ),
    ],
    answered,
  ],
  ['8.5 CONNECT with a :path', [headers(1, GET.with(1, 'CONNECT'))], malformed],
  ['8.1.1 a length above the body', [headers(1, [...POST, 'content-length', '2'], END_HEADERS), data('x')], malformed],
  [
    '8.1.1 a length below the body',
    [headers(1, [...POST, 'content-length', '1'], END_HEADERS), data('xy')],
    malformed,
    { deviates: 'connection INTERNAL_ERROR' },
  ],
  [
    '8.1.1 a length above several DATA',
    [headers(1, [...POST, 'content-length', '9'], END_HEADERS), data('x', 0), data('x')],
    malformed,
  ],
  ['8.1.1 a length above nothing', [headers(1, [...POST, 'content-length', '1'])], malformed],
  [
    '8.1.1 a length that is right',
    [headers(1, [...POST, 'content-length', '2'], END_HEADERS), data('x', 0), data('y')],
    answered,
  ],
];

/** `x-custom: custom-value` by HPACK's means; names and Huffman codes of RFC 7541, C.4 and C.6. */
const KEY = '0a 63 75 73 74 6f 6d 2d 6b 65 79';
const VALUE = '0c 63 75 73 74 6f 6d 2d 76 61 6c 75 65';
const HUFFMAN_KEY = '88 25 a8 49 e9 5b a9 7d 7f';
const HUFFMAN_VALUE = '89 25 a8 49 e9 5b b8 e8 b4 bf';
const custom = arrives('custom-key: custom-value');

const HPACK: readonly Row[] = [
  ['hpack 6.2.1 a literal that is indexed', [hpack(`40 ${KEY} ${VALUE}`)], custom],
  ['hpack 6.2.2 a literal that is not', [hpack(`00 ${KEY} ${VALUE}`)], custom],
  ['hpack 6.2.3 a literal that never is', [hpack(`10 ${KEY} ${VALUE}`)], custom],
  ['hpack 6.1 a field of the static table', [hpack('90')], arrives('accept-encoding: gzip, deflate')],
  [
    'hpack 6.1 a field of the dynamic table',
    [hpack(`40 ${KEY} ${VALUE}`), end, hpackOn(3, 'be')],
    arrives('custom-key: custom-value', 'custom-key: custom-value'),
  ],
  ['hpack 6.2.1 a name of the dynamic table', [hpack(`40 ${KEY} ${VALUE} 7e 01 31`)], arrives('custom-key: 1')],
  ['hpack 6.2 a name of the static table', [hpack('0f 02 02 64 65')], arrives('accept-language: de')],
  ['hpack 5.2 Huffman', [hpack(`40 ${HUFFMAN_KEY} ${HUFFMAN_VALUE}`)], custom],
  ['hpack 6.3 a table of no size, then of the full', [sized('20 3f e1 1f', `40 ${KEY} ${VALUE} be`)], custom],
  ['hpack 4.4 an entry larger than the table empties it', [sized('2a', `40 ${KEY} ${VALUE}`)], custom],
  [
    'hpack 4.4 an entry that was evicted is no more',
    [sized('2a', `40 ${KEY} ${VALUE} be`)],
    connection('COMPRESSION_ERROR'),
  ],
  ['hpack 2.3.3 index 0', [hpack('80')], connection('COMPRESSION_ERROR')],
  ['hpack 2.3.3 an index beyond the tables', [hpack('be')], connection('COMPRESSION_ERROR')],
  ['hpack 2.3.3 a name with an index beyond the tables', [hpack('7f 00 01 31')], connection('COMPRESSION_ERROR')],
  ['hpack 4.2 a new size behind a field', [hpack('20')], connection('COMPRESSION_ERROR')],
  ['hpack 6.3 a size beyond what SETTINGS allow', [sized('3f e2 ff 03', '')], connection('COMPRESSION_ERROR')],
  ['hpack 5.1 an integer without its end', [hpack('ff')], connection('COMPRESSION_ERROR')],
  ['hpack 5.1 an integer that is too large', [hpack('ff ff ff ff ff ff ff ff ff 7f')], connection('COMPRESSION_ERROR')],
  ['hpack 5.1 an integer with zeros behind it', [hpack('0f 82 00 02 64 65')], arrives('accept-language: de')],
  ['hpack 5.2 a string that is cut off', [hpack('00 0a 63 75')], connection('COMPRESSION_ERROR')],
  ['hpack 5.2 a string without a value', [hpack(`00 ${KEY}`)], connection('COMPRESSION_ERROR')],
  [
    'hpack 5.2 Huffman padding of more than seven bits',
    [hpack(`00 ${KEY} 8a 25 a8 49 e9 5b b8 e8 b4 bf ff`)],
    connection('COMPRESSION_ERROR'),
  ],
  ['hpack 5.2 Huffman padding that is not ones', [hpack(`00 ${KEY} 81 18`)], connection('COMPRESSION_ERROR')],
  ['hpack 5.2 Huffman with the code for the end', [hpack(`00 ${KEY} 84 ff ff ff ff`)], connection('COMPRESSION_ERROR')],
];

/** The usual fields and then these, on another stream. */
function hpackOn(id: number, rest: string): Buffer {
  return frame(TYPE.headers, ENDS, id, Buffer.concat([block(GET), hex(rest)]));
}

/** A change of the table's size, the usual fields, and then these. */
function sized(size: string, rest: string): Buffer {
  return frame(TYPE.headers, ENDS, 1, Buffer.concat([hex(size), block(GET), hex(rest)]));
}

export const H2_CASES: readonly H2Case[] = [
  ...[STARTING, FRAMES, STATES, DATA_AND_HEADERS, CONTROL, WINDOWS, PIECES, MESSAGES, HPACK],
]
  .flat()
  .map(([name, steps, demand, rest]) => ({ name, steps, demand, ...rest }));
