// Until when entries and secrets of a bottle may be used: as the proxy is told, and what is over before a start. Pure.
import { type Expiry, placeholdersOf, secretsOfAuth } from '../../proxy/src/contract.ts';
import type { AllowEntry, Bottle } from '../spec/bottle.ts';
import type { Until } from '../spec/expires.ts';

/** Of an entry, and of the secrets that it adds. */
export function expiriesOf(entry: AllowEntry, secrets: Bottle['secrets']): readonly Expiry[] {
  const names = [
    ...(entry.auth === null ? [] : secretsOfAuth(entry.auth)),
    ...placeholdersOf(entry).map(({ secret }) => secret),
  ];
  return [
    ...named(`${entry.id.replace(/\.http$/, '')}.expires`, entry.expires),
    ...[...new Set(names)].flatMap((name) => named(`secrets.${name}.expires`, secrets[name]?.expires)),
  ];
}

function named(name: string, until: Until | undefined): Expiry[] {
  return until === undefined ? [] : [{ name, ...until }];
}

/** Every end that a bottle names. */
function allExpiries({ egress, secrets }: Bottle): readonly Expiry[] {
  return [
    ...egress.allow.flatMap((entry) => expiriesOf(entry, secrets)),
    ...Object.entries(secrets).flatMap(([name, { expires }]) => named(`secrets.${name}.expires`, expires)),
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
