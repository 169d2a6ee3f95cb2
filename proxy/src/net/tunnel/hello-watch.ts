// A spliced TLS connection until its server name is settled: a server may ask for a second ClientHello, which must name the same host.
import { readClientHello, readServerAnswer } from '../client-hello.ts';
import { Malformed } from '../h1/malformed.ts';

const EMPTY = Buffer.alloc(0);
const CHANGE_CIPHER_SPEC = 20;

/** What may go on to the upstream now; a Malformed ends the connection. */
export type Released = Buffer | Malformed;

/** Holds back what the agent says behind its first hello until the server has answered (RFC 8446, 4.1.4). */
export class HelloWatch {
  private readonly serverName: string;
  private answer: Buffer = EMPTY;
  private held: Buffer = EMPTY;
  private state: 'answer' | 'second' | 'settled' = 'answer';

  constructor(serverName: string) {
    this.serverName = serverName;
  }

  /** Nothing more has to be watched. */
  get isSettled(): boolean {
    return this.state === 'settled';
  }

  /** The agent may send early data: it waits for the answer, as the server's own buffers would let it. */
  get isHolding(): boolean {
    return this.state === 'answer';
  }

  fromUpstream(chunk: Buffer): Released {
    if (this.state !== 'answer') return EMPTY;
    this.answer = Buffer.concat([this.answer, chunk]);
    const reading = readServerAnswer(this.answer);
    if (reading.do === 'wait') return EMPTY;
    this.answer = EMPTY;
    this.state = reading.isRetry ? 'second' : 'settled';
    return this.release();
  }

  fromAgent(chunk: Buffer): Released {
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    return this.state === 'answer' ? EMPTY : this.release();
  }

  private release(): Released {
    const { held } = this;
    if (this.state === 'second' && held.length > 0) {
      const hello = readClientHello(held.subarray(lengthOfSpecChanges(held)));
      if (hello.do === 'wait') return EMPTY;
      if (hello.do === 'refuse') return new Malformed('client-hello', 'the second ClientHello cannot be read');
      if (hello.serverName?.toLowerCase() !== this.serverName || hello.hasEncryptedHello) {
        return new Malformed('server-name', 'the second ClientHello names another host than the first');
      }
      this.state = 'settled';
    }
    if (this.state !== 'settled') return EMPTY;
    this.held = EMPTY;
    return held;
  }
}

/** Sent before a second hello for the sake of old middleboxes (RFC 8446, D.4). */
function lengthOfSpecChanges(bytes: Buffer): number {
  let at = 0;
  while (at + 6 <= bytes.length && bytes[at] === CHANGE_CIPHER_SPEC && bytes.readUInt16BE(at + 3) === 1) at += 6;
  return bytes[at] === CHANGE_CIPHER_SPEC ? bytes.length : at;
}
