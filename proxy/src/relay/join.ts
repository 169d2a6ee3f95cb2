// Joins two half-open sockets: bytes both ways with back-pressure, each end passed on by itself, a failure to both.
import type { Socket } from 'node:net';

/** `client` is the agent's side: when the other side fails it is reset, so that nobody takes the failure for a whole answer. */
export function join(client: Socket, upstream: Socket): void {
  client.pipe(upstream);
  upstream.pipe(client);
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.resetAndDestroy());
  // Without an error both directions have ended, and what is still buffered is on its way.
  client.on('close', (hadError) => {
    if (hadError) upstream.destroy();
  });
}
