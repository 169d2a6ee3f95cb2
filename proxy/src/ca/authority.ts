// The certificate authority of one session: its key lives in this process's memory alone and dies with it.
import type { SecureContext } from 'node:tls';

export interface AuthorityOptions {
  /** Session id, shown in the subject of the certificate. */
  readonly session: string;
  /** How long the authority and its leaves are valid, in ms; default 7 days. */
  readonly lifetimeMs?: number;
}

export interface Authority {
  /** The CA's certificate, PEM. The only thing of the authority that leaves the process. */
  readonly certificatePem: string;
  /** A context with a leaf for this name or IP literal; minted at first use, cached. */
  secureContext(host: string): SecureContext;
  /** Mints ahead, so that the first connection to these hosts waits for nothing. */
  premint(hosts: readonly string[]): void;
}

export function createAuthority(_options: AuthorityOptions): Authority {
  throw new Error('being written');
}
