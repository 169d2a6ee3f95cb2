// A configuration whose secrets have new values. The old ones stay known to the search: they may still be valid.
import type { ProxyConfig, SecretValue } from '../contract.ts';

/** Old values of one secret that are remembered. */
const REMEMBERED = 8;

/** The same object where nothing is new. Of several entries of one name the last is in force. */
export function renewSecrets(
  config: ProxyConfig,
  values: readonly { readonly name: string; readonly value: string }[],
): ProxyConfig {
  let { secrets } = config;
  for (const { name, value } of values) {
    const own = secrets.filter((secret) => secret.name === name);
    const current = own.at(-1);
    if (current === undefined || current.value === value) continue;
    const old = own
      .filter((secret) => secret.value !== value)
      .slice(-REMEMBERED)
      .map((secret): SecretValue => ({ ...secret, placeholder: '' }));
    secrets = [...secrets.filter((secret) => secret.name !== name), ...old, { ...current, value }];
  }
  return secrets === config.secrets ? config : { ...config, secrets };
}
