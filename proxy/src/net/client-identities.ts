// Client certificates towards upstreams (mTLS): checked when the configuration is read, and bound to the routes that name them.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ProxyConfig, Route, SecretValue } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';

export interface ClientIdentity {
  /** What connections and TLS sessions are kept apart by: another one for another certificate. */
  readonly id: string;
  /** PEM: the leaf, then what signed it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly expires: Date;
}

export interface ClientIdentities {
  /** null = the route shows no certificate. */
  of(route: Route): ClientIdentity | null;
  /** Of new values; throws ProxyFailure, and all stays as it was. */
  renewed(secrets: readonly SecretValue[]): ClientIdentities;
}

type Pair = NonNullable<Route['clientCertificate']>;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** Throws ProxyFailure for what no upstream could accept. */
export function readClientIdentities(
  { routes, secrets }: Pick<ProxyConfig, 'routes' | 'secrets'>,
  now: Date = new Date(),
  earlier: ReadonlyMap<Route, ClientIdentity> = new Map(),
): ClientIdentities {
  const values = new Map(secrets.map(({ name, value }) => [name, value]));
  const found = new Map<Route, ClientIdentity>();
  for (const route of routes) {
    const { clientCertificate } = route;
    if (clientCertificate === undefined) continue;
    if (route.scheme !== 'https') {
      throw unusable(route, 'only https shows a client certificate', 'remove client_certificate, or the scheme');
    }
    found.set(route, identityOf(route, clientCertificate, values, now, earlier.get(route)));
  }
  return {
    of: (route) => {
      if (route.clientCertificate === undefined) return null;
      const identity = found.get(route);
      if (identity === undefined) throw new TypeError(`route ${route.id} is not of this configuration`);
      return identity;
    },
    renewed: (renewed) => readClientIdentities({ routes, secrets: renewed }, new Date(), found),
  };
}

function identityOf(
  route: Route,
  pair: Pair,
  values: ReadonlyMap<string, string>,
  now: Date,
  earlier: ClientIdentity | undefined,
): ClientIdentity {
  const chain = certificatesOf(route, pair, values);
  const { key, pem } = keyOf(route, pair, values);
  const [leaf] = chain as [X509Certificate, ...X509Certificate[]];
  if (!leaf.checkPrivateKey(key)) {
    // Certificate and key are read one after the other: until both are new, the old pair stays in force.
    if (earlier !== undefined) return earlier;
    throw unusable(
      route,
      `the key in secret ${pair.key} is not that of the certificate in secret ${pair.certificate}`,
      'give the key that the certificate was made for; of a chain, the own certificate comes first',
    );
  }
  if (leaf.validToDate <= now) {
    throw unusable(
      route,
      `the client certificate in secret ${pair.certificate} has expired on ${leaf.validTo}`,
      'have a new one issued',
    );
  }
  const expires = new Date(Math.min(...chain.map((certificate) => certificate.validToDate.getTime())));
  const cert = chain.map((certificate) => certificate.toString()).join('');
  return { id: leaf.fingerprint256, cert, key: pem, expires };
}

function certificatesOf(route: Route, pair: Pair, values: ReadonlyMap<string, string>): readonly X509Certificate[] {
  const name = pair.certificate;
  const blocks = blocksOf(secretText(route, name, values)).filter(({ label }) => label === 'CERTIFICATE');
  if (blocks.length === 0) {
    throw unusable(route, `secret ${name} holds no PEM certificate`, 'give the text from -----BEGIN CERTIFICATE-----');
  }
  return blocks.map(({ text }) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw unusable(route, `a certificate in secret ${name} is malformed`, 'give the file as it was issued');
    }
  });
}

function keyOf(
  route: Route,
  { key: name }: Pair,
  values: ReadonlyMap<string, string>,
): { readonly key: KeyObject; readonly pem: string } {
  const block = blocksOf(secretText(route, name, values)).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) {
    throw unusable(route, `secret ${name} holds no PEM private key`, 'give the text from -----BEGIN PRIVATE KEY-----');
  }
  const { label, text: pem } = block;
  if (label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(pem)) {
    throw unusable(
      route,
      `the private key in secret ${name} is encrypted, and nobody is there to type its passphrase`,
      'give the decrypted key, as `openssl pkey -in key.pem` prints it (a cmd source keeps it off the disk)',
    );
  }
  try {
    return { key: createPrivateKey(pem), pem: `${pem}\n` };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw unusable(route, `the private key in secret ${name} is malformed`, 'give the file as it was made');
  }
}

function blocksOf(pem: string): readonly { readonly label: string; readonly text: string }[] {
  return [...pem.matchAll(BLOCK)].map(([text, label]) => ({ label: label ?? '', text }));
}

function secretText(route: Route, name: string, values: ReadonlyMap<string, string>): string {
  const value = values.get(name);
  if (value === undefined) throw unusable(route, `there is no secret ${name}`, `add ${name} to secrets`);
  return value;
}

function unusable({ id, host }: Route, why: string, fix: string): ProxyFailure {
  return new ProxyFailure({ what: `route ${id} (${host}) cannot be enforced`, why, fix });
}
