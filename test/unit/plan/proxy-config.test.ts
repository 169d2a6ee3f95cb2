import { describe, expect, it } from 'vitest';
import { CONTRACT_VERSION, DEFAULT_LIMITS, HELD_COOKIES } from '../../../proxy/src/contract.ts';
import { createBypass } from '../../../proxy/src/net/dial-proxy.ts';
import { compileProxyConfig, compileRoutes, type RuntimeParts, routePorts } from '../../../src/plan/proxy-config.ts';
import { withCookieKey } from '../../../src/session/cookie-key.ts';
import type { Bottle } from '../../../src/spec/bottle.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { LimitsSchema } from '../../../src/spec/schema-limits.ts';
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

describe('an entry that holds cookies', () => {
  const bottle = bottleOf('version: 1\negress: { allow: [{ host: a.example, cookies: hold }, b.example] }\n');

  it('is such a route, alone, and is printed so', () => {
    expect(compileRoutes(bottle, { source: '' }).routes.map(({ cookies }) => cookies)).toEqual(['hold', undefined]);
    expect(renderBottle(bottle)).toContain('cookies: hold');
  });

  it('has a key of its own in every session, which no bottle without one gets', () => {
    const [first, second] = [withCookieKey(bottle, []), withCookieKey(bottle, [])];
    expect(first).toMatchObject([{ name: HELD_COOKIES, value: expect.stringMatching(/^\w{48}$/) }]);
    expect(first[0]!.value).not.toBe(second[0]!.value);
    expect(first[0]!.placeholder).not.toBe(second[0]!.placeholder);
    expect(withCookieKey(BOTTLE, [])).toEqual([]);
  });

  it('is refused where nobody reads', () => {
    const text = 'version: 1\negress: { allow: [{ host: a.example, tls: passthrough, cookies: hold }] }\n';
    expect(parseSpec(text, 'x.yaml', surroundings())).toMatchObject({ ok: false });
  });
});

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

  it('takes what may be spent, by the entry’s own prices or those of all egress', () => {
    const { routes, quota } = compileProxyConfig(
      bottleOf(`version: 1
egress:
  allow:
    - { host: a.example, limits: { cost_usd: 2 } }
    - { host: b.example, limits: { tokens: 10, tokens_per_minute: 5, prices: { r: reported } } }
    - { host: c.example, limits: { requests_per_minute: 1 } }
  limits: { cost_usd: 5, prices: { "m-*": { input: 3, output: 15, cache_read: 0.3 } } }
`),
      PARTS,
    );
    const prices = [{ model: 'm-*', input: 3, output: 15, cacheRead: 0.3, cacheWrite: 6 }];
    const none = { tokens: null, tokensPerMinute: null, costUsd: null };
    const reported = { model: 'r', input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reported: true };
    expect(quota?.spend).toEqual({ ...none, costUsd: 5, prices });
    expect(routes.map((route) => route.quota?.spend)).toEqual([
      { ...none, costUsd: 2, prices },
      { ...none, tokens: 10, tokensPerMinute: 5, prices: [reported] },
      undefined,
    ]);
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

  it('takes every bound of connections and messages, and the number of threads; `show` prints them again', () => {
    const text = `version: 1
egress:
  workers: 3
  limits:
    { head_bytes: 2k, head_fields: 20, trailer_bytes: 3k, interim_answers: 4, hold_bytes: 5k, held_bytes: 6m, decoded_bytes: 7m, connections: 8,
      idle_upstreams: 9, head_seconds: 10, connect_seconds: 11, idle_seconds: 12, hold_seconds: 13,
      http2: { streams: 14, reset_burst: 15, resets_per_second: 16, refused_streams: 17, settings: 18, stream_window: 190k, window: 200k, memory: 21m,
        upstream_stream_window: 220k, upstream_window: 230k, upstream_memory: 24m } }
`;
    const { limits } = compileProxyConfig(bottleOf(text), PARTS);
    const M = 1024 ** 2;
    expect(limits).toEqual({
      ...{ headBytes: 2048, headFields: 20, trailerBytes: 3072, interims: 4, holdBytes: 5120, heldBytes: 6 * M },
      ...{ decodedBytes: 7 * M, connections: 8, idleUpstreams: 9, headTimeoutMs: 10_000, connectTimeoutMs: 11_000 },
      ...{ idleTimeoutMs: 12_000, holdTimeoutMs: 13_000, workers: 3 },
      http2: {
        ...{ streams: 14, resetBurst: 15, resetsPerSecond: 16, refusedStreams: 17, settings: 18 },
        ...{ streamWindowBytes: 190 * 1024, windowBytes: 200 * 1024, memoryBytes: 21 * M },
        ...{ upstreamStreamWindowBytes: 220 * 1024, upstreamWindowBytes: 230 * 1024, upstreamMemoryBytes: 24 * M },
      },
    });
    // Nothing is left that the spec cannot say.
    expect(Object.keys(limits).sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort());
    const shown = compileProxyConfig(bottleOf(renderBottle(bottleOf(text))), PARTS);
    expect(shown.limits).toEqual(limits);
  });

  it.each([
    ['x.example.', 'a.x.example'],
    ['*.x.example:443', 'a.x.example'],
    ['10.0.0.0/8', '10.1.2.3'],
    ['192.0.2.7:443', '192.0.2.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:db8::/32', '2001:db8::1'],
    ['[2001:db8::]/32', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['*', 'x.example'],
  ])('goes past the upstream proxy as no_proxy %s says', (entry, host) => {
    const text = `version: 1\negress: { upstream_proxy: { url: "http://p.example", no_proxy: ["${entry}"] } }`;
    const { upstream } = compileProxyConfig(bottleOf(text), PARTS);
    expect(createBypass(upstream.proxy?.noProxy ?? [])(host, 443)).toBe(true);
  });

  it('has the defaults that the words of the schema name', () => {
    const usual = (properties: object, without: string[]) =>
      Object.fromEntries(
        Object.entries(properties).flatMap(([word, { examples }]: [string, { examples?: readonly unknown[] }]) =>
          without.includes(word) ? [] : [[word, examples?.[0]]],
        ),
      );
    const none = [
      ...['request_bytes', 'requests_per_minute', 'total_bytes', 'http2'],
      ...['tokens', 'tokens_per_minute', 'cost_usd', 'prices'],
    ];
    const written = {
      ...usual(LimitsSchema.properties, none),
      http2: usual(LimitsSchema.properties.http2.properties, []),
    };
    const spec = JSON.stringify({ version: 1, egress: { limits: written } });
    expect(compileProxyConfig(bottleOf(spec), PARTS).limits).toEqual(DEFAULT_LIMITS);
  });

  it('survives the line that carries it', () => {
    const config = compileProxyConfig(BOTTLE, PARTS);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  it('names every port once', () => {
    expect(routePorts(BOTTLE)).toEqual([80, 443, 8443]);
  });
});
