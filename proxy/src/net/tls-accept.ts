// TLS towards the agent on an accepted connection, with the leaf of the host that it asked for.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Timed } from './deadlines.ts';
import type { Services } from './services.ts';

export interface Acceptance {
  /** The handshake is done; `alpn` is '' when the client offered none. */
  onSecure(socket: TLSSocket, alpn: string): void;
  onFailed(): void;
}

/** Whatever the upstream will speak: the two sides are negotiated apart. */
const PROTOCOLS = ['h2', 'http/1.1', 'http/1.0'];

/**
 * A TLSSocket of our own for each connection, and not a tls.Server: its certificate can then depend on where the connection was going to
 * when the client sends no server name (IP literals), and every host keeps its own session tickets.
 */
export function acceptTls(socket: Socket, host: string, services: Services, acceptance: Acceptance): void {
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: services.authority.secureContext(host),
    ALPNProtocols: PROTOCOLS,
    requestCert: false,
  });
  let isDone = false;
  const limit: Timed = {
    deadline: services.deadlines.now + services.limits.headTimeoutMs,
    onDeadline: () => fail(),
  };
  services.deadlines.add(limit);
  const end = (): boolean => {
    if (isDone) return false;
    isDone = true;
    services.deadlines.delete(limit);
    return true;
  };
  const fail = (): void => {
    if (end()) acceptance.onFailed();
    secured.destroy();
  };
  secured.once('secure', () => {
    if (!end()) return;
    // What a tls.Server would do; without it node:http2 waits for a handshake that is over.
    (secured as { secureConnecting?: boolean }).secureConnecting = false;
    const alpn = secured.alpnProtocol;
    acceptance.onSecure(secured, typeof alpn === 'string' ? alpn : '');
  });
  // Without a tls.Server nobody else ends the connection on a TLS error after the handshake (a bad record, say).
  secured.on('_tlsError', () => secured.destroy());
  secured.on('error', fail);
  secured.on('close', fail);
  // A client that gives up may just end its side.
  secured.on('end', () => {
    if (!isDone) fail();
  });
}
