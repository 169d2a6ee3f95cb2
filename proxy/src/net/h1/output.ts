// What is to be written to a socket, gathered so that one event leaves as one write.
import type { Socket } from 'node:net';

/** Up to this size pieces are copied into one buffer, which is cheaper than a vectored write. In bytes. */
const COPY_BYTES = 64 * 1024;

export class Output {
  private pieces: (string | Buffer)[] = [];
  private bytes = 0;
  private readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Strings are latin1. */
  queue(piece: string | Buffer): void {
    this.pieces.push(piece);
    this.bytes += piece.length;
  }

  get isEmpty(): boolean {
    return this.pieces.length === 0;
  }

  /** Writes what is queued; false = the peer is slow, wait for `drain`. */
  flush(): boolean {
    const { pieces, bytes, socket } = this;
    if (pieces.length === 0) return !socket.writableNeedDrain;
    this.pieces = [];
    this.bytes = 0;
    if (socket.destroyed || !socket.writable) return true;
    if (pieces.length === 1) return socket.write(pieces[0]!, 'latin1');
    if (bytes <= COPY_BYTES) return socket.write(joinPieces(pieces, bytes));
    socket.cork();
    let isFast = true;
    for (const piece of pieces) isFast = socket.write(piece, 'latin1');
    socket.uncork();
    return isFast;
  }
}

export function joinPieces(pieces: readonly (string | Buffer)[], bytes: number): Buffer {
  const joined = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const piece of pieces) {
    at += typeof piece === 'string' ? joined.write(piece, at, 'latin1') : piece.copy(joined, at);
  }
  return joined;
}
