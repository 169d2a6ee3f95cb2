// Our DNS: answers every question by itself, records it, forwards nothing. UDP, TCP, and the stream form that relays send.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { AuditFailure } from '../audit/failure.ts';
import { newRecordId } from '../audit/record.ts';
import type { NameJudgement, Pipeline, RecordDraft } from '../pipeline/types.ts';
import { ipBytes, nameKind } from './address.ts';
import { type DnsQuestion, encodeAnswer, encodeError, parseQuery } from './dns-message.ts';
import { readFrames, writeFrame } from './dns-stream.ts';

export interface DnsResponderOptions {
  readonly session: string;
  /** IPv4 address given for every A question. */
  readonly answer: string;
  readonly judgeName: Pipeline['judgeName'];
  /** Appends the query's record (AuditSink.append); when it throws AuditFailure, the client gets SERVFAIL. */
  readonly record: (draft: RecordDraft) => void;
}

/** A whole query in, a whole answer out; null = not to be answered at all. */
export type DnsResponder = (query: Buffer) => Buffer | null;

const LOOPBACK_V4 = Buffer.from([127, 0, 0, 1]);
const LOOPBACK_V6 = Buffer.from([...new Array<number>(15).fill(0), 1]);
const TCP_IDLE_MS = 30_000;

export function createDnsResponder(options: DnsResponderOptions): DnsResponder {
  const answer = ipBytes(options.answer);
  if (answer === null) throw new RangeError(`not an IPv4 address: ${options.answer}`);

  /** False when the query must not be answered because nobody would know of it. */
  const record = (name: string, type: string, judgement: NameJudgement): boolean => {
    try {
      options.record(draftRecord(options.session, name, type, judgement));
      return true;
    } catch (error) {
      if (error instanceof AuditFailure) return false;
      throw error;
    }
  };

  return (query) => {
    const parsed = parseQuery(query);
    switch (parsed.kind) {
      case 'ignore':
        return null;
      case 'bad':
        return encodeError(parsed.id, record('', '', refusedQuery(parsed.reason)) ? parsed.code : 'failed');
      case 'question': {
        const { question } = parsed;
        const isRecorded = record(question.name, question.type, options.judgeName(question.name, question.type));
        return isRecorded ? answerQuestion(question, answer) : encodeAnswer(question, 'failed');
      }
      default:
        return parsed satisfies never;
    }
  };
}

/** Names that are not allowed get the same answer: the request that follows is refused with words that a person can read. */
function answerQuestion(question: DnsQuestion, answer: Buffer): Buffer {
  if (!question.isInternetClass) return encodeAnswer(question, 'refused');
  const isLoopback = nameKind(question.name) === 'loopback';
  switch (question.type) {
    case 'A':
      return encodeAnswer(question, 'ok', [isLoopback ? LOOPBACK_V4 : answer]);
    case 'AAAA':
      return encodeAnswer(question, 'ok', isLoopback ? [LOOPBACK_V6] : []);
    case 'ANY':
    case 'AXFR':
    case 'IXFR':
      return encodeAnswer(question, 'refused');
    default:
      // HTTPS and SVCB, too: an ECH key there would hide the name that we decide by.
      return encodeAnswer(question, 'ok');
  }
}

function refusedQuery(reason: string): NameJudgement {
  return { verdict: 'block', stage: 'protocol', rule: 'malformed-dns', reason, findings: [] };
}

function draftRecord(session: string, name: string, type: string, judgement: NameJudgement): RecordDraft {
  // A name in which something was found may be the secret itself, in labels: it is written nowhere.
  const finding = judgement.findings[0];
  const shownName = finding === undefined ? name : `[${finding.detector}]`;
  return {
    ts: new Date().toISOString(),
    id: newRecordId(),
    session,
    via: 'dns',
    host: shownName,
    port: 53,
    method: type,
    path: '',
    status: 0,
    verdict: judgement.verdict,
    stage: judgement.stage,
    rule: judgement.rule,
    reason: finding === undefined ? judgement.reason : judgement.reason.replaceAll(name, shownName),
    findings: judgement.findings,
    injected: [],
    bytes_out: 0,
    bytes_in: 0,
    ms: 0,
  };
}

export interface DnsServer {
  /** Bound `ADDR:PORT`, the same for UDP and TCP. */
  readonly listening: string;
  close(): Promise<void>;
}

/** UDP and TCP on one `ADDR:PORT` (port 0 = any free one). */
export async function listenDns(listen: string, respond: DnsResponder): Promise<DnsServer> {
  const colon = listen.lastIndexOf(':');
  const address = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const tcp = createServer((socket) => {
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    serveDnsStream(socket, respond);
  });
  const port = await listenTcp(tcp, address, Number(listen.slice(colon + 1)));
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    await bindUdp(udp, address, port);
  } catch (error) {
    tcp.close();
    throw error;
  }
  udp.on('message', (query, from) => {
    const reply = respond(query);
    if (reply !== null) udp.send(reply, from.port, from.address);
  });
  // A client that is gone (ICMP port unreachable) is no concern of ours.
  udp.on('error', () => {});
  return {
    listening: `${listen.slice(0, colon)}:${port}`,
    close: async () => {
      udp.close();
      const closed = once(tcp, 'close');
      tcp.close();
      await closed;
    },
  };
}

/** Serves length-prefixed queries in their order: a DNS TCP connection, or a relay's `dns` connection after its hello. */
export function serveDnsStream(stream: Duplex, respond: DnsResponder): void {
  stream.on('error', () => stream.destroy());
  stream.on('drain', () => stream.resume());
  readFrames(stream, (query) => {
    // Also for a query that gets no answer, as an empty frame: relays match answers to queries by their order.
    const isReady = writeFrame(stream, respond(query) ?? Buffer.alloc(0));
    if (!isReady) stream.pause();
  });
  stream.on('end', () => stream.end());
  // It may come paused, out of the reading of its hello.
  stream.resume();
}

async function listenTcp(server: Server, address: string, port: number): Promise<number> {
  server.listen(port, address);
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('a TCP server has an address and a port');
  return bound.port;
}

async function bindUdp(socket: UdpSocket, address: string, port: number): Promise<void> {
  const listening = once(socket, 'listening');
  socket.bind(port, address);
  await listening;
}
