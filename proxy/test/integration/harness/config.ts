// Configurations for tests: everything off but what a test asks for.
import { join } from 'node:path';
import {
  CONTRACT_VERSION,
  DEFAULT_LIMITS,
  type ProxyConfig,
  type ProxyLimits,
  type Quota,
  type Route,
  type SecretValue,
  type ThirdPartyRule,
} from '../../../src/contract.ts';

export interface TestConfig {
  readonly routes: readonly Route[];
  /** PEM: what signs the upstreams. */
  readonly roots: string;
  /** `host:port` -> `ip:port`. */
  readonly map: Readonly<Record<string, string>>;
  readonly secrets?: readonly SecretValue[];
  readonly limits?: Partial<ProxyLimits>;
  readonly quota?: Quota;
  readonly onDeny?: 'block' | 'hold';
  readonly listen?: Partial<ProxyConfig['listen']>;
  readonly auditPath?: string;
  readonly rules?: readonly ThirdPartyRule[];
}

export function testConfig(directory: string, options: TestConfig): ProxyConfig {
  return {
    contractVersion: CONTRACT_VERSION,
    session: 'test-000000',
    listen: { explicit: '127.0.0.1:0', relaySocket: null, transparent: null, dns: null, ...options.listen },
    dnsAnswer: '127.0.0.1',
    routes: options.routes,
    deny: [{ id: 'deny.0', host: 'denied.example' }],
    ...(options.onDeny === undefined ? {} : { onDeny: options.onDeny }),
    secrets: options.secrets ?? [],
    dlp: { detectors: null, source: '', ...(options.rules === undefined ? {} : { rules: options.rules }) },
    upstream: { roots: options.roots, map: options.map, refuse: [] },
    quota: options.quota ?? null,
    auditPath: options.auditPath ?? join(directory, 'audit.jsonl'),
    // One thread, unless that is what a test is about: the bytes on a connection depend on nothing else.
    limits: { ...DEFAULT_LIMITS, workers: 1, ...options.limits },
  };
}

/** A route that allows everything on a host. */
export function routeTo(host: string, changes: Partial<Route> = {}): Route {
  return {
    id: `allow.${host}`,
    host,
    ports: [changes.scheme === 'http' ? 80 : 443],
    scheme: 'https',
    rules: [{ methods: null, paths: null, query: {}, headers: {} }],
    auth: null,
    placeholder: null,
    dlp: { onMatch: 'block', except: [] },
    allowPrivate: false,
    errorShape: 'plain',
    quota: null,
    ...changes,
  };
}
