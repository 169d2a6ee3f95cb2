// From a bottle to what the proxy process is told. Pure; secret values are among the parts that the session gives in.

import {
  CONTRACT_VERSION,
  DEFAULT_LIMITS,
  type ProxyConfig,
  type ProxyLimits,
  type Route,
} from '../../proxy/src/contract.ts';
import type { AllowEntry, Bottle } from '../spec/bottle.ts';
import { expiriesOf } from './expiry.ts';

/** The detector that finds large pieces of the workspace's own source. */
export const SOURCE_DETECTOR = 'workspace-source';

/** What only a running session knows. */
export type RuntimeParts = Pick<
  ProxyConfig,
  'session' | 'listen' | 'dnsAnswer' | 'secrets' | 'upstream' | 'auditPath'
> & {
  readonly limits?: Partial<ProxyLimits>;
  /** As ProxyConfig.dlp.source. */
  readonly source: string;
  /** As ProxyConfig.dlp.canaries. */
  readonly canaries?: NonNullable<ProxyConfig['dlp']['canaries']>;
  /** As ProxyConfig.dlp.fingerprintKey. */
  readonly fingerprintKey?: string | undefined;
};

export function compileProxyConfig(bottle: Bottle, parts: RuntimeParts): ProxyConfig {
  const { session, listen, dnsAnswer, secrets, upstream, auditPath, limits, source, canaries, fingerprintKey } = parts;
  return {
    contractVersion: CONTRACT_VERSION,
    session,
    listen,
    dnsAnswer,
    ...compileRoutes(bottle, { source, fingerprintKey, ...(canaries === undefined ? {} : { canaries }) }),
    secrets: secrets.map((secret) =>
      bottle.secrets[secret.name]?.kind === 'token' ? { ...secret, isRenewable: true } : secret,
    ),
    upstream: { ...upstream, ...proxyOf(bottle) },
    auditPath,
    quota: bottle.egress.quota,
    ...(bottle.egress.onDeny === 'hold' ? { onDeny: 'hold' } : {}),
    limits: { ...DEFAULT_LIMITS, ...bottle.egress.limits, ...limits },
  };
}

export function compileRoutes(
  bottle: Bottle,
  { source, fingerprintKey, canaries = [] }: Pick<RuntimeParts, 'source' | 'fingerprintKey' | 'canaries'>,
): Pick<ProxyConfig, 'routes' | 'deny' | 'dlp'> {
  return {
    routes: bottle.egress.allow.map((entry) => routeOf(entry, bottle)),
    deny: bottle.egress.deny.map(({ id, host }) => ({ id, host })),
    dlp: {
      detectors: bottle.dlp.detectors,
      source,
      ...(canaries.length === 0 ? {} : { canaries }),
      ...(bottle.dlp.rules.length === 0 ? {} : { rules: bottle.dlp.rules }),
      ...(fingerprintKey === undefined ? {} : { fingerprintKey }),
    },
  };
}

function proxyOf({ egress }: Bottle): Pick<ProxyConfig['upstream'], 'proxy'> {
  if (egress.upstreamProxy === null) return {};
  const { secure, host, port, credentials, noProxy } = egress.upstreamProxy;
  return { proxy: { secure, host, port, credentials, noProxy } };
}

/** Every port that an entry names, ascending: what the relay captures besides its own. */
export function routePorts(bottle: Bottle): readonly number[] {
  return [...new Set(bottle.egress.allow.flatMap(({ ports }) => ports))].sort((a, b) => a - b);
}

function routeOf(entry: AllowEntry, bottle: Bottle): Route {
  const { actions } = bottle.dlp;
  const expires = expiriesOf(entry, bottle);
  // Field by field: a field that the spec gains later must not slip into the contract.
  return {
    id: entry.id,
    host: entry.host,
    ports: entry.ports,
    scheme: entry.scheme,
    rules: entry.rules,
    ...(entry.graphql === undefined ? {} : { graphql: entry.graphql }),
    ...(entry.push === undefined ? {} : { push: entry.push }),
    auth: entry.auth,
    ...(entry.clientCertificate === undefined ? {} : { clientCertificate: entry.clientCertificate }),
    placeholder: entry.placeholder,
    ...(entry.tokens === undefined ? {} : { tokens: { fields: entry.tokens.fields } }),
    ...(entry.tokensFrom === undefined ? {} : { tokensFrom: entry.tokensFrom }),
    dlp: {
      onMatch: entry.dlp.onMatch,
      except: entry.source === 'allowed' ? [...entry.dlp.except, SOURCE_DETECTOR] : entry.dlp.except,
      actions: { ...actions, ...entry.dlp.actions },
    },
    allowPrivate: entry.allowPrivate,
    ...(entry.cookies === undefined ? {} : { cookies: entry.cookies }),
    ...(entry.holdRequest === false ? { holdRequest: false } : {}),
    errorShape: entry.errorShape,
    quota: entry.quota,
    ...(expires.length === 0 ? {} : { expires }),
  };
}
