// Until when entries and secrets of a bottle may be used: as the proxy is told, and what is over before a start. Pure.
import { type Expiry, placeholdersOf, secretsOfAuth } from '../../proxy/src/contract.ts';
import type { AllowEntry, Bottle, SecretSource } from '../spec/bottle.ts';
import type { Until } from '../spec/expires.ts';

/** Of an entry, and of the secrets that it needs: that it adds, shows in a handshake, or reaches its host with; and what those are asked for with. */
export function expiriesOf(
  entry: AllowEntry,
  {
    secrets,
    egress,
  }: { readonly secrets: Bottle['secrets']; readonly egress: Pick<Bottle['egress'], 'upstreamProxy'> },
): readonly Expiry[] {
  const { auth, clientCertificate } = entry;
  const own = [
    ...(auth === null ? [] : secretsOfAuth(auth)),
    ...placeholdersOf(entry).map(({ secret }) => secret),
    ...(clientCertificate === undefined ? [] : [clientCertificate.certificate, clientCertificate.key]),
    ...(egress.upstreamProxy?.credentials == null ? [] : [egress.upstreamProxy.credentials.secret]),
  ];
  const names = new Set(own.flatMap((name) => [name, ...inputsOf(secrets[name])]));
  return [
    ...named(`${entry.id.replace(/\.http$/, '')}.expires`, entry.expires),
    ...[...names].flatMap((name) => named(`secrets.${name}.expires`, secrets[name]?.expires)),
  ];
}

/** The secrets that a token is asked for with: it must not outlive them. */
function inputsOf(source: SecretSource | undefined): readonly string[] {
  if (source?.kind !== 'token' || source.issuer.kind !== 'oauth2') return [];
  return [source.issuer.clientSecret, source.issuer.refreshToken].filter((name) => name !== null);
}

function named(name: string, until: Until | undefined): Expiry[] {
  return until === undefined ? [] : [{ name, ...until }];
}

/** Every end that a bottle names. */
function allExpiries(bottle: Bottle): readonly Expiry[] {
  return [
    ...bottle.egress.allow.flatMap((entry) => expiriesOf(entry, bottle)),
    ...Object.entries(bottle.secrets).flatMap(([name, { expires }]) => named(`secrets.${name}.expires`, expires)),
  ];
}

/** What is over already; null = nothing. */
export function firstOver(bottle: Bottle, now: Date): Extract<Expiry, { readonly at: string }> | null {
  const over = allExpiries(bottle).find((expiry) => 'at' in expiry && Date.parse(expiry.at) <= now.getTime());
  return over !== undefined && 'at' in over ? over : null;
}

/** When the first of them ends, for a session that starts now; null = nothing does. ISO 8601, UTC. */
export function firstEnd(bottle: Bottle, now: Date): string | null {
  const ends = allExpiries(bottle).map((expiry) =>
    'at' in expiry ? Date.parse(expiry.at) : now.getTime() + expiry.afterMs,
  );
  return ends.length === 0 ? null : new Date(Math.min(...ends)).toISOString();
}
