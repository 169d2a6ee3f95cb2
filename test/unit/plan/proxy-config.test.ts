import { describe, expect, it } from 'vitest';
import { CONTRACT_VERSION, DEFAULT_LIMITS } from '../../../proxy/src/contract.ts';
import { compileProxyConfig, compileRoutes, type RuntimeParts, routePorts } from '../../../src/plan/proxy-config.ts';
import type { Bottle } from '../../../src/spec/bottle.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { surroundings } from '../spec/surroundings.ts';

function bottleOf(text: string): Bottle {
  const parsed = parseSpec(text, 'x.yaml', surroundings());
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.bottle;
}

const BOTTLE = bottleOf(`version: 1
secrets: { K: { env: K } }
egress:
  allow:
    - a.example
    - { host: b.example, ports: [8443, 443], access: read, auth: { type: bearer, secret: K }, dlp: { on_match: log, except: [jwt] } }
    - { host: 10.0.0.9, scheme: http, allow_private: true, error_shape: openai }
  deny: ["*.evil.example"]
dlp: { detectors: [jwt, github-token] }
`);

const PARTS: RuntimeParts = {
  session: 'x-000000',
  listen: { explicit: '127.0.0.1:0', relaySocket: null, transparent: null, dns: null },
  dnsAnswer: '127.0.0.1',
  secrets: [],
  upstream: { roots: '', map: {}, refuse: [] },
  auditPath: '/var/log/bottle/audit.jsonl',
  source: 'c2hpbmdsZXM=',
};

describe("the proxy's configuration", () => {
  it('holds a route for each entry, in order', () => {
    expect(compileRoutes(BOTTLE, { source: '' })).toEqual({
      routes: [
        {
          id: 'allow.0',
          host: 'a.example',
          ports: [443],
          scheme: 'https',
          rules: [{ methods: null, paths: null, query: {}, headers: {} }],
          auth: null,
          placeholder: null,
          dlp: { onMatch: 'block', except: [], actions: {} },
          allowPrivate: false,
          errorShape: 'plain',
          quota: null,
        },
        {
          id: 'allow.1',
          host: 'b.example',
          ports: [8443, 443],
          scheme: 'https',
          rules: [{ methods: ['GET', 'HEAD', 'OPTIONS'], paths: null, query: {}, headers: {} }],
          auth: { type: 'bearer', secret: 'K' },
          placeholder: null,
          dlp: { onMatch: 'log', except: ['jwt'], actions: {} },
          allowPrivate: false,
          errorShape: 'plain',
          quota: null,
        },
        {
          id: 'allow.2',
          host: '10.0.0.9',
          ports: [80],
          scheme: 'http',
          rules: [{ methods: null, paths: null, query: {}, headers: {} }],
          auth: null,
          placeholder: null,
          dlp: { onMatch: 'block', except: [], actions: {} },
          allowPrivate: true,
          errorShape: 'openai',
          quota: null,
        },
      ],
      deny: [{ id: 'deny.0', host: '*.evil.example' }],
      dlp: { detectors: ['jwt', 'github-token'], source: '' },
    });
  });

  it('lets nothing through for a spec that allows nothing', () => {
    expect(compileRoutes(bottleOf('version: 1'), { source: '' })).toMatchObject({ routes: [], deny: [] });
  });

  it('adds what only a session knows, and the usual bounds', () => {
    const { source, ...parts } = PARTS;
    const config = compileProxyConfig(BOTTLE, { ...PARTS, limits: { holdBytes: 1 } });
    expect(config).toEqual({
      contractVersion: CONTRACT_VERSION,
      ...parts,
      ...compileRoutes(BOTTLE, { source }),
      quota: null,
      limits: { ...DEFAULT_LIMITS, holdBytes: 1 },
    });
  });

  it('excuses large pieces of source where an entry allows them', () => {
    const { routes } = compileRoutes(
      bottleOf('version: 1\negress: { allow: [{ host: a.example, source: allowed }, b.example] }'),
      { source: '' },
    );
    expect(routes.map(({ dlp }) => dlp.except)).toEqual([['workspace-source'], []]);
  });

  it('takes what the spec bounds, and leaves the rest as it is', () => {
    const { routes, quota, limits } = compileProxyConfig(
      bottleOf(`version: 1
egress:
  allow:
    - { host: a.example, ports: [80, 443], limits: { requests_per_minute: 60 } }
    - { host: b.example, id: b, limits: { request_bytes: 1.5k, total_bytes: 2GiB } }
  limits: { request_bytes: 100, total_bytes: 1t, head_bytes: 8k, connections: 9, head_seconds: 1, idle_seconds: 2 }
`),
      PARTS,
    );
    const none = { requestBytes: null, requestsPerMinute: null, totalBytes: null };
    // http and https of one entry count together.
    expect(routes.map((route) => [route.id, route.quota])).toEqual([
      ['allow.0', { ...none, name: 'allow.0.limits', requestsPerMinute: 60 }],
      ['allow.0.http', { ...none, name: 'allow.0.limits', requestsPerMinute: 60 }],
      ['b', { ...none, name: 'b.limits', requestBytes: 1536, totalBytes: 2 * 1024 ** 3 }],
    ]);
    expect(quota).toEqual({ ...none, name: 'egress.limits', requestBytes: 100, totalBytes: 1024 ** 4 });
    expect(limits).toEqual({
      ...DEFAULT_LIMITS,
      headBytes: 8192,
      connections: 9,
      headTimeoutMs: 1000,
      idleTimeoutMs: 2000,
    });
  });

  it('survives the line that carries it', () => {
    const config = compileProxyConfig(BOTTLE, PARTS);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  it('names every port once', () => {
    expect(routePorts(BOTTLE)).toEqual([80, 443, 8443]);
  });
});
