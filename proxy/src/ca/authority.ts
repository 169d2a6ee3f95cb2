// The certificate authority of one session: its key lives in this process's memory alone and dies with it.
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { ProxyFailure } from '../failure.ts';
import { ipBytes } from '../net/address.ts';
import {
  type CertificateFields,
  encodeCertificate,
  keyIdentifier,
  MAX_COMMON_NAME,
  type Name,
  type Role,
  toPem,
} from './certificate.ts';

export interface AuthorityOptions {
  /** Session id, shown in the subject of the certificate. */
  readonly session: string;
  /** How long the authority and its leaves are valid, in ms; default 7 days. */
  readonly lifetimeMs?: number;
  /** Leaves kept at the same time; default 1024 (about 50 kB each). */
  readonly cacheSize?: number;
  /** Of the same authority in another thread of this process. */
  readonly secrets?: AuthoritySecrets;
}

/** What makes an authority. Moves between threads in their memory, and never anywhere else. */
export interface AuthoritySecrets {
  readonly privateKey: KeyObject;
  readonly leafPrivateKey: KeyObject;
  readonly certificatePem: string;
  /** Session tickets are sealed with keys made of it, one for each host: a session resumes in whichever thread it comes to. */
  readonly ticketSecret: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface Authority {
  /** The CA's certificate, PEM. The only thing of the authority that leaves the process. */
  readonly certificatePem: string;
  /** For the same authority in another thread. */
  readonly secrets: AuthoritySecrets;
  /** A context with a leaf for this name or IP literal; minted at first use, cached. Throws ProxyFailure for what is neither. */
  secureContext(host: string): SecureContext;
  /** Mints ahead, so that the first connection to these hosts waits for nothing. Patterns and what is no name are passed over. */
  premint(hosts: readonly string[]): void;
}

const WEEK_MS = 7 * 24 * 60 * 60_000;
/** Clocks of containers on another machine may be behind. */
const BACKDATE_MS = 60 * 60_000;
const SERIAL_BYTES = 16;
const TICKET_SECRET_BYTES = 48;
// All that an ECDSA leaf can be used with, CBC left out; the whole default list costs 60 us a leaf.
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':');
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*$/;

export function createAuthority(options: AuthorityOptions): Authority {
  const now = Date.now();
  const { secrets: given } = options;
  const notBefore = given?.notBefore ?? new Date(now - BACKDATE_MS);
  const notAfter = given?.notAfter ?? new Date(now + (options.lifetimeMs ?? WEEK_MS));
  const ticketSecret = given?.ticketSecret ?? randomBytes(TICKET_SECRET_BYTES);
  const organization = 'bottle';
  const subject: Name = { organization, commonName: `bottle ${options.session}`.slice(0, MAX_COMMON_NAME) };

  const authority = keyPairOf(given?.privateKey);
  const leaf = keyPairOf(given?.leafPrivateKey);
  const leafKeyPem = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' });

  const issue = (role: Role, { publicKey, keyId }: KeyPair, name: Name): string => {
    const fields: CertificateFields = {
      role,
      subject: name,
      issuer: subject,
      publicKey,
      subjectKeyId: keyId,
      issuerKeyId: authority.keyId,
      serial: newSerial(),
      notBefore,
      notAfter,
    };
    return toPem(encodeCertificate(fields, (tbs) => sign('sha256', tbs, authority.privateKey)));
  };

  const mint = (host: string): SecureContext => {
    const commonName = host.length <= MAX_COMMON_NAME ? host : null;
    return createSecureContext({
      key: leafKeyPem,
      cert: issue({ kind: 'server', host }, leaf, { organization, commonName }),
      minVersion: 'TLSv1.2',
      // The agent is on this machine: a post-quantum key exchange protects nothing here, and takes a seventh of a new connection's CPU.
      ecdhCurve: 'X25519:P-256:P-384',
      ciphers: CIPHERS,
      // 48 bytes, as wanted.
      ticketKeys: createHmac('sha384', ticketSecret).update(host).digest(),
      // Clients are not asked for certificates: an empty list keeps Node from loading its 150 roots (3 ms).
      ca: [],
    });
  };

  const leaves = new Map<string, SecureContext>();
  const cacheSize = options.cacheSize ?? 1024;
  const secureContext = (host: string): SecureContext => {
    const name = leaves.has(host) ? host : hostForLeaf(host);
    if (name === null) {
      throw new ProxyFailure({
        what: 'cannot make a certificate',
        why: `${JSON.stringify(host.slice(0, 80))} is neither a host name nor an IP address`,
        fix: 'use a name of letters, digits, dots and hyphens',
      });
    }
    const known = leaves.get(name);
    if (known !== undefined) {
      // Re-inserting keeps the map in order of use.
      leaves.delete(name);
      leaves.set(name, known);
      return known;
    }
    const minted = mint(name);
    leaves.set(name, minted);
    if (leaves.size > cacheSize) leaves.delete(leaves.keys().next().value as string);
    return minted;
  };

  const certificatePem = given?.certificatePem ?? issue({ kind: 'authority' }, authority, subject);
  return {
    certificatePem,
    secrets: {
      privateKey: authority.privateKey,
      leafPrivateKey: leaf.privateKey,
      certificatePem,
      ticketSecret,
      notBefore,
      notAfter,
    },
    secureContext,
    premint: (hosts) => {
      for (const host of hosts) {
        if (hostForLeaf(host) !== null) secureContext(host);
      }
    },
  };
}

/** Lower case, without trailing dot or brackets; null for what no certificate can name. */
function hostForLeaf(host: string): string | null {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/(?<=.)\.$/, '');
  return NAME.test(name) || ipBytes(name) !== null ? name : null;
}

interface KeyPair {
  readonly privateKey: KeyObject;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly keyId: Buffer;
}

/** A new one, unless the private half is given. */
function keyPairOf(given: KeyObject | undefined): KeyPair {
  const privateKey = given ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { privateKey, publicKey, keyId: keyIdentifier(publicKey) };
}

/** RFC 5280, 4.1.2.2: positive; the top bit would make it negative, a zero first byte would not be minimal. */
function newSerial(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial;
}
