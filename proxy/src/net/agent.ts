// What an exchange knows of the side that asks, whatever protocol that speaks: HTTP/1.1 now, one stream of HTTP/2 alike.
import type { Duplex } from 'node:stream';
import type { Via } from '../contract.ts';
import type { BodySink } from './h1/chunked.ts';

/** A request whose head arrived and agrees with itself and with the connection. */
export interface AgentRequest {
  readonly via: Via;
  readonly scheme: 'https' | 'http';
  /** Lower case, without port, trailing dot and brackets. */
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** Origin-form. */
  readonly target: string;
  /** End-to-end fields and, in their place, the framing ones. */
  readonly rawHeaders: readonly string[];
  /** `length` with 0 bytes counts as `none`. */
  readonly body: 'none' | 'length' | 'chunked';
  /** In bytes; 0 unless `length`. */
  readonly contentLength: number;
  readonly expectContinue: boolean;
  readonly isWebSocket: boolean;
  /** Cannot take interim responses, chunks and trailers. */
  readonly isHttp10: boolean;
  /** Came as a stream of HTTP/2: an upstream that speaks it as well is preferred. */
  readonly isHttp2: boolean;
}

/** `length`: Content-Length is among the fields; `stream`: nobody knows it yet. */
export type ResponseBody = 'none' | 'length' | 'stream';

/** The agent's side of one exchange. What is queued leaves with `flush`. */
export interface AgentStream {
  /** The body's bytes go to `sink` from now on. */
  readBody(sink: BodySink): void;
  /** The exchange reads no more of the body. */
  dropBody(): void;
  pauseBody(): void;
  resumeBody(): void;
  sendContinue(): void;
  queueInterim(status: number, reason: string, rawHeaders: readonly string[]): void;
  queueResponse(status: number, reason: string, rawHeaders: readonly string[], body: ResponseBody): void;
  queueBody(chunk: Buffer): void;
  /** False = the agent is slow: wait for `onAgentDrain`. */
  flush(): boolean;
  /** Ends the response; the exchange is over for the agent's side. */
  finish(rawTrailers: readonly string[]): void;
  /** Ends the connection (HTTP/2: the stream) so that nobody takes the response for complete. */
  reset(): void;
  /** Hands over the bare connection after a 101 (HTTP/2: the stream after its 200); `rest` is what came behind the request. */
  detach(): { readonly socket: Duplex; readonly rest: Buffer };
  /** Bytes moved on the other side: the idle limit starts anew. */
  touch(): void;
}

/** What an exchange hears of the agent's side besides its body. */
export interface AgentListener {
  onAgentDrain(): void;
  /** The agent went away, or its body cannot be read on. */
  onAgentLost(reason: AgentLoss): void;
  /** A bug on the way: it costs this exchange. */
  onFailure(error: unknown): void;
}

export type AgentLoss =
  | { readonly kind: 'closed' }
  | { readonly kind: 'idle' }
  | { readonly kind: 'malformed'; readonly rule: string; readonly reason: string };
