// Policy: which requests pass, by which route, and what the others are told.
import { describe, expect, test } from 'vitest';
import type { ProxyConfig, Route } from '../../../src/contract.ts';
import { ANY_RULE, route, rule, session } from './session.ts';

const refusals = (routes: readonly Route[], more: Partial<ProxyConfig> = {}) => session(routes, more);

describe('hosts', () => {
  const { judge } = refusals([route('one', 'api.example'), route('two', '*.pages.example')]);
  const cases: readonly (readonly [string, boolean])[] = [
    ['api.example', true],
    ['x.api.example', false],
    ['api.example.evil.test', false],
    ['xapi.example', false],
    ['a.pages.example', true],
    ['a.b.pages.example', true],
    ['pages.example', false],
    ['xpages.example', false],
    ['.pages.example', false],
    ['evil.test', false],
  ];
  test.each(cases)('%s passes: %s', (host, passes) => expect(judge({ host }).do === 'admit').toBe(passes));

  test('no routes allow nothing', () => {
    expect(refusals([]).refuse({ host: 'api.example' })).toMatchObject({ stage: 'policy', rule: 'default' });
  });

  test('a route without rules matches nothing', () => {
    expect(refusals([route('one', 'api.example', { rules: [] })]).judge({}).do).toBe('refuse');
  });

  test('an address passes by its own literal alone', () => {
    const it = refusals([route('one', '203.0.113.7'), route('two', '*.0.0.1'), route('three', '2001:db8::7')]);
    expect(it.judge({ host: '203.0.113.7' }).do).toBe('admit');
    expect(it.judge({ host: '2001:db8::7' }).do).toBe('admit');
    expect(it.judge({ host: '127.0.0.1' }).do).toBe('refuse');
    expect(it.judge({ host: '203.0.113.8' }).do).toBe('refuse');
  });

  test('deny wins over every route', () => {
    const deny = [
      { id: 'deny.0', host: '*.ngrok.test' },
      { id: 'deny.1', host: 'api.example' },
    ];
    const it = refusals([route('all', '*.test'), route('one', 'api.example')], { deny });
    expect(it.refuse({ host: 'a.ngrok.test' })).toMatchObject({
      rule: 'deny.0',
      reason: 'a.ngrok.test is denied by deny.0',
    });
    expect(it.refuse({ host: 'api.example' })).toMatchObject({ rule: 'deny.1' });
    expect(it.judge({ host: 'ngrok.test' }).do).toBe('admit');
    expect(it.pipeline.knowsHost('a.ngrok.test', 443)).toBe(false);
  });

  test('an unlisted host is told the line that allows it', () => {
    const it = refusals([route('one', 'api.example')]);
    expect(it.refuse({ host: 'evil.test' }).fix).toBe('add "evil.test" to egress.allow');
    expect(it.refuse({ host: 'evil.test', port: 8443 }).fix).toBe(
      'add { host: "evil.test", port: 8443 } to egress.allow',
    );
    expect(it.refuse({ host: 'evil.test', port: 80, scheme: 'http' }).fix).toBe(
      'add { host: "evil.test", scheme: http } to egress.allow',
    );
    expect(it.refuse({ host: '10.0.0.9' }).fix).toContain('allow_private: true');
    expect(it.refuse({ host: '169.254.169.254' }).fix).toBe('nothing should allow it');
  });

  test('port and scheme belong to the route', () => {
    const it = refusals([route('one', 'api.example', { ports: [443, 8443] })]);
    expect(it.judge({ port: 8443 }).do).toBe('admit');
    expect(it.refuse({ port: 22 }).reason).toBe('port 22 of api.example is not in the allow list');
    expect(it.refuse({ port: 80, scheme: 'http' }).reason).toBe('api.example is allowed over https only');
    expect(it.pipeline.knowsHost('api.example', 8443)).toBe(true);
    expect(it.pipeline.knowsHost('api.example', 22)).toBe(false);
  });

  test('a host name never shows what was matched in it', () => {
    const it = refusals([]);
    const host = `${it.value}.evil.test`;
    const refusal = it.refuse({ host, rawHeaders: ['Host', host] });
    expect(JSON.stringify(refusal)).not.toContain(it.value);
    expect(refusal.findings.map(({ detector }) => detector)).toContain('known-secret');
    expect(it.pipeline.recordText(host)).not.toContain(it.value);
  });
});

