// Waits for the bytes that tell TLS from plain HTTP from anything else.
import type { Socket } from 'node:net';
import { type ClientNames, looksLikeTls, readClientHello } from './client-hello.ts';
import type { Timed } from './deadlines.ts';
import { Malformed } from './h1/malformed.ts';
import type { Services } from './services.ts';

export interface Sniffed {
  onTls(bytes: Buffer, names: ClientNames): void;
  onPlain(bytes: Buffer): void;
  onOther(problem: Malformed): void;
}

export class Sniffer implements Timed {
  deadline: number;
  private bytes: Buffer;
  private readonly socket: Socket;
  private readonly services: Services;
  private readonly sniffed: Sniffed;
  private isDone = false;

  constructor(socket: Socket, services: Services, first: Buffer | null, sniffed: Sniffed) {
    this.socket = socket;
    this.services = services;
    this.sniffed = sniffed;
    this.bytes = first ?? Buffer.alloc(0);
    this.deadline = services.deadlines.now + services.limits.headTimeoutMs;
    services.deadlines.add(this);
    socket.on('data', this.onData);
    socket.on('end', this.onEnd);
    socket.on('close', this.onEnd);
    socket.on('error', ignore);
    if (this.bytes.length > 0) this.judge();
    // It may have ended before anybody listened.
    else if (socket.readableEnded || socket.destroyed) this.onEnd();
    else socket.resume();
  }

  private readonly onData = (chunk: Buffer): void => {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    this.judge();
  };

  private readonly onEnd = (): void => {
    this.end(() =>
      this.sniffed.onOther(
        this.bytes.length === 0
          ? new Malformed('no-request', 'the connection was closed without a request')
          : new Malformed('tls-handshake', 'TLS handshake not finished by client'),
      ),
    );
  };

  onDeadline(): void {
    const reason = 'the client sent nothing that TLS or HTTP begins with; other protocols are not passed on';
    this.end(() => this.sniffed.onOther(new Malformed('silent', reason)));
  }

  private judge(): void {
    const { bytes } = this;
    if (!looksLikeTls(bytes)) {
      const first = bytes[0]!;
      const isLetter = (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a) || first === 13;
      this.end(() => {
        if (isLetter) this.sniffed.onPlain(bytes);
        else this.sniffed.onOther(new Malformed('not-http', 'neither TLS nor HTTP; other protocols are not passed on'));
      });
      return;
    }
    const hello = readClientHello(bytes);
    if (hello.do === 'wait') return;
    this.end(() => {
      if (hello.do === 'hello') this.sniffed.onTls(bytes, hello);
      else this.sniffed.onOther(new Malformed('client-hello', 'the TLS handshake cannot be read'));
    });
  }

  private end(then: () => void): void {
    if (this.isDone) return;
    this.isDone = true;
    this.services.deadlines.delete(this);
    this.socket.off('data', this.onData);
    this.socket.off('end', this.onEnd);
    this.socket.off('close', this.onEnd);
    this.socket.pause();
    try {
      then();
    } catch (error) {
      this.services.reportBug(error);
      this.socket.destroy();
    }
  }
}

/** The `close` that follows tells all that matters. */
function ignore(): void {}
