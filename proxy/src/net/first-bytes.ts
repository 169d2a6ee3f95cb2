// Waits for the first bytes of a connection that may speak more than one protocol.
import type { Socket } from 'node:net';
import type { Timed } from './deadlines.ts';
import type { Services } from './services.ts';

/** A connection that ends without a byte is none: it is closed. */
export function awaitFirst(socket: Socket, { deadlines, limits }: Services, then: (bytes: Buffer) => void): void {
  const limit: Timed = {
    deadline: deadlines.now + limits.idleTimeoutMs,
    onDeadline: () => socket.destroy(),
  };
  const stop = (): void => {
    deadlines.delete(limit);
    socket.off('data', onData).off('end', onEnd).off('close', stop);
  };
  const onEnd = (): void => {
    stop();
    socket.end();
  };
  const onData = (bytes: Buffer): void => {
    stop();
    socket.pause();
    then(bytes);
  };
  deadlines.add(limit);
  socket.on('data', onData).on('end', onEnd).on('close', stop);
  socket.resume();
}
