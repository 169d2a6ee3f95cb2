// The environment of the agent: what makes real clients use the proxy and trust its certificates. Pure.
// Which client needs which variable was measured; see docs/research.
import { AGENT_HOME } from '../spec/agent-files.ts';
import { type AllowEntry, type Bottle, inputsOf } from '../spec/bottle.ts';
import { TRUST } from './trust-paths.ts';

export interface AgentEnvFacts {
  /** Host and port of the explicit proxy as the agent sees it. */
  readonly proxyHost: string;
  readonly proxyPort: number;
  readonly terminalEnv: Readonly<Record<string, string>>;
}

const NO_PROXY = 'localhost,127.0.0.1,::1';

/** `NAME=value` lines, without the placeholders of secrets. The spec's own come last, and cannot replace ours. */
export function agentEnv(bottle: Bottle, facts: AgentEnvFacts): readonly string[] {
  const ours = new Map<string, string>([
    ...Object.entries(facts.terminalEnv),
    ...Object.entries({ HOME: AGENT_HOME, USER: 'agent', BOTTLE: '1', IS_SANDBOX: '1' }),
    ...proxyVariables(facts),
    ...trustVariables(),
    ['JAVA_TOOL_OPTIONS', javaOptions(facts)],
    ...gitVariables(bottle),
  ]);
  const reserved = new Set([...ours.keys(), ...plantedNames(bottle)]);
  const own = Object.entries(bottle.agent.env).filter(([name]) => !reserved.has(name));
  return [...ours, ...own].map(([name, value]) => `${name}=${value}`);
}

/** Secrets that the agent sees as placeholders: all but those that are only watched for, and those that only get us other ones. */
export function placeholderNames(bottle: Bottle): readonly string[] {
  const inputs = new Set(Object.values(bottle.secrets).flatMap(inputsOf));
  return Object.keys(bottle.secrets).filter((name) => !bottle.dlp.known.includes(name) && !inputs.has(name));
}

/** Variables of the fake secrets that `dlp.canaries` plants: none that a tool would use by itself. */
export const CANARY_VARIABLES = [
  'DEPLOY_GITHUB_TOKEN',
  'BACKUP_AWS_ACCESS_KEY_ID',
  'BACKUP_AWS_SECRET_ACCESS_KEY',
] as const;

/** What is added to the environment when the container is made: placeholders, and canaries. */
export function plantedNames(bottle: Bottle): readonly string[] {
  const names = placeholderNames(bottle);
  return bottle.dlp.canaries ? [...names, ...CANARY_VARIABLES.filter((name) => !names.includes(name))] : names;
}

function proxyVariables({ proxyHost, proxyPort }: AgentEnvFacts): [string, string][] {
  const proxy = `http://${proxyHost}:${proxyPort}`;
  // Upper and lower case: wget, apt and gRPC read the one, others the other.
  return [
    ['HTTPS_PROXY', proxy],
    ['HTTP_PROXY', proxy],
    ['https_proxy', proxy],
    ['http_proxy', proxy],
    ['NO_PROXY', NO_PROXY],
    ['no_proxy', NO_PROXY],
    ['NODE_USE_ENV_PROXY', '1'],
  ];
}

function trustVariables(): [string, string][] {
  const bundle = [
    'SSL_CERT_FILE',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'PIP_CERT',
    'AWS_CA_BUNDLE',
    'CARGO_HTTP_CAINFO',
    'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  ].map((name): [string, string] => [name, TRUST.bundle]);
  return [['NODE_EXTRA_CA_CERTS', TRUST.certificate], ...bundle, ['DENO_TLS_CA_STORE', 'system']];
}

function javaOptions({ proxyHost, proxyPort }: AgentEnvFacts): string {
  return [
    `-Djavax.net.ssl.trustStore=${TRUST.java}`,
    `-Djavax.net.ssl.trustStorePassword=${TRUST.javaPassword}`,
    `-Dhttps.proxyHost=${proxyHost}`,
    `-Dhttps.proxyPort=${proxyPort}`,
    `-Dhttp.proxyHost=${proxyHost}`,
    `-Dhttp.proxyPort=${proxyPort}`,
    '-Dhttp.nonProxyHosts=localhost|127.*|[::1]',
  ].join(' ');
}

/** git over ssh becomes https, and gives the placeholder where a spec lets it be swapped for the real credential. */
function gitVariables(bottle: Bottle): [string, string][] {
  const hosts = new Map([['github.com', 'github.com']]);
  // Of several ports the first in the spec: an address of ssh says nothing of https.
  for (const entry of bottle.egress.allow.filter(servesGit)) {
    if (!hosts.has(entry.host)) hosts.set(entry.host, authorityOf(entry));
  }
  const settings: [string, string][] = [...hosts].flatMap(([host, authority]): [string, string][] => [
    [`url.https://${authority}/.insteadOf`, `git@${host}:`],
    [`url.https://${authority}/.insteadOf`, `ssh://git@${host}/`],
  ]);
  const helped = new Set<string>();
  for (const { host, placeholder } of bottle.egress.allow) {
    if (placeholder === null || !placeholder.in.includes('header') || host.includes('*') || helped.has(host)) continue;
    helped.add(host);
    settings.push([`credential.https://${host}.helper`, credentialHelper(placeholder.secret)]);
  }
  return [
    ['GIT_TERMINAL_PROMPT', '0'],
    ['GIT_CONFIG_COUNT', String(settings.length)],
    ...settings.flatMap(([key, value], index): [string, string][] => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ];
}

function credentialHelper(secret: string): string {
  return `!f() { echo username=x-access-token; echo password=$${secret}; }; f`;
}

function authorityOf({ host, ports }: AllowEntry): string {
  return ports.includes(443) ? host : `${host}:${ports[0]}`;
}

function servesGit({ host, rules }: AllowEntry): boolean {
  const hasRepository = rules.some(({ paths }) => paths?.some((path) => path.endsWith('/info/refs')) === true);
  return (hasRepository && !host.includes('*')) || /^(?:git(?:hub|lab|ea)?|bitbucket|codeberg)\./.test(host);
}
