// Our DNS: answers every question by itself, records it, forwards nothing. UDP, TCP, and the stream form that relays send.
import type { Duplex } from 'node:stream';
import type { Pipeline, RecordDraft } from '../pipeline/types.ts';

export interface DnsResponderOptions {
  readonly session: string;
  /** IPv4 address given for every A question. */
  readonly answer: string;
  readonly judgeName: Pipeline['judgeName'];
  /** Appends the query's record (AuditSink.append); when it throws, the client gets SERVFAIL. */
  readonly record: (draft: RecordDraft) => void;
}

/** A whole query in, a whole answer out; null = too malformed to answer. */
export type DnsResponder = (query: Buffer, transport: 'udp' | 'tcp') => Buffer | null;

export function createDnsResponder(_options: DnsResponderOptions): DnsResponder {
  throw new Error('being written');
}

export interface DnsServer {
  /** Bound `ADDR:PORT`, the same for UDP and TCP. */
  readonly listening: string;
  close(): Promise<void>;
}

/** UDP and TCP on one `ADDR:PORT` (port 0 = any free one). */
export function listenDns(_listen: string, _respond: DnsResponder): Promise<DnsServer> {
  throw new Error('being written');
}

/** Serves 16-bit length-prefixed queries on a stream: a DNS TCP connection, or a relay's `dns` connection after its hello. */
export function serveDnsStream(_stream: Duplex, _respond: DnsResponder): void {
  throw new Error('being written');
}
