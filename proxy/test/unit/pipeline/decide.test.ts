// `bottle why`: the answer of the same pipeline, without a network.
import { describe, expect, test } from 'vitest';
import type { DecideRequest, Decision } from '../../../src/contract.ts';
import { decide } from '../../../src/pipeline/decide.ts';
import { githubToken, route, rule, session } from './session.ts';

const it = session([
  route('acme', 'api.example', {
    rules: [rule(['GET', 'POST'], '/repos/acme/**')],
    auth: { type: 'bearer', secret: 'TOKEN' },
  }),
  route('plain', 'plain.example', { scheme: 'http', ports: [80] }),
  route('near', '10.1.2.3'),
  route('home', '192.168.1.5', { allowPrivate: true }),
  route('wild', '*.example.org'),
  route('signed', 'signed.example', {
    auth: {
      ...{
        type: 'hmac',
        secret: 'TOKEN',
        accessKey: null,
        algorithm: 'sha256',
        encoding: 'hex',
        secretEncoding: 'utf8',
      },
      ...{
        message: '{body}',
        headers: { 'x-sig': 'v1={signature}', 'x-time': '{timestamp}' },
        query: { s: '{signature}' },
      },
    },
  }),
]);
const why = (method: string, url: string, more: Partial<DecideRequest> = {}): Decision =>
  decide({ config: it.config, method, url, headers: [], body: '', ...more });

describe('the decision', () => {
  test('names the rule and what would be injected where', () => {
    expect(why('GET', 'https://api.example/repos/acme/web?x=1')).toMatchObject({
      verdict: 'allow',
      stage: 'none',
      rule: 'acme',
      injected: ['TOKEN'],
      injectedInto: ['header authorization (bearer)'],
    });
    expect(JSON.stringify(why('GET', 'https://api.example/repos/acme/web'))).not.toContain(it.value);
  });

  test('names where a signature would go', () => {
    expect(why('POST', 'https://signed.example/', { body: 'x' })).toMatchObject({
      ...{ verdict: 'allow', injected: ['TOKEN'], injectedInto: ['header x-sig, query s (hmac)'] },
    });
  });

  const answers: readonly (readonly [string, string, Partial<Decision>])[] = [
    ['GET', 'https://API.Example./repos/acme/web', { verdict: 'allow' }],
    ['GET', 'https://api.example:443/repos/acme/web#top', { verdict: 'allow' }],
    ['GET', 'wss://api.example/repos/acme/ws', { verdict: 'allow' }],
    ['GET', 'http://plain.example', { verdict: 'allow', rule: 'plain' }],
    ['GET', 'http://plain.example?x=1', { verdict: 'allow', rule: 'plain' }],
    ['GET', 'https://bücher.example.org/', { verdict: 'allow', rule: 'wild' }],
    ['GET', 'https://192.168.1.5/', { verdict: 'allow', rule: 'home' }],
    ['DELETE', 'https://api.example/repos/acme/web', { verdict: 'block', stage: 'policy', rule: 'acme' }],
    ['GET', 'https://api.example/repos/acme/../../user', { verdict: 'block', stage: 'policy' }],
    ['GET', 'https://api.example/repos/acme/..%2fuser', { verdict: 'block', rule: 'ambiguous-path' }],
    ['GET', 'https://api.example:8443/', { verdict: 'block', rule: 'default' }],
    ['GET', 'https://evil.test/', { verdict: 'block', stage: 'policy', rule: 'default' }],
    ['GET', 'https://10.1.2.3/', { verdict: 'block', stage: 'address', rule: 'private-address' }],
    ['GET', 'https://0x0a010203/', { verdict: 'block' }],
    ['GET', 'https://[::1]/', { verdict: 'block' }],
    ['GET', 'ftp://api.example/', { verdict: 'block', stage: 'protocol' }],
    ['GET', 'api.example/x', { verdict: 'block', stage: 'protocol' }],
    ['GET', 'https://', { verdict: 'block', stage: 'protocol' }],
    ['GET', 'https://api.example:99999/', { verdict: 'block', stage: 'protocol' }],
    ['TRACE', 'https://api.example/repos/acme/web', { verdict: 'block', stage: 'protocol' }],
  ];
  test.each(answers)('%s %s', (method, url, expected) => expect(why(method, url)).toMatchObject(expected));

  test('searches headers, userinfo and body', () => {
    const url = 'https://api.example/repos/acme/web';
    expect(why('GET', url, { headers: [['X-Note', githubToken()]] })).toMatchObject({
      stage: 'dlp',
      rule: 'github-token',
    });
    expect(why('POST', url, { body: `x ${it.placeholder}` })).toMatchObject({ stage: 'placeholder' });
    expect(why('GET', `http://${githubToken()}@plain.example/`)).toMatchObject({ verdict: 'block' });
    expect(why('GET', url, { headers: [['X', 'a\r\nb: c']] })).toMatchObject({ stage: 'protocol' });
  });

  test('counts the networks of the host as private', () => {
    const config = {
      ...it.config,
      routes: [route('own', '198.18.5.5'), route('pub', '203.0.113.9')],
      upstream: { roots: '', map: {}, refuse: ['203.0.113.0/24'] },
    };
    expect(why('GET', 'https://203.0.113.9/', { config })).toMatchObject({ stage: 'address' });
  });
});
