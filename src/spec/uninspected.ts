// Entries that the proxy cannot look into (`tls: passthrough`, `scheme: tcp`): what they may not ask for, and the warning.

import type { Report } from './report.ts';
import type { FilledEntry } from './schema.ts';
import { shown } from './words.ts';

interface Pattern {
  readonly host: string;
  readonly isAddress: boolean;
}

/** `pattern` null = the host is not understood, and reported elsewhere. */
export function checkUninspected(entry: FilledEntry, pattern: Pattern | null, report: Report): void {
  const isTcp = entry.scheme === 'tcp';
  const isPassthrough = entry.tls === 'passthrough';
  if (!isTcp && !isPassthrough) return;
  const mode = isTcp ? '`scheme: tcp`' : '`tls: passthrough`';
  const problem = (key: string, what: string, why: string, fix: string): void =>
    report.problemAtKey({ what: `${report.name()} ${what}`, why, fix }, [key]);
  if (isPassthrough && entry.scheme !== undefined && entry.scheme !== 'https') {
    problem(
      'tls',
      `has ${mode} and scheme ${entry.scheme}`,
      'that scheme has no TLS to pass through',
      'remove one of the two',
    );
  }
  for (const key of PARTS_THAT_READ) {
    if (!isGiven(entry, key)) continue;
    const why = 'nothing of it is read, so this could never take effect';
    problem(key, `has ${mode} and ${key}`, why, `remove ${key}, or ${isTcp ? 'the scheme' : 'the passthrough'}`);
  }
  if (isTcp && entry.port === undefined && entry.ports === undefined) {
    problem('scheme', `has ${mode} and no port`, 'there is no usual one', 'add `port:`, like `port: 5432`');
  }
  if (isTcp && pattern?.host.startsWith('*.')) {
    problem(
      'host',
      `has ${mode} and ${shown(pattern.host)}`,
      'what is not inspected must be one named place',
      'write the host',
    );
  }
  if (isPassthrough && pattern?.isAddress) {
    problem(
      'host',
      `has ${mode} and an address`,
      'TLS to an address names no host to check',
      'write the host by its name',
    );
  }
  const alone = isTcp
    ? 'any bytes to and from it pass, on every named port'
    : 'secrets and paths are not looked at; only its name is checked';
  report.warning({
    what: `${report.name()} ${shown(entry.host)} is not inspected (${isTcp ? 'scheme: tcp' : 'tls: passthrough'})`,
    why: alone,
    fix: 'keep it only for a host that you would trust with all that the agent has',
  });
}

const PARTS_THAT_READ = [
  'rules',
  'access',
  'auth',
  'client_certificate',
  'placeholder',
  'tokens',
  'graphql',
  'push',
  'dlp',
  'error_shape',
  'source',
  'hold_request',
  'cookies',
  'confirm',
  'limits',
] as const;

/** Defaults count as not given: they say what happens anyway. */
function isGiven(entry: FilledEntry, key: (typeof PARTS_THAT_READ)[number]): boolean {
  switch (key) {
    case 'access':
      return entry.access !== 'full';
    case 'error_shape':
      return entry.error_shape !== 'plain';
    case 'source':
      return entry.source !== 'refused';
    case 'dlp': {
      const { on_match, actions = {}, except = [] } = entry.dlp;
      return on_match !== undefined || Object.keys(actions).length > 0 || except.length > 0;
    }
    case 'limits': {
      const { tokens, tokens_per_minute, cost_usd } = entry.limits ?? {};
      return [tokens, tokens_per_minute, cost_usd].some((bound) => bound !== undefined);
    }
    case 'hold_request':
    case 'cookies':
    case 'confirm':
    case 'rules':
    case 'auth':
    case 'client_certificate':
    case 'placeholder':
    case 'tokens':
    case 'graphql':
    case 'push':
      return entry[key] !== undefined;
    default:
      return key satisfies never;
  }
}
