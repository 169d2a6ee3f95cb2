// The command line that asks a store of secrets for one value: a desktop's keychain, 1Password, Vault, AWS, Google Cloud. Pure; each by the store's own CLI.
import type { SecretStore } from '../spec/bottle.ts';

/**
 * Program and arguments that print the value on stdout. Sources: security(1) of macOS, secret-tool(1) of libsecret, `op read --help`,
 * `vault kv get -help`, the AWS CLI's `secretsmanager get-secret-value`, gcloud's `secrets versions access`.
 */
export function storeCommand(store: SecretStore, platform: NodeJS.Platform): readonly string[] {
  switch (store.kind) {
    case 'keychain':
      return keychainCommand(store, platform);
    case 'op':
      return ['op', 'read', '--no-newline', store.reference];
    case 'vault':
      return ['vault', 'kv', 'get', `-field=${store.field}`, store.path];
    case 'aws':
      return [
        ...['aws', 'secretsmanager', 'get-secret-value', '--secret-id', store.secret],
        ...['--query', 'SecretString', '--output', 'text'],
        ...(store.region === null ? [] : ['--region', store.region]),
        ...(store.profile === null ? [] : ['--profile', store.profile]),
      ];
    case 'gcp':
      return [
        ...['gcloud', 'secrets', 'versions', 'access', store.version, `--secret=${store.secret}`],
        ...(store.project === null ? [] : [`--project=${store.project}`]),
      ];
    default:
      return store satisfies never;
  }
}

function keychainCommand(
  { service, account }: Extract<SecretStore, { kind: 'keychain' }>,
  platform: NodeJS.Platform,
): readonly string[] {
  if (platform === 'darwin') {
    return ['security', 'find-generic-password', '-s', service, ...(account === null ? [] : ['-a', account]), '-w'];
  }
  return ['secret-tool', 'lookup', 'service', service, ...(account === null ? [] : ['account', account])];
}
