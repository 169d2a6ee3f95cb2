// `egress.limits`: what may be used up in all, and what one connection and one message may take.

import Type from 'typebox';
import { closed, quotaParts, seconds, size, words } from './schema-parts.ts';

/** The default is the proxy's own and stands in the text. */
const count = (description: string, usual: number, minimum = 1, maximum = 1_000_000) =>
  Type.Optional(Type.Integer({ ...words(`${description}; ${usual}.`), minimum, maximum, examples: [usual] }));

const bytes = (description: string, usual: string) =>
  Type.Optional(size(`${description}; ${usual}.`, { examples: [usual] }));

const Http2Schema = Type.Object(
  {
    streams: count('Streams of the agent that are open at once', 256, 1, 100_000),
    reset_burst: count('Streams that the agent may reset at once before its connection ends', 1000),
    resets_per_second: count('Streams that it may reset each second after that', 33),
    refused_streams: count('Streams beyond those that may be open before the connection ends', 100),
    settings: count('Settings in one frame', 32, 1, 1000),
    stream_window: bytes('What the agent may send ahead on one stream', '512k'),
    window: bytes('What it may send ahead on a connection', '4m'),
    memory: bytes('Frames that wait to be sent to the agent, and heads that are being read', '16m'),
    upstream_stream_window: bytes('What an upstream may send ahead on one stream', '1m'),
    upstream_window: bytes('What it may send ahead on a connection', '16m'),
    upstream_memory: bytes('Frames that wait to be sent to an upstream, and heads that are being read', '64m'),
  },
  {
    ...closed,
    ...words('What one connection of HTTP/2 may take up. Beyond it streams are reset or the connection ends.'),
    examples: [{ streams: 100 }],
  },
);

export const LimitsSchema = Type.Object(
  {
    ...quotaParts,
    head_bytes: Type.Optional(size('Largest head of a message, as request_bytes; 64k.', { examples: ['64k'] })),
    head_fields: count('Most fields in the head of a request', 1000, 16, 10_000),
    trailer_bytes: bytes('Largest trailers of a message', '16k'),
    interim_answers: count('Interim answers (1xx) of an upstream to one request', 32, 0, 10_000),
    hold_bytes: bytes(
      'A request body up to this size is judged whole before its first byte leaves; a larger one as it comes',
      '4m',
    ),
    held_bytes: bytes('All request bodies together that are kept for that', '128m'),
    decoded_bytes: bytes('What one compressed body or message may decode to', '256m'),
    connections: count('Connections of the agent that are open at once', 16_384),
    idle_upstreams: count('Idle connections to upstreams that each thread keeps', 1024, 0),
    head_seconds: Type.Optional(seconds('How long a head may take to arrive; 30.', 30)),
    connect_seconds: Type.Optional(seconds('How long a connection to an upstream may take; 10.', 10)),
    idle_seconds: Type.Optional(seconds('How long nothing may move on a connection; 1800.', 1800)),
    hold_seconds: Type.Optional(seconds('How long a held request waits for a person before it is refused; 120.', 120)),
    http2: Type.Optional(Http2Schema),
  },
  {
    ...closed,
    ...words('What may be used up in all, and what one connection may take. Beyond it requests are refused.'),
    examples: [{ requests_per_minute: 600, total_bytes: '1g' }],
  },
);
