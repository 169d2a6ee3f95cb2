// TLS towards upstreams: verified by the requested name against the configured roots, sessions resumed, failures named.
import { isIP, type Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { ClientIdentity } from './client-identities.ts';
import { type DialRefusal, DialRefused } from './dial-refused.ts';

export interface TlsDialer {
  /** Parses the roots now (10 ms for a system's bundle), so that the first upstream connection does not wait for it. */
  warm(): void;
  /** Owns `socket` from here on; rejects with the signal's reason when it aborts first. */
  secure(
    socket: Socket,
    host: string,
    port: number,
    protocols: readonly string[],
    signal: AbortSignal,
    /** What the upstream may see of us; null or left out = nothing. */
    identity?: ClientIdentity | null,
  ): Promise<TLSSocket>;
  clear(): void;
}

const MAX_SESSIONS = 512;

/** `roots`: PEM text; '' = no upstream is trusted. */
export function createTlsDialer(roots: string): TlsDialer {
  const sessions = new Map<string, Buffer>();
  let context: SecureContext | undefined;
  const contextOnce = (): SecureContext => {
    // An empty list, unlike undefined, does not make Node fall back to the roots that it was built with.
    context ??= createSecureContext({ ca: roots.trim() === '' ? [] : roots, minVersion: 'TLSv1.2' });
    return context;
  };
  const identified = new WeakMap<ClientIdentity, SecureContext>();
  const contextFor = (identity: ClientIdentity | null): SecureContext => {
    if (identity === null) return contextOnce();
    let own = identified.get(identity);
    if (own === undefined) {
      const { cert, key } = identity;
      own = createSecureContext({ ca: roots.trim() === '' ? [] : roots, minVersion: 'TLSv1.2', cert, key });
      identified.set(identity, own);
    }
    return own;
  };
  const keep = (key: string, session: Buffer): void => {
    sessions.delete(key);
    sessions.set(key, session);
    if (sessions.size > MAX_SESSIONS) sessions.delete(sessions.keys().next().value as string);
  };

  return {
    warm: () => void contextOnce(),
    secure: (socket, host, port, protocols, signal, identity = null) => {
      const place = `${host}:${port}`;
      // A session says who we are without another look at a certificate: each identity has its own.
      const key = identity === null ? place : `${place} ${identity.id}`;
      const known = sessions.get(key);
      const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
      const tls = connect({
        socket,
        // No SNI for literals (RFC 6066, 3); the identity check then reads `host`.
        ...(isIP(host) === 0 ? { servername: host } : {}),
        host,
        secureContext: contextFor(identity),
        ALPNProtocols: [...protocols],
        ...(known === undefined ? {} : { session: known }),
      });
      const done = (): void => {
        signal.removeEventListener('abort', onAbort);
        tls.removeListener('error', onError);
      };
      const onAbort = (): void => {
        done();
        tls.on('error', () => {}); // Destroyed by ourselves: what it still says is of no interest.
        tls.destroy();
        reject(signal.reason);
      };
      const onError = (error: Error): void => {
        done();
        // A session that the upstream no longer likes must not fail every later connection, too.
        sessions.delete(key);
        tls.on('error', () => {}); // The first error is the one that is reported.
        tls.destroy();
        reject(notSecured(place, error));
      };
      // With TLS 1.2 the session comes before the certificate was judged: it is kept once the connection is trusted.
      let early: Buffer | undefined;
      tls.on('session', (session) => {
        if (tls.authorized) keep(key, session);
        else early = session;
      });
      tls.once('secureConnect', () => {
        done();
        if (early !== undefined) keep(key, early);
        resolve(tls);
      });
      tls.on('error', onError);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort);
      return promise;
    },
    clear: () => sessions.clear(),
  };
}

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

/** Alerts with which an upstream says what it thinks of our certificate (RFC 8446, 6.2). */
const ABOUT_OURS =
  /_ALERT_(?:CERTIFICATE_REQUIRED|NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)$/;

/** With TLS 1.3 it comes behind the handshake. */
export const isAboutOurs = (code: string): boolean => ABOUT_OURS.test(code);

function aboutOurCertificate(place: string, code: string): DialRefusal {
  return {
    stage: 'upstream',
    rule: 'client-certificate',
    reason: `${place} wants a client certificate that it trusts (${code})`,
    fix: 'give the entry client_certificate with one that the upstream accepts',
  };
}

function notSecured(place: string, error: NodeJS.ErrnoException): DialRefused {
  const code = error.code ?? '';
  const certificate = (reason: string, fix: string): DialRefused =>
    new DialRefused(
      { stage: 'upstream', rule: 'certificate', reason: `the certificate of ${place} ${reason}`, fix },
      error,
    );
  if (UNKNOWN_AUTHORITY.has(code)) {
    return certificate(
      `is signed by an authority that this machine does not trust (${code})`,
      "add that authority to the machine's trust store, or name its PEM file in NODE_EXTRA_CA_CERTS",
    );
  }
  if (isAboutOurs(code)) {
    return new DialRefused(aboutOurCertificate(place, code), error);
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return certificate('has expired', "renew it at the upstream, or check this machine's clock");
    case 'CERT_NOT_YET_VALID':
      return certificate('is not valid yet', "check this machine's clock");
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return certificate('is for another name', 'use the name that the certificate names, or correct the certificate');
    case 'UNSPECIFIED':
      // A verdict on a certificate for which Node has no code, as for SHA-1: only its message names it.
      return certificate(`is not accepted (${error.message})`, 'correct the certificate at the upstream');
  }
  if (/CERT|CRL|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE|HOSTNAME_MISMATCH|EE_KEY_TOO_SMALL/.test(code)) {
    return certificate(`is not accepted (${code})`, 'correct the certificate at the upstream');
  }
  return new DialRefused(
    {
      stage: 'upstream',
      rule: code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' ? 'alpn' : 'tls',
      reason: `no TLS connection with ${place} (${code === '' ? error.message : code})`,
      fix: 'check that the upstream speaks TLS 1.2 or later on this port',
    },
    error,
  );
}
