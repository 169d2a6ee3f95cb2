// Variables that bottle sets for the agent itself: neither a spec nor a secret may take their names.

const NAMES = new Set(
  (
    'HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY NODE_USE_ENV_PROXY NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE ' +
    'GIT_SSL_CAINFO PIP_CERT AWS_CA_BUNDLE CARGO_HTTP_CAINFO DENO_TLS_CA_STORE DENO_CERT GRPC_DEFAULT_SSL_ROOTS_FILE_PATH CODEX_CA_CERTIFICATE ' +
    'JAVA_TOOL_OPTIONS GIT_TERMINAL_PROMPT HOME USER IS_SANDBOX BOTTLE'
  ).split(' '),
);
const PREFIXES = ['BOTTLE_', 'GIT_CONFIG_'];
/** A placeholder in one of these would break programs before they start. */
const NOT_FOR_SECRETS = new Set(
  'PATH SHELL TERM LANG TZ PWD TMPDIR LD_PRELOAD LD_LIBRARY_PATH NODE_OPTIONS'.split(' '),
);

export function isReservedEnv(name: string): boolean {
  // Proxy variables are read in both cases.
  const upper = name.toUpperCase();
  return NAMES.has(upper) || PREFIXES.some((prefix) => upper.startsWith(prefix));
}

export function isReservedForSecrets(name: string): boolean {
  return isReservedEnv(name) || NOT_FOR_SECRETS.has(name);
}
