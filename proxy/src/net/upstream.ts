// What an exchange knows of the side that answers, whatever protocol that speaks: an HTTP/1.1 connection now, a stream of HTTP/2 alike.
import type { Duplex } from 'node:stream';
import type { BodySink } from './h1/chunked.ts';
import type { Malformed } from './h1/malformed.ts';
import type { ResponseHead } from './h1/response-head.ts';

/** `length`: Content-Length is among the fields; `stream`: nobody knows it yet. */
export type RequestBodyKind = 'none' | 'length' | 'stream';

/** One request's way to its upstream. What is queued leaves with `flush` or `endRequest`. */
export interface UpstreamStream {
  /** The connection has carried requests before: it may have been closed in the meantime. */
  readonly isReused: boolean;
  /** A byte of the response has come. */
  readonly hasAnswered: boolean;
  /** The upstream said that it has not looked at the request (HTTP/2: REFUSED_STREAM, GOAWAY): it may be sent again. */
  readonly wasRefused: boolean;
  /** The next response is `handler`'s. */
  begin(handler: ResponseHandler): void;
  /** Instead of `begin`: nobody needs it any more. */
  giveBack(): void;
  queueRequest(method: string, target: string, rawHeaders: readonly string[], body: RequestBodyKind): void;
  queueBody(piece: Buffer): void;
  /** False = the upstream is slow: wait for `onUpstreamDrain`. */
  flush(): boolean;
  /** The request is complete; `trailers` are field lines. */
  endRequest(trailers: Buffer): void;
  pause(): void;
  resume(): void;
  /** Ends it without another word to its exchange. */
  abandon(): void;
}

/** What an exchange hears of its response. Every event of one read comes before `onUpstreamRead`. */
export interface ResponseHandler extends BodySink {
  /** 1xx, without 101. */
  onInterim(head: ResponseHead): void;
  onResponse(head: ResponseHead): void;
  /** 101: the connection is no longer HTTP; `rest` came behind the head. */
  onUpgraded(head: ResponseHead, socket: Duplex, rest: Buffer): void;
  /** The bytes of one read have been told: time to write. */
  onUpstreamRead(): void;
  onUpstreamDrain(): void;
  /** The response can no more be completed. `problem` says what was wrong with it; null = the connection ended. */
  onUpstreamLost(problem: Malformed | null): void;
  /** A bug on the way: it costs this exchange. */
  onFailure(error: unknown): void;
}