describe('rules', () => {
  const acme = route('acme', 'api.example', {
    rules: [
      rule(['GET', 'HEAD'], '/repos/acme/**'),
      rule(['POST'], '/graphql', '/repos/*/issues'),
      { ...ANY_RULE, methods: ['PUT'], paths: ['/q'], query: { mode: 'safe*' } },
      { ...ANY_RULE, methods: ['DELETE'], paths: ['/h'], headers: { 'x-confirm': 'yes' } },
    ],
  });
  const it = session([acme]);
  const passes: readonly (readonly [string, string, Record<string, string>])[] = [
    ['GET', '/repos/acme/web', {}],
    ['HEAD', '/repos/acme/a/b/c', {}],
    ['GET', '/repos/acme/web?x=..%2f', {}],
    ['GET', '/x/../repos/acme/web', {}],
    ['GET', '/repos//acme/web', {}],
    ['GET', '/repos/acme/a%2Fb', {}],
    ['GET', '/repos/acme/100%25', {}],
    ['GET', '/repos/acme/caf%C3%A9', {}],
    ['POST', '/graphql', {}],
    ['POST', '/repos/x/issues', {}],
    ['PUT', '/q?mode=safest', {}],
    ['PUT', '/q?a=b&%6dode=safe', {}],
    ['DELETE', '/h', { 'X-Confirm': 'yes' }],
    ['GET', '/repos/acme/web', { 'X-HTTP-Method-Override': 'HEAD' }],
  ];
  test.each(passes)('%s %s passes', (method, target, headers) => {
    expect(it.judge({ method, target, headers })).toMatchObject({ do: 'admit' });
  });

  const refused: readonly (readonly [string, string, Record<string, string>])[] = [
    ['POST', '/repos/acme/web', {}],
    ['get', '/repos/acme/web', {}],
    ['GET', '/repos/acme', {}],
    ['GET', '/repos/acmex/y', {}],
    ['GET', '/user', {}],
    ['GET', '/repos/acme/../other/x', {}],
    ['GET', '/repos/acme/%2e%2e/other/x', {}],
    ['GET', '/repos/acme/..%2Fother', {}],
    ['GET', '/repos/acme/..%5cother', {}],
    ['GET', '/repos/acme/..\\other', {}],
    ['GET', '/repos/acme/..%252fother', {}],
    ['GET', '/repos/acme/..;/other', {}],
    ['GET', '/repos/acme/..;x/..;y/user', {}],
    ['GET', '/repos/acme/..%3f', {}],
    ['GET', '/repos/acme/%c0%ae%c0%ae/other', {}],
    ['GET', '/repos/acme/%ef%bc%8e%ef%bc%8e/other', {}],
    ['GET', '/repos/acme/x%00', {}],
    ['GET', '/user%2F..%2Frepos/acme/x', {}],
    ['POST', '/repos/x/y/issues', {}],
    ['POST', '/repos/x%2Fy/issues', {}],
    ['PUT', '/q', {}],
    ['PUT', '/q?mode=unsafe', {}],
    ['PUT', '/q?mode=safe&mode=unsafe', {}],
    ['PUT', '/q?mode=safe&m%6fde=unsafe', {}],
    ['DELETE', '/h', {}],
    ['DELETE', '/h', { 'x-confirm': 'no' }],
    ['GET', '/repos/acme/web', { 'X-HTTP-Method-Override': 'DELETE' }],
    ['GET', '/repos/acme/web', { 'x-method-override': 'patch' }],
    ['GET', '/repos/acme/web?_method=DELETE', {}],
    ['GET', '/repos/acme/web', { 'X-Original-URL': '/user' }],
    ['GET', '/repos/acme/web', { 'x-rewrite-url': '/user' }],
  ];
  test.each(refused)('%s %s is refused', (method, target, headers) => {
    expect(it.judge({ method, target, headers })).toMatchObject({ do: 'refuse', refusal: { stage: 'policy' } });
  });

  test('a refusal names the route and the line that would allow the request', () => {
    expect(it.refuse({ method: 'POST', target: '/repos/acme/x?k=v' })).toMatchObject({
      rule: 'acme',
      reason: 'no rule for api.example allows POST /repos/acme/x (acme)',
      fix: 'add "POST /repos/acme/x" to rules of the egress.allow entry for api.example (acme)',
    });
  });

  test('for a route of a preset the fix is an entry of its own', () => {
    const preset = session([route('use.github-read.0', 'api.example', { rules: [rule(['GET'])] })]);
    expect(preset.refuse({ method: 'POST', target: '/x' }).fix).toBe(
      'add { host: "api.example", rules: ["POST /x"] } to egress.allow',
    );
  });

  test('what is sent is what was judged', () => {
    expect(it.admit({ target: '/x/../repos//acme/%61?a=%61//..' }).target).toBe('/repos/acme/a?a=%61//..');
    expect(it.admit({ target: '/repos/acme/a%2fb' }).target).toBe('/repos/acme/a%2Fb');
  });

  test('an ambiguous path says so', () => {
    expect(it.refuse({ target: '/repos/acme/..%2Fother' })).toMatchObject({ stage: 'policy', rule: 'ambiguous-path' });
    expect(it.refuse({ target: '/repos/acme/%00' })).toMatchObject({ rule: 'ambiguous-path' });
  });

  test('all readings must be allowed by the same route', () => {
    const two = session([
      route('a', 'api.example', { rules: [rule(null, '/a/**')] }),
      route('b', 'api.example', { rules: [rule(null, '/b/**')], auth: { type: 'bearer', secret: 'TOKEN' } }),
    ]);
    expect(two.judge({ target: '/a/..%2Fb/x' }).do).toBe('refuse');
    expect(two.admit({ target: '/b/x' }).rule).toBe('b');
  });

  test('the first route that matches wins', () => {
    const two = session([
      route('narrow', 'api.example', { rules: [rule(['GET'], '/a/**')] }),
      route('wide', 'api.example'),
    ]);
    expect(two.admit({ target: '/a/x' }).rule).toBe('narrow');
    expect(two.admit({ target: '/b' }).rule).toBe('wide');
    expect(two.admit({ target: '/a/x', method: 'POST' }).rule).toBe('wide');
  });
});

