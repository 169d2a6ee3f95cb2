// Tokens that upstreams answered, and what the agent got in their stead. One for all threads; in memory alone.
import type { ProxyConfig, SecretValue } from '../contract.ts';
import { makeTokenPlaceholder } from '../invented/placeholder.ts';
import type { FoundToken } from './read-answer.ts';

/** Tokens that are remembered; for one more the one that was answered longest ago is forgotten. As many placeholders of forgotten ones are refused. */
export const REMEMBERED = 256;
/** Characters of all of them: each is looked for in some eighty forms. As much as one answer may hold. */
export const REMEMBERED_CHARS = 1024 * 1024;

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
    let chars = 0;
    for (const { value } of this.kept.values()) chars += value.length;
    for (const [key, { name, value }] of this.kept) {
      if (this.kept.size <= REMEMBERED && chars <= REMEMBERED_CHARS) break;
      this.kept.delete(key);
      chars -= value.length;
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

/** The configuration with what is new. Of what is forgotten the placeholder stays for a while: whoever sends it shall hear of it. */
export function withTokens(config: ProxyConfig, { added, forgotten }: TokenChange): ProxyConfig {
  if (forgotten.length === 0) return { ...config, secrets: [...config.secrets, ...added] };
  const gone = new Set(forgotten);
  const secrets = [...config.secrets, ...added].map((secret) => (gone.has(secret.name) ? emptied(secret) : secret));
  let tooMany = secrets.filter(isForgotten).length - REMEMBERED;
  return { ...config, secrets: secrets.filter((secret) => !isForgotten(secret) || tooMany-- <= 0) };
}

const emptied = (secret: SecretValue): SecretValue => ({ ...secret, value: '' });

/** A token of which only the placeholder is left. */
export const isForgotten = ({ issuer, value }: SecretValue): boolean => issuer !== undefined && value === '';

/** Several changes, one after the other, as one. */
export const joinChanges = (changes: readonly TokenChange[]): TokenChange => ({
  added: changes.flatMap(({ added }) => added),
  forgotten: changes.flatMap(({ forgotten }) => forgotten),
});
