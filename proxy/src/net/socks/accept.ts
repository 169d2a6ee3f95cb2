// A SOCKS5 client of the explicit proxy: the two messages before its tunnel, on a socket.
import type { Socket } from 'node:net';
import type { Authority } from '../authority.ts';
import type { Timed } from '../deadlines.ts';
import { Malformed } from '../h1/malformed.ts';
import type { Services } from '../services.ts';
import { readGreeting, readSocksRequest, type SocksReading } from './request.ts';

export interface SocksAcceptance {
  /** The client waits for the reply to its request; `rest` came behind it. */
  onConnect(authority: Authority, rest: Buffer): void;
  /** Answered and about to end. */
  onRefused(problem: Malformed, place: Authority | null): void;
}

/** `first` holds at least one byte. */
export function acceptSocks(socket: Socket, first: Buffer, services: Services, acceptance: SocksAcceptance): void {
  let bytes = first;
  let read: (bytes: Buffer) => SocksReading = readGreeting;
  const limit: Timed = {
    deadline: services.deadlines.now + services.limits.headTimeoutMs,
    onDeadline: () => refuse(Buffer.alloc(0), new Malformed('head-timeout', 'the SOCKS request took too long'), null),
  };
  const stop = (): void => {
    services.deadlines.delete(limit);
    socket.off('data', onData).off('end', onEnd).off('close', onEnd);
    socket.pause();
  };
  const refuse = (reply: Buffer, problem: Malformed, place: Authority | null): void => {
    stop();
    acceptance.onRefused(problem, place);
    socket.end(reply, () => socket.destroy());
  };
  const onEnd = (): void => {
    refuse(Buffer.alloc(0), new Malformed('socks-request', 'the connection ended before the SOCKS request did'), null);
  };
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    advance();
  };
  const advance = (): void => {
    for (;;) {
      const reading = read(bytes);
      switch (reading.do) {
        case 'wait':
          return;
        case 'go':
          bytes = bytes.subarray(reading.used);
          socket.write(reading.reply);
          read = readSocksRequest;
          break;
        case 'connect':
          stop();
          acceptance.onConnect(reading.authority, bytes.subarray(reading.used));
          return;
        case 'refuse':
          refuse(reading.reply, reading.problem, reading.place);
          return;
        default:
          reading satisfies never;
      }
    }
  };
  services.deadlines.add(limit);
  socket.on('data', onData).on('end', onEnd).on('close', onEnd);
  socket.resume();
  advance();
}
