// What a connection is told about where it came from: how requests on it are read, and who takes them.
import type { AgentListener, AgentRequest, AgentStream } from '../agent.ts';
import type { AgentConnection } from './agent-connection.ts';
import type { Malformed } from './malformed.ts';
import type { RequestHead } from './request-head.ts';

export interface Origin {
  /** The request as the exchange sees it, or why it does not belong here. */
  readonly resolve: (head: RequestHead) => AgentRequest | Malformed;
  /** Answers a CONNECT by taking the socket over; null = CONNECT is refused here. */
  readonly connect: ((head: RequestHead, connection: AgentConnection) => Malformed | null) | null;
  /** Starts the exchange; calls of the connection follow on what it returns. */
  readonly exchange: (request: AgentRequest, stream: AgentStream) => AgentListener;
  /** What cannot be a request: a record, and the answer if one can be given. */
  readonly malformed: (problem: Malformed, head: RequestHead | null, stream: AgentStream) => void;
  /** TLS does not half-close in HTTP: the end of input means that the agent is gone. */
  readonly isSecure: boolean;
}
