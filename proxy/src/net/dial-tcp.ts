// Connects to the first of several judged addresses that answers (RFC 8305): a new attempt every 250 ms, or when one fails.
import { connect, type Socket } from 'node:net';
import { DialRefused } from './dial-refused.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const ATTEMPT_DELAY_MS = 250;

/** Rejects with the signal's reason when it aborts first. */
export function connectFirst(place: string, endpoints: readonly Endpoint[], signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const waiting = takeTurns(endpoints);
  const attempts = new Set<Socket>();
  let timer: NodeJS.Timeout | undefined;
  let lastError: NodeJS.ErrnoException | undefined;

  const finish = (winner: Socket | null): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    for (const socket of attempts) if (socket !== winner) socket.destroy();
    attempts.clear();
  };
  const onAbort = (): void => {
    finish(null);
    reject(signal.reason);
  };
  const next = (): void => {
    clearTimeout(timer);
    const endpoint = waiting.shift();
    if (endpoint === undefined) {
      if (attempts.size > 0) return;
      finish(null);
      reject(notConnected(place, lastError));
      return;
    }
    const socket = connect({ host: endpoint.address, port: endpoint.port, noDelay: true, keepAlive: true });
    attempts.add(socket);
    socket.once('connect', () => {
      if (!attempts.has(socket)) return;
      socket.removeAllListeners('error');
      finish(socket);
      resolve(socket);
    });
    socket.on('error', (error) => {
      lastError = error;
      if (attempts.delete(socket)) next();
    });
    timer = setTimeout(next, ATTEMPT_DELAY_MS);
  };

  if (signal.aborted) reject(signal.reason);
  else {
    signal.addEventListener('abort', onAbort);
    next();
  }
  return promise;
}

/** Alternates between the families, so that a dead one costs one delay and not all of its addresses. */
function takeTurns(endpoints: readonly Endpoint[]): Endpoint[] {
  const isIPv6 = (endpoint: Endpoint): boolean => endpoint.address.includes(':');
  const first = endpoints.filter((endpoint) => isIPv6(endpoint) === isIPv6(endpoints[0]!));
  const second = endpoints.filter((endpoint) => !first.includes(endpoint));
  return first.flatMap((endpoint, i) => [endpoint, ...second.slice(i, i + 1)]).concat(second.slice(first.length));
}

function notConnected(place: string, error: NodeJS.ErrnoException | undefined): DialRefused {
  const why = WORDS[error?.code ?? ''] ?? error?.code ?? 'no address';
  return new DialRefused(
    {
      stage: 'upstream',
      rule: 'connect',
      reason: `${place} cannot be reached (${why})`,
      fix: 'check that the upstream is up and reachable from this machine',
    },
    error,
  );
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  ETIMEDOUT: 'timed out',
};
