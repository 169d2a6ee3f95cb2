// Signs the chunks of an `aws-chunked` body anew, in step: same framing, same length, other signatures. Source: Amazon S3 API Reference,
// "Signature calculations: transferring payload in multiple chunks", and the same "including trailing headers".
import { NotSigned } from './agent-signature.ts';
import { EMPTY_SHA256, sha256 } from './sigv4.ts';

/** A chunk is signed before its first byte: so much of it waits, in bytes. */
const CHUNK_LIMIT_BYTES = 16 * 1024 * 1024;
const LINE_LIMIT_BYTES = 4096;
const TRAILER_LIMIT_BYTES = 64 * 1024;
const HEAD = /^([0-9A-Fa-f]{1,8});chunk-signature=([0-9a-f*]{64,144})$/;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature:';

export interface ChunkSigning {
  /** `AWS4-HMAC-SHA256` or `AWS4-ECDSA-P256-SHA256`. */
  readonly algorithm: string;
  readonly amzDate: string;
  readonly scope: string;
  /** The signature of the request's head. */
  readonly seed: string;
  readonly hasTrailer: boolean;
  readonly sign: (text: string) => string;
}

export class ChunkSigner {
  private readonly signing: ChunkSigning;
  private waiting: Buffer = Buffer.alloc(0);
  private previous: string;
  private state: 'chunks' | 'trailer' | 'end' = 'chunks';

  constructor(signing: ChunkSigning) {
    this.signing = signing;
    this.previous = signing.seed;
  }

  /** What may leave; throws NotSigned where the body is not framed as it says. */
  push(bytes: Uint8Array): Buffer {
    this.waiting = Buffer.concat([this.waiting, bytes]);
    const out: Buffer[] = [];
    for (let piece = this.next(); piece !== null; piece = this.next()) out.push(piece);
    return Buffer.concat(out);
  }

  /** Throws NotSigned when the body ended early: an upstream would wait for the rest. */
  end(): void {
    if (this.state !== 'end' || this.waiting.length > 0) throw new NotSigned('its stream of chunks ends in the middle');
  }

  private next(): Buffer | null {
    switch (this.state) {
      case 'chunks':
        return this.nextChunk();
      case 'trailer':
        return this.trailer();
      case 'end':
        if (this.waiting.length > 0) throw new NotSigned('something follows its last chunk');
        return null;
      default:
        return this.state satisfies never;
    }
  }

  private nextChunk(): Buffer | null {
    const { waiting } = this;
    const lineEnd = waiting.indexOf('\r\n');
    if (lineEnd < 0) {
      if (waiting.length > LINE_LIMIT_BYTES) throw new NotSigned('a chunk of its stream has no head');
      return null;
    }
    const [, size, agents] = HEAD.exec(waiting.toString('latin1', 0, Math.min(lineEnd, LINE_LIMIT_BYTES))) ?? [];
    if (size === undefined || agents === undefined) throw new NotSigned('a chunk of its stream is not signed');
    const length = Number.parseInt(size, 16);
    if (length > CHUNK_LIMIT_BYTES) {
      throw new NotSigned(`a chunk of its stream is larger than ${CHUNK_LIMIT_BYTES} bytes`);
    }
    const start = lineEnd + 2;
    const isLast = length === 0;
    // Behind the last one comes the trailer, or the line that ends the body.
    const end = isLast && this.signing.hasTrailer ? start : start + length + 2;
    if (waiting.length < end) return null;
    const data = waiting.subarray(start, start + length);
    if (end > start && waiting.toString('latin1', end - 2, end) !== '\r\n') {
      throw new NotSigned('a chunk of its stream is longer than it says');
    }
    this.sign(`${this.signing.algorithm}-PAYLOAD`, `${EMPTY_SHA256}\n${sha256(data)}`);
    const head = Buffer.from(`${size};chunk-signature=${padded(this.previous, agents.length)}\r\n`, 'latin1');
    const piece = Buffer.concat([head, waiting.subarray(start, end)]);
    this.waiting = waiting.subarray(end);
    if (isLast) this.state = this.signing.hasTrailer ? 'trailer' : 'end';
    return piece;
  }

  private trailer(): Buffer | null {
    const end = this.waiting.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.waiting.length > TRAILER_LIMIT_BYTES) throw new NotSigned('the trailer of its stream has no end');
      return null;
    }
    const lines = this.waiting.toString('latin1', 0, end).split('\r\n');
    const agents = lines.pop() ?? '';
    if (!agents.toLowerCase().startsWith(TRAILER_SIGNATURE)) throw new NotSigned('its trailer is not signed');
    const canonical = lines.map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new NotSigned('its trailer is malformed');
      return `${line.slice(0, colon).trim().toLowerCase()}:${line.slice(colon + 1).trim()}\n`;
    });
    this.sign(`${this.signing.algorithm}-TRAILER`, sha256(canonical.join('')));
    const signature = padded(this.previous, agents.length - TRAILER_SIGNATURE.length);
    const field = agents.slice(0, TRAILER_SIGNATURE.length) + signature;
    this.waiting = this.waiting.subarray(end + 4);
    this.state = 'end';
    return Buffer.from(`${[...lines, field].join('\r\n')}\r\n\r\n`, 'latin1');
  }

  private sign(kind: string, hashes: string): void {
    const { amzDate, scope, sign } = this.signing;
    this.previous = sign([kind, amzDate, scope, this.previous, hashes].join('\n'));
  }
}

/** Signatures of version 4A differ in length: in a chunk's head they are filled up, so that its length is known before. */
function padded(signature: string, length: number): string {
  if (signature.length > length) throw new NotSigned('a signature of its stream leaves no room for ours');
  return signature.padEnd(length, '*');
}
