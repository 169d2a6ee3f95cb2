// The bounds of the proxy and their defaults.

/** Every bound of the proxy. All are refused or reset with a verdict of their own, never silently cut. */
export interface ProxyLimits {
  /** Largest request head, in bytes. */
  readonly headBytes: number;
  /** Fields of one request's head. */
  readonly headFields: number;
  /** Trailer lines of one message, in bytes. */
  readonly trailerBytes: number;
  /** Interim answers (1xx) of an upstream to one request. */
  readonly interims: number;
  /** A request body up to this size is judged whole before its first byte leaves; a larger one streams with a held-back tail. In bytes. */
  readonly holdBytes: number;
  /** All request bodies together that wait to be judged whole; past it they are judged as they come. In bytes. */
  readonly heldBytes: number;
  /** Most bytes that compressed content may decode to, per message; beyond it: `over_budget`. In bytes. */
  readonly decodedBytes: number;
  /** Time for a client to send a complete head, in ms. */
  readonly headTimeoutMs: number;
  /** Time to connect and finish TLS with the upstream, in ms. */
  readonly connectTimeoutMs: number;
  /** Time without a byte in either direction before an exchange is reset, in ms. */
  readonly idleTimeoutMs: number;
  /** Time for a person to decide on a held request, in ms; then it is refused. */
  readonly holdTimeoutMs: number;
  /** Connections open at the same time. */
  readonly connections: number;
  /** Idle connections to upstreams that are kept, in each thread. */
  readonly idleUpstreams: number;
  readonly http2: Http2Limits;
  /** Threads that serve when there is work for them; 0 = as many as there are cores. */
  readonly workers: number;
}

/** What one connection of HTTP/2 may take up. Beyond it streams are refused or reset, or the connection ends (GOAWAY). */
export interface Http2Limits {
  /** Streams of an agent that are open at the same time on one connection. */
  readonly streams: number;
  /** Streams that an agent may reset at once, and each second after that; then its connection ends. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Streams of an agent beyond those that may be open, before its connection ends. */
  readonly refusedStreams: number;
  /** Settings in one frame. */
  readonly settings: number;
  /** What an agent may send ahead of what was read, on one stream and on all of a connection; in bytes. */
  readonly streamWindowBytes: number;
  readonly windowBytes: number;
  /** Frames that wait to be sent to an agent, and heads that are being read. In bytes. */
  readonly memoryBytes: number;
  /** The same three of an upstream. */
  readonly upstreamStreamWindowBytes: number;
  readonly upstreamWindowBytes: number;
  readonly upstreamMemoryBytes: number;
}

const DEFAULT_HTTP2_LIMITS: Http2Limits = {
  streams: 256,
  resetBurst: 1000,
  resetsPerSecond: 33,
  refusedStreams: 100,
  settings: 32,
  streamWindowBytes: 512 * 1024,
  windowBytes: 4 * 1024 * 1024,
  memoryBytes: 16 * 1024 * 1024,
  upstreamStreamWindowBytes: 1024 * 1024,
  upstreamWindowBytes: 16 * 1024 * 1024,
  upstreamMemoryBytes: 64 * 1024 * 1024,
};

export const DEFAULT_LIMITS: ProxyLimits = {
  headBytes: 64 * 1024,
  headFields: 1000,
  trailerBytes: 16 * 1024,
  interims: 32,
  holdBytes: 4 * 1024 * 1024,
  heldBytes: 128 * 1024 * 1024,
  decodedBytes: 256 * 1024 * 1024,
  headTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 30 * 60_000,
  holdTimeoutMs: 120_000,
  connections: 16_384,
  idleUpstreams: 1024,
  http2: DEFAULT_HTTP2_LIMITS,
  workers: 0,
};
