// Connections to the sidecar's unix socket: each begins with one line that says what it carries.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { RelayHello } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';

export interface Sidecar {
  /** Half-open allowed; the hello is written ahead of everything else. Errors come as `error` on the socket. */
  open(hello: RelayHello): Socket;
  /** Waits until the sidecar listens; the sidecar closes this connection when it ends. */
  openLifeline(timeoutMs: number): Promise<Socket>;
}

const RETRY_MS = 10;

export function createSidecar(socketPath: string): Sidecar {
  let threads = 1;
  let next = 0;
  /** By turns, so that the threads of the sidecar get as many connections each. */
  const takePath = (): string => {
    const index = next++ % threads;
    return index === 0 ? socketPath : `${socketPath}.${index}`;
  };
  const open = (hello: RelayHello, path = takePath()): Socket => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.write(`${JSON.stringify(hello)}\n`);
    return socket;
  };
  return {
    open: (hello) => open(hello),
    openLifeline: async (timeoutMs) => {
      const endMs = performance.now() + timeoutMs;
      for (;;) {
        const socket = open({ kind: 'lifeline' }, socketPath);
        try {
          await once(socket, 'connect');
          socket.on('data', (marks: Buffer) => {
            threads += marks.length;
          });
          return socket;
        } catch (error) {
          // It starts at the same time as we do: not there yet, or there and not listening yet.
          if (performance.now() > endMs) throw notThere(socketPath, timeoutMs, error as Error);
        }
        await delay(RETRY_MS);
      }
    },
  };
}

function notThere(socketPath: string, timeoutMs: number, cause: Error): ProxyFailure {
  return new ProxyFailure({
    what: 'the relay cannot reach the proxy',
    why: `${socketPath} did not accept a connection within ${timeoutMs} ms (${cause.message})`,
    fix: "look at the proxy's own message",
    cause,
  });
}
