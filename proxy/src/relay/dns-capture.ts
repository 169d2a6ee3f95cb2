// Takes in every DNS query over UDP, whatever server it is meant for, and passes it to the sidecar over one stream.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { ipBytes } from '../net/address.ts';
import { encodeAnswer, parseQuery } from '../net/dns-message.ts';
import { readFrames, writeFrame } from '../net/dns-stream.ts';
import { type Captures, dnsKey } from '../probe/captures.ts';
import { RELAY_ADDRESS } from './namespace.ts';
import type { Sidecar } from './sidecar.ts';
import { type Capture, portTaken } from './tcp-capture.ts';

/** Queries that wait for their answers; beyond it they are dropped, as UDP may. */
const MAX_WAITING = 1024;
const DNS_PORT = 53;
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

interface Asker {
  readonly port: number;
  readonly address: string;
}

export async function captureDns(captures: Captures): Promise<Capture> {
  let sidecar: Sidecar | null = null;
  let stream: { readonly socket: Socket; readonly waiting: Asker[] } | null = null;
  const udp = createSocket('udp4');

  const openStream = (to: Sidecar): NonNullable<typeof stream> => {
    const opened = { socket: to.open({ kind: 'dns' }), waiting: [] as Asker[] };
    opened.socket.on('error', () => opened.socket.destroy());
    opened.socket.on('end', () => opened.socket.destroy());
    opened.socket.on('close', () => {
      // Who still waits asks again, as after any lost datagram.
      if (stream === opened) stream = null;
    });
    // Answers come in the order of the queries; an empty one means that there is none.
    readFrames(opened.socket, (answer) => {
      const asker = opened.waiting.shift();
      if (asker !== undefined && answer.length > 0) udp.send(answer, asker.port, asker.address);
    });
    stream = opened;
    return opened;
  };

  udp.on('message', (query, asker) => {
    if (sidecar === null) {
      answerProbe(query, asker);
      return;
    }
    const { socket, waiting } = stream ?? openStream(sidecar);
    if (waiting.length >= MAX_WAITING) return;
    waiting.push({ port: asker.port, address: asker.address });
    writeFrame(socket, query);
  });

  const answerProbe = (query: Buffer, asker: Asker): void => {
    const parsed = parseQuery(query);
    if (parsed.kind !== 'question') return;
    captures.add(dnsKey(parsed.question.name));
    const isAddressQuestion = parsed.question.type === 'A';
    udp.send(
      encodeAnswer(parsed.question, 'ok', isAddressQuestion ? [ipBytes(RELAY_ADDRESS)!] : []),
      asker.port,
      asker.address,
    );
  };

  udp.bind(DNS_PORT, '0.0.0.0');
  try {
    await once(udp, 'listening');
  } catch (error) {
    throw portTaken(DNS_PORT, error as Error);
  }
  // As much as the kernel allows: a burst of look-ups must not be lost while we are busy.
  udp.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  // From here on errors are those of single answers, to askers that are gone.
  udp.on('error', () => {});
  return {
    passOn: (to) => {
      sidecar = to;
    },
    close: () => {
      udp.close();
      stream?.socket.destroy();
    },
  };
}
