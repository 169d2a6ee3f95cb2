// Whether a ClientHello may pass on unread: it must name the one host that was allowed. Pure.
import type { ClientNames } from '../client-hello.ts';
import { Malformed } from '../h1/malformed.ts';

/** The upstream must be asked for exactly the host that was allowed: its address may serve others as well. */
export function passthroughProblem(
  host: string,
  named: string | Malformed | null,
  { hasEncryptedHello }: ClientNames,
  isAlone: boolean,
): Malformed | null {
  if (!isAlone) return new Malformed('client-hello', 'the TLS handshake cannot be read');
  if (named === null)
    return new Malformed('no-server-name', `the TLS handshake does not name ${host}, so it is not passed on`);
  if (named !== host) return new Malformed('host-mismatch', 'TLS names another host than the connection');
  if (!hasEncryptedHello) return null;
  const reason = 'the TLS handshake holds an encrypted one (ECH), which may name another host';
  return new Malformed('encrypted-hello', reason);
}
