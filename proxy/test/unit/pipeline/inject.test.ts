// Injection: the real credential goes where the route says, the agent's own value goes, everything else stays byte for byte.
import { describe, expect, test } from 'vitest';
import type { Auth, PlaceholderSwap } from '../../../src/contract.ts';
import type { Injected } from '../../../src/pipeline/types.ts';
import { route, session, type TestSession, view } from './session.ts';

const header = (template: string): Auth => ({ type: 'header', secret: 'TOKEN', name: 'X-Api-Key', template });
const query: Auth = { type: 'query', secret: 'TOKEN', name: 'key' };

function inject(it: TestSession, target: string, rawHeaders: readonly string[]): Injected {
  const judged = it.pipeline.judgeHead(view({ target, rawHeaders }));
  if (judged.do === 'refuse') throw new Error(judged.refusal.reason);
  return it.inject(judged.admitted);
}
const bound = (auth: Auth | null, placeholder: PlaceholderSwap | null = null): TestSession =>
  session([route('one', 'api.example', { auth, placeholder })]);

describe('a credential', () => {
  test('bearer takes the place of every authorization field', () => {
    const it = bound({ type: 'bearer', secret: 'TOKEN' });
    expect(
      inject(it, '/', ['Host', 'api.example', 'authorization', 'Basic eDp5', 'Accept', '*/*', 'AUTHORIZATION', 'x']),
    ).toEqual({
      target: '/',
      rawHeaders: ['Host', 'api.example', 'authorization', `Bearer ${it.value}`, 'Accept', '*/*'],
      body: null,
      chunks: null,
      injected: ['TOKEN'],
      made: [],
      injectedInto: ['header authorization (bearer)'],
    });
  });

  test('goes to the end when the agent sent none', () => {
    const it = bound({ type: 'bearer', secret: 'TOKEN' });
    expect(inject(it, '/', ['Host', 'api.example']).rawHeaders).toEqual([
      'Host',
      'api.example',
      'Authorization',
      `Bearer ${it.value}`,
    ]);
  });

  test('basic is base64 of user and secret', () => {
    const it = bound({ type: 'basic', secret: 'TOKEN', username: 'x-access-token' });
    const [, pair] = inject(it, '/', []).rawHeaders;
    expect(Buffer.from(pair!.slice('Basic '.length), 'base64').toString()).toBe(`x-access-token:${it.value}`);
  });

  test('header fills its template, `$` and all', () => {
    const it = session([route('one', 'api.example', { auth: header('key={secret}; v=1') })], {
      secrets: [{ name: 'TOKEN', value: "a$&b$'c$1d", placeholder: 'bottle-abcdefghijkl' }],
    });
    expect(inject(it, '/', ['x-api-KEY', 'old', 'X-Api-Key', 'older']).rawHeaders).toEqual([
      'x-api-KEY',
      "key=a$&b$'c$1d; v=1",
    ]);
  });

  test('a value beyond ASCII travels as UTF-8 bytes', () => {
    const it = session([route('one', 'api.example', { auth: header('{secret}') })], {
      secrets: [{ name: 'TOKEN', value: 'schlüssel-12345', placeholder: 'bottle-abcdefghijkl' }],
    });
    const [, sent] = inject(it, '/', []).rawHeaders;
    expect(Buffer.from(sent!, 'latin1').toString('utf8')).toBe('schlüssel-12345');
  });

  const targets: readonly (readonly [string, string])[] = [
    ['/x', '/x?key=V'],
    ['/x?', '/x?key=V'],
    ['/x?a=%20+b&c', '/x?a=%20+b&c&key=V'],
    ['/x?key=old', '/x?key=V'],
    ['/x?a=1&key=old&b=2&key=older&c', '/x?a=1&key=V&b=2&c'],
    ['/x?k%65y=old&a=1', '/x?k%65y=V&a=1'],
    ['/x?key&a', '/x?key=V&a'],
    ['/x?Key=own', '/x?Key=own&key=V'],
    ['/x?a&&b=', '/x?a&&b=&key=V'],
  ];
  test.each(targets)('query: %s becomes %s', (target, expected) => {
    const it = bound(query);
    expect(inject(it, target, []).target).toBe(expected.replace('V', it.value));
  });

  test('query encodes what a URL may not hold', () => {
    const it = session([route('one', 'api.example', { auth: query })], {
      secrets: [{ name: 'TOKEN', value: 'a&b=c d#é/1234', placeholder: 'bottle-abcdefghijkl' }],
    });
    expect(inject(it, '/x', []).target).toBe('/x?key=a%26b%3Dc%20d%23%C3%A9%2F1234');
  });

  test('nothing is injected where the route asks for nothing', () => {
    const it = bound(null);
    const rawHeaders = ['Host', 'api.example', 'authorization', 'Bearer mine'];
    expect(inject(it, '/x?a', rawHeaders)).toEqual({
      target: '/x?a',
      rawHeaders,
      body: null,
      chunks: null,
      injected: [],
      made: [],
      injectedInto: [],
    });
  });
});