describe('a route without path restriction', () => {
  const it = session([route('npm', 'npm.example', { rules: [rule(['GET'], '/**')] }), route('open', 'api.example')]);
  const targets = ['/@scope%2fname', '/a//b/../c', '/%00', '/a%zz', '/a%c0%af', '/x;y\\z', `/${'a'.repeat(20_000)}`];
  test.each(targets)('passes %.40s byte for byte', (target) => {
    expect(it.admit({ target }).target).toBe(target);
    expect(it.admit({ target, host: 'npm.example' }).target).toBe(target);
  });

  test('keeps its methods', () => {
    expect(it.judge({ host: 'npm.example', method: 'PUT', target: '/x' }).do).toBe('refuse');
  });
});

test('a rule may name an encoded slash', () => {
  const it = session([route('gitlab', 'api.example', { rules: [rule(['GET'], '/projects/acme%2Fweb/**')] })]);
  expect(it.admit({ target: '/projects/acme%2fweb/issues' }).target).toBe('/projects/acme%2Fweb/issues');
  expect(it.judge({ target: '/projects/acme/web/issues' }).do).toBe('refuse');
  expect(it.judge({ target: '/projects/acme%2Fweb/..%2f..%2fother' }).do).toBe('refuse');
});

test('a rule may hold letters beyond ASCII', () => {
  const it = session([route('one', 'api.example', { rules: [rule(['GET'], '/café/*')] })]);
  expect(it.judge({ target: '/caf%C3%A9/x' }).do).toBe('admit');
  expect(it.judge({ target: '/caf%c3%a9/x' }).do).toBe('admit');
  expect(it.judge({ target: '/cafe/x' }).do).toBe('refuse');
});

describe('a request line that proxy and upstream could read differently', () => {
  const it = session([route('one', 'api.example')]);
  const flaws: readonly (readonly [string, string, string])[] = [
    ['GET', 'https://other.test/', 'bad-target'],
    ['GET', 'x', 'bad-target'],
    ['GET', '', 'bad-target'],
    ['GET', '*', 'bad-target'],
    ['GET', '/a#b', 'bad-target'],
    ['GET', '/a b', 'bad-target'],
    ['GET', '/a\tb', 'bad-target'],
    ['GET', '/a\r\nX: y', 'bad-target'],
    ['GE T', '/', 'bad-method'],
    ['', '/', 'bad-method'],
    ['A'.repeat(33), '/', 'bad-method'],
    ['TRACE', '/', 'bad-method'],
    ['trace', '/', 'bad-method'],
    ['CONNECT', '/', 'bad-method'],
  ];
  test.each(flaws)('%s %s is refused', (method, target, flaw) => {
    expect(it.refuse({ method, target })).toMatchObject({ stage: 'protocol', rule: flaw });
  });
  test('OPTIONS * passes where any path may', () => {
    expect(it.admit({ method: 'OPTIONS', target: '*' }).target).toBe('*');
    const narrow = session([route('one', 'api.example', { rules: [rule(null, '/a/**')] })]);
    expect(narrow.judge({ method: 'OPTIONS', target: '*' }).do).toBe('refuse');
  });
});
