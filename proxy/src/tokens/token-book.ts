// Tokens that upstreams answered, and what the agent got in their stead. One for all threads; in memory alone.
import type { ProxyConfig, SecretValue } from '../contract.ts';
import { makeTokenPlaceholder } from '../invented/placeholder.ts';
import type { FoundToken } from './read-answer.ts';

/** Tokens that are remembered; for one more the one that was answered longest ago is forgotten, and its placeholder means nothing any more. */
export const REMEMBERED = 256;

export interface TokenChange {
  readonly added: readonly SecretValue[];
  /** Names of those that are forgotten. */
  readonly forgotten: readonly string[];
}

export interface KeptTokens {
  /** What the agent gets, one for each token. */
  readonly placeholders: readonly string[];
  /** Names of the secrets that they are, one for each token. */
  readonly names: readonly string[];
}

export class TokenBook {
  /** By value, the one that was answered longest ago first. */
  private readonly kept = new Map<string, SecretValue>();
  private count = 0;

  /** `secrets`: of the configuration as it is now. `issuer`: id of the route that answered. */
  keep(
    secrets: readonly SecretValue[],
    issuer: string,
    tokens: readonly FoundToken[],
  ): KeptTokens & { readonly change: TokenChange | null } {
    const added = new Map<string, SecretValue>();
    const pairs = tokens.map(({ field, value }) => {
      const known = this.known(secrets, value);
      if (known !== null) return known;
      const key = `${issuer} ${value}`;
      const old = this.kept.get(key);
      const name = `${issuer}.${field}.${++this.count}`;
      const pair = old ?? { name, value, placeholder: makeTokenPlaceholder(name.toLowerCase(), value), issuer };
      this.kept.delete(key);
      this.kept.set(key, pair);
      if (old === undefined) added.set(name, pair);
      return { name: pair.name, shown: pair.placeholder };
    });
    const forgotten: string[] = [];
    for (const [key, { name }] of this.kept) {
      if (this.kept.size <= REMEMBERED) break;
      this.kept.delete(key);
      forgotten.push(name);
    }
    return {
      placeholders: pairs.map(({ shown }) => shown),
      names: pairs.map(({ name }) => name),
      change: added.size === 0 ? null : { added: [...added.values()], forgotten },
    };
  }

  /** The agent's own placeholder, or a secret for which it has one, is no news. */
  private known(
    secrets: readonly SecretValue[],
    value: string,
  ): { readonly name: string; readonly shown: string } | null {
    const known = secrets.find((secret) => {
      if (secret.placeholder === '') return false;
      return secret.placeholder === value || (secret.issuer === undefined && secret.value === value);
    });
    return known === undefined ? null : { name: known.name, shown: known.placeholder };
  }
}

/** The configuration with what is new, and without what is forgotten. */
export function withTokens(config: ProxyConfig, { added, forgotten }: TokenChange): ProxyConfig {
  const gone = new Set(forgotten);
  return { ...config, secrets: [...config.secrets.filter(({ name }) => !gone.has(name)), ...added] };
}

/** Several changes, one after the other, as one: what came and went in between was never there. */
export function joinChanges(changes: readonly TokenChange[]): TokenChange {
  if (changes.length === 1) return changes[0]!;
  const added = new Map<string, SecretValue>();
  const forgotten: string[] = [];
  for (const change of changes) {
    for (const pair of change.added) added.set(pair.name, pair);
    for (const name of change.forgotten) if (!added.delete(name)) forgotten.push(name);
  }
  return { added: [...added.values()], forgotten };
}