describe('a placeholder', () => {
  const inHeader: PlaceholderSwap = { secret: 'TOKEN', in: ['header'] };
  test('is swapped in headers where it stands', () => {
    const it = bound(null, inHeader);
    const sent = inject(it, '/', ['authorization', `token ${it.placeholder}`, 'X-B', 'b', 'X-K', it.placeholder]);
    expect(sent.rawHeaders).toEqual(['authorization', `token ${it.value}`, 'X-B', 'b', 'X-K', it.value]);
    expect(sent.injected).toEqual(['TOKEN']);
    expect(sent.injectedInto).toEqual(['header authorization (placeholder), header x-k (placeholder)']);
  });

  test('is swapped inside Basic, keeping the user', () => {
    const it = bound(null, inHeader);
    const pair = Buffer.from(`me:${it.placeholder}`).toString('base64');
    const [, sent] = inject(it, '/', ['Authorization', `Basic ${pair}`]).rawHeaders;
    expect(Buffer.from(sent!.slice(6), 'base64').toString()).toBe(`me:${it.value}`);
  });

  test('is swapped as a whole query value', () => {
    const it = bound(null, { secret: 'TOKEN', in: ['query'] });
    expect(inject(it, `/x?a=%20&k=${it.placeholder}&b`, []).target).toBe(`/x?a=%20&k=${it.value}&b`);
  });

  test('that the agent does not send injects nothing', () => {
    const it = bound(null, inHeader);
    expect(inject(it, '/', ['X-A', 'b'])).toMatchObject({ rawHeaders: ['X-A', 'b'], injected: [] });
  });

  test('of another secret stays a finding', () => {
    const it = session([route('one', 'api.example', { placeholder: inHeader })], {
      secrets: [
        { name: 'TOKEN', value: 'value-of-token-1', placeholder: 'bottle-abcdefghijkl' },
        { name: 'OTHER', value: 'value-of-other-2', placeholder: 'bottle-mnopqrstuvwx' },
      ],
    });
    expect(it.judge({ headers: { 'X-A': 'bottle-mnopqrstuvwx' } }).do).toBe('refuse');
  });
});

describe('a configuration that cannot be enforced', () => {
  const broken: readonly (readonly [string, Auth | null, string])[] = [
    ['a line break in a header credential', { type: 'bearer', secret: 'TOKEN' }, 'abc\r\nX-Evil: 1'],
    ['a line end at the end', { type: 'bearer', secret: 'TOKEN' }, 'abcdefgh\n'],
    ['a NUL', header('{secret}'), 'abc\0defgh'],
    ['an empty secret', { type: 'bearer', secret: 'TOKEN' }, ''],
    ['an unknown secret', { type: 'bearer', secret: 'OTHER' }, 'abcdefgh'],
    ['a colon in the user name', { type: 'basic', secret: 'TOKEN', username: 'a:b' }, 'abcdefgh'],
    ['a template with a line break', header('a\r\nb: {secret}'), 'abcdefgh'],
    ['a header name that is none', { type: 'header', secret: 'TOKEN', name: 'a b', template: '{secret}' }, 'abcdefgh'],
    ['the host header', { type: 'header', secret: 'TOKEN', name: 'Host', template: '{secret}' }, 'abcdefgh'],
    [
      'a framing header',
      { type: 'header', secret: 'TOKEN', name: 'Transfer-Encoding', template: '{secret}' },
      'abcdefgh',
    ],
  ];
  test.each(broken)('%s refuses the start without showing the value', (_what, auth, value) => {
    const secrets = [{ name: 'TOKEN', value, placeholder: 'bottle-abcdefghijkl' }];
    let failure: unknown;
    try {
      session([route('one', 'api.example', { auth })], { secrets });
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ name: 'ProxyFailure', fix: expect.any(String) });
    if (value !== '') expect(String(failure)).not.toContain(value.trim());
  });
});
