// Secrets and placeholders in the head of a request: found in every field, legal in one place, rewritten where the route says so.
import { describe, expect, test } from 'vitest';
import type { Auth, OnMatch, Route } from '../../../src/contract.ts';
import { githubToken, route, rule, session, type TestSession, valuesOf, view } from './session.ts';

const bearer: Auth = { type: 'bearer', secret: 'TOKEN' };
/** Fingerprints that two sessions have in common. */
const FIXED_KEY = {
  dlp: { detectors: null, source: '', fingerprintKey: Buffer.alloc(32, 7).toString('base64') },
} as const;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const hex = (text: string): string => Buffer.from(text).toString('hex');

type Request = Parameters<TestSession['judge']>[0];
/** Every place of a head that can carry a text. */
const places: readonly (readonly [string, (text: string) => Request])[] = [
  ['a path segment', (text) => ({ target: `/v1/${text}/x` })],
  ['the last path segment', (text) => ({ target: `/v1/${text}` })],
  ['a query value', (text) => ({ target: `/x?a=1&q=${text}` })],
  ['a query name', (text) => ({ target: `/x?${text}=1` })],
  ['a query without =', (text) => ({ target: `/x?${text}` })],
  ['a header', (text) => ({ headers: { 'X-Note': `see ${text}.` } })],
  ['the user agent', (text) => ({ headers: { 'User-Agent': `tool/1.0 (${text})` } })],
  ['a cookie', (text) => ({ headers: { Cookie: `a=b; sid=${text}; c=d` } })],
  ['a referer', (text) => ({ headers: { Referer: `https://api.example/?x=${text}` } })],
  ['the path of an open route in upper-case escapes', (text) => ({ target: `/${percent(text)}` })],
];

function percent(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase()}`).join('');
}

describe('on a route that blocks', () => {
  const it = session([route('one', 'api.example'), route('bound', 'bound.example', { auth: bearer })]);
  const carried: readonly (readonly [string, () => string, string, string])[] = [
    ['the value of a secret', () => it.value, 'dlp', 'known-secret'],
    ['base64 of the value', () => base64(it.value).replace(/=+$/, ''), 'dlp', 'known-secret'],
    ['hex of the value', () => hex(it.value), 'dlp', 'known-secret'],
    ['a placeholder', () => it.placeholder, 'placeholder', 'placeholder'],
    ['base64 of a placeholder', () => base64(it.placeholder).replace(/=+$/, ''), 'placeholder', 'placeholder'],
    ['a vendor token', () => githubToken(), 'dlp', 'github-token'],
  ];
  for (const [what, make, stage, detector] of carried) {
    test.each(places)(`${what} in %s is refused`, (_place, request) => {
      const text = make();
      const refusal = it.refuse(request(text));
      expect(refusal).toMatchObject({ stage, rule: detector });
      expect(refusal.findings.length).toBeGreaterThan(0);
      expect(JSON.stringify(refusal)).not.toContain(text);
    });
  }

  test('a clean request has no findings', () => {
    expect(it.admit({ target: '/repos/acme/web?page=2', headers: { Accept: '*/*', Cookie: 'a=b' } })).toMatchObject({
      findings: [],
      verdict: 'allow',
      rule: 'one',
    });
  });

  test('the reason names the place and the route, and the fix is one', () => {
    expect(it.refuse({ target: `/x?note=${it.placeholder}` })).toMatchObject({
      reason: 'the placeholder of secret TOKEN in query note (one)',
      fix: 'it belongs to bound.example alone, in the place that its auth names',
    });
    expect(it.refuse({ headers: { 'X-Note': githubToken() } })).toMatchObject({
      reason: 'github-token in header x-note (one)',
      fix: 'use the secret through secrets and auth; if it is none: dlp: { except: [github-token] } on the egress.allow entry for api.example',
    });
  });

  test('a secret split over several fields is found', () => {
    const [a, b] = [it.value.slice(0, 12), it.value.slice(12)];
    for (const request of [
      { target: `/x?a=${a}&b=${b}` },
      { target: `/x/${a}/${b}` },
      { target: `/x?${a}&${b}` },
      { headers: { 'X-A': a, 'X-B': b } },
      { target: `/x/${a}`, headers: { 'X-B': b } },
      { target: `/x?q=${hex(a!)}`, headers: { 'X-B': hex(b!) } },
      { headers: { 'X-A': it.placeholder.slice(0, 9), 'X-B': it.placeholder.slice(9) } },
    ]) {
      expect(it.judge(request), JSON.stringify(request)).toMatchObject({ do: 'refuse' });
    }
  });

  test('a custom method carries nothing out', () => {
    const short = session([route('one', 'api.example')], {
      secrets: [{ name: 'TOKEN', value: 'abcdefgh12345678', placeholder: 'bottle-abcdefghijkl' }],
    });
    expect(short.judge({ method: 'abcdefgh12345678' }).do).toBe('refuse');
    expect(short.judge({ method: 'PROPFIND' }).do).toBe('admit');
  });
});

describe('host labels', () => {
  const it = session([route('wild', '*.pages.example'), route('one', 'api.example')]);
  test('of a pattern carry nothing out', () => {
    const host = `${it.value}.pages.example`;
    expect(it.refuse({ host, rawHeaders: ['Host', 'x'] })).toMatchObject({ stage: 'dlp', rule: 'known-secret' });
    const split = `${it.value.slice(0, 9)}.${it.value.slice(9)}.pages.example`;
    expect(it.judge({ host: split, rawHeaders: ['Host', 'x'] }).do).toBe('refuse');
    expect(it.judge({ host: `${hex(it.value)}.pages.example`, rawHeaders: ['Host', 'x'] }).do).toBe('refuse');
    expect(it.judge({ host: 'my-branch.pages.example' }).do).toBe('admit');
  });
  test('are never rewritten: a route that redacts refuses', () => {
    const model = session([route('wild', '*.pages.example', { dlp: { onMatch: 'redact', except: [] } })]);
    const host = `${model.value}.pages.example`;
    expect(model.refuse({ host, rawHeaders: ['Host', 'x'] })).toMatchObject({ rule: 'known-secret' });
  });
});

describe('the place that a credential goes to', () => {
  const auths: readonly (readonly [Auth, (it: TestSession) => Request])[] = [
    [bearer, (it) => ({ headers: { Authorization: `Bearer ${it.placeholder}` } })],
    [bearer, (it) => ({ headers: { authorization: `token ${it.placeholder}` } })],
    [bearer, (it) => ({ headers: { Authorization: `Basic ${base64(`x:${it.placeholder}`)}` } })],
    [bearer, () => ({ headers: { Authorization: `Bearer ${githubToken()}` } })],
    [
      { type: 'basic', secret: 'TOKEN', username: 'u' },
      (it) => ({ headers: { Authorization: `Basic ${base64(`u:${it.placeholder}`)}` } }),
    ],
    [
      { type: 'header', secret: 'TOKEN', name: 'X-Api-Key', template: '{secret}' },
      (it) => ({ headers: { 'x-API-key': it.placeholder } }),
    ],
    [{ type: 'query', secret: 'TOKEN', name: 'key' }, (it) => ({ target: `/x?key=${it.placeholder}&a=b` })],
    [{ type: 'query', secret: 'TOKEN', name: 'key' }, (it) => ({ target: `/x?k%65y=${it.placeholder}` })],
  ];
  test.each(auths)('%o is not searched: the agent’s value never leaves', (auth, request) => {
    const it = session([route('bound', 'api.example', { auth })]);
    const admitted = it.admit(request(it));
    const sent = JSON.stringify(it.inject(admitted));
    expect(sent).not.toContain(it.placeholder);
    expect(sent).not.toContain(base64(it.placeholder).slice(0, 16));
  });

  test('of another route stays closed', () => {
    const it = session([
      route('bound', 'bound.example', { auth: bearer }),
      route('other', 'api.example'),
      route('key', 'key.example', {
        auth: { type: 'header', secret: 'TOKEN', name: 'x-api-key', template: '{secret}' },
      }),
    ]);
    const headers = { Authorization: `Bearer ${it.placeholder}` };
    expect(it.refuse({ headers })).toMatchObject({ stage: 'placeholder' });
    // Bound to x-api-key there, not to authorization.
    expect(it.refuse({ host: 'key.example', headers })).toMatchObject({ stage: 'placeholder' });
    expect(it.refuse({ headers: { Authorization: `Basic ${base64(`a:${it.placeholder}`)}` } })).toMatchObject({
      stage: 'placeholder',
    });
  });

  test('does not excuse the rest of the head', () => {
    const it = session([route('bound', 'api.example', { auth: bearer })]);
    const headers = { Authorization: `Bearer ${it.placeholder}`, 'X-Copy': it.placeholder };
    expect(it.refuse({ headers })).toMatchObject({
      stage: 'placeholder',
      reason: expect.stringContaining('header x-copy'),
    });
    expect(it.refuse({ target: `/?x=${it.placeholder}` })).toMatchObject({ stage: 'placeholder' });
  });

  test('a request refused by policy still reports the placeholder it carried', () => {
    const it = session([route('bound', 'bound.example', { auth: bearer })]);
    const refusal = it.refuse({ host: 'evil.test', headers: { Authorization: `Bearer ${it.placeholder}` } });
    expect(refusal).toMatchObject({ stage: 'policy', rule: 'default' });
    expect(refusal.findings).toMatchObject([{ detector: 'placeholder', where: 'header authorization' }]);
  });
});

describe('a placeholder that is swapped', () => {
  const swapped = (where: readonly ('header' | 'query')[]): TestSession =>
    session([route('bound', 'api.example', { placeholder: { secret: 'TOKEN', in: where } })]);

  test('is legal in a header, plain and inside Basic', () => {
    const it = swapped(['header']);
    expect(it.judge({ headers: { Authorization: `token ${it.placeholder}` } }).do).toBe('admit');
    expect(it.judge({ headers: { Authorization: `Basic ${base64(`x-access-token:${it.placeholder}`)}` } }).do).toBe(
      'admit',
    );
    expect(it.judge({ target: `/?q=${it.placeholder}` }).do).toBe('refuse');
    expect(it.judge({ headers: { 'X-A': base64(it.placeholder) } }).do).toBe('refuse');
    expect(it.judge({ headers: { Host: it.placeholder } }).do).toBe('refuse');
  });

  test('is legal as a whole query value', () => {
    const it = swapped(['query']);
    expect(it.judge({ target: `/?key=${it.placeholder}` }).do).toBe('admit');
    expect(it.judge({ target: `/?key=${percent(it.placeholder)}` }).do).toBe('admit');
    expect(it.judge({ target: `/?key=x${it.placeholder}` }).do).toBe('refuse');
    expect(it.judge({ target: `/?${it.placeholder}=x` }).do).toBe('refuse');
    expect(it.judge({ headers: { 'X-A': it.placeholder } }).do).toBe('refuse');
  });

  test('hides nothing beside it', () => {
    const it = swapped(['header', 'query']);
    const token = githubToken();
    expect(it.judge({ headers: { 'X-A': `${it.placeholder} ${token}` } }).do).toBe('refuse');
    expect(it.judge({ headers: { Authorization: `Basic ${base64(`${token}:${it.placeholder}`)}` } }).do).toBe('refuse');
    expect(it.judge({ headers: { 'X-A': `${it.placeholder} ${it.value}` } }).do).toBe('refuse');
  });
});

describe('what the route says about matches', () => {
  const redacting = (more: Partial<Route> = {}): TestSession =>
    session([route('model', 'api.example', { dlp: { onMatch: 'redact', except: [] }, ...more })]);

  test('redact rewrites path, query and headers in place and leaves the rest as it is', () => {
    const it = redacting();
    const token = githubToken();
    const admitted = it.admit({
      target: `/v1//${token}/%61?a=%20+&k=x${it.value}y&${token}=2`,
      headers: { 'X-Note': `a ${it.placeholder} b`, 'X-Keep': 'Ä"\t' },
    });
    expect(admitted.verdict).toBe('redact');
    const sent = admitted.target + admitted.rawHeaders.join('\n');
    for (const text of [token, it.value, it.placeholder]) expect(sent).not.toContain(text);
    expect(admitted.target).toMatch(/^\/v1\/\/[^/?&=[\]]+\/%61\?a=%20\+&k=x[^&=[\]]+y&[^&=[\]]+=2$/);
    expect(valuesOf(admitted.rawHeaders, 'x-note')[0]).toMatch(/^a \S+ b$/);
    expect(valuesOf(admitted.rawHeaders, 'x-keep')).toEqual(['Ä"\t']);
    expect(admitted.findings.map(({ detector }) => detector).sort()).toEqual(
      ['github-token', 'github-token', 'known-secret', 'placeholder'].sort(),
    );
  });

  test('redact gives the same text the same replacement', () => {
    const it = redacting();
    const { rawHeaders } = it.admit({ headers: { 'X-A': it.value, 'X-B': it.value } });
    expect(valuesOf(rawHeaders, 'x-a')).toEqual(valuesOf(rawHeaders, 'x-b'));
  });

  test('redact refuses where a rewrite would leave the rules of the route', () => {
    const it = redacting({ rules: [rule(['GET'], '/keys/bottle-*')] });
    expect(it.judge({ target: '/keys/bottle-x' }).do).toBe('admit');
    const odd = session([
      route('model', 'api.example', { dlp: { onMatch: 'redact', except: [] }, rules: [rule(['GET'], '/keys/vk-*')] }),
    ]);
    expect(odd.refuse({ target: `/keys/${odd.value}` })).toMatchObject({ stage: 'dlp', rule: 'known-secret' });
  });

  test('redact refuses a header whose name is the secret', () => {
    const it = redacting();
    expect(it.judge({ headers: { [it.value]: 'x' } }).do).toBe('refuse');
  });

  test('log passes detectors with a finding, exact kinds never', () => {
    const it = session([route('log', 'api.example', { dlp: { onMatch: 'log', except: [] } })]);
    const token = githubToken();
    const admitted = it.admit({ target: `/?q=${token}` });
    expect(admitted).toMatchObject({
      verdict: 'allow',
      target: `/?q=${token}`,
      findings: [{ detector: 'github-token' }],
    });
    expect(it.refuse({ target: `/?q=${it.value}` })).toMatchObject({ rule: 'known-secret' });
    expect(it.refuse({ target: `/?q=${it.placeholder}` })).toMatchObject({ rule: 'placeholder' });
  });

  test('except silences a detector or a fingerprint, on its route alone', () => {
    const token = githubToken();
    const first = session([route('one', 'api.example')]);
    expect(first.judge({ target: `/?q=${token}` }).do).toBe('refuse');
    const it = session([
      route('one', 'api.example', { dlp: { onMatch: 'block', except: ['github-token'] } }),
      route('two', 'two.example'),
    ]);
    expect(it.admit({ target: `/?q=${token}` }).findings).toEqual([]);
    expect(it.judge({ host: 'two.example', target: `/?q=${token}` }).do).toBe('refuse');
    expect(it.judge({ target: `/?q=${token}&r=${it.value}` }).do).toBe('refuse');
  });

  test('what was approved of one detector is silent for that one alone', () => {
    const token = githubToken();
    const seen = session([route('one', 'api.example')], FIXED_KEY).refuse({ target: `/?q=${token}` }).findings[0]!;
    const approved = (except: string) =>
      session([route('one', 'api.example', { dlp: { onMatch: 'block', except: [except] } })], FIXED_KEY);
    expect(approved(`github-token:${seen.fingerprint}`).admit({ target: `/?q=${token}` }).findings).toEqual([]);
    for (const [except, q] of [
      [`jwt:${seen.fingerprint}`, token],
      [`github-token:${seen.fingerprint}`, githubToken()],
    ] as const) {
      expect(approved(except).judge({ target: `/?q=${q}` }).do).toBe('refuse');
    }
  });

  test('an action of a detector wins over on_match, in both directions', () => {
    const token = githubToken();
    const acting = (onMatch: OnMatch, action: OnMatch) =>
      session([route('one', 'api.example', { dlp: { onMatch, except: [], actions: { 'github-token': action } } })]);
    expect(acting('block', 'log').admit({ target: `/?q=${token}` }).findings).toHaveLength(1);
    expect(acting('log', 'block').judge({ target: `/?q=${token}` }).do).toBe('refuse');
    const rewritten = acting('block', 'redact').admit({ target: `/?q=${token}` });
    expect([rewritten.verdict, rewritten.target.includes(token)]).toEqual(['redact', false]);
  });

  test('nothing silences a secret of the spec or its placeholder', () => {
    const known = session([route('one', 'api.example')], FIXED_KEY);
    for (const secret of [known.value, known.placeholder]) {
      const { fingerprint, detector } = known.refuse({ target: `/?q=${secret}` }).findings[0]!;
      const except = ['known-secret', 'placeholder', fingerprint, `${detector}:${fingerprint}`];
      const actions = { 'known-secret': 'log', placeholder: 'log' } as const;
      const { secrets } = known.config;
      const it = session([route('one', 'api.example', { dlp: { onMatch: 'log', except, actions } })], {
        ...FIXED_KEY,
        secrets,
      });
      expect(it.judge({ target: `/?q=${secret}` }).do).toBe('refuse');
    }
  });
});

describe('records', () => {
  const it = session([route('one', 'api.example')]);
  const shown = (target: string): string => {
    const request = view({ target });
    it.pipeline.judgeHead(request);
    return it.pipeline.recordPath(request);
  };

  test('keep names of query parameters, never values', () => {
    expect(shown('/a?x=secret&y=&z&x=2')).toBe('/a?x=&y=&z&x=');
    expect(shown('/a?')).toBe('/a?');
    expect(shown('/a')).toBe('/a');
  });

  test('show no matched text, wherever it stood', () => {
    const token = githubToken();
    for (const text of [it.value, it.placeholder, token]) {
      for (const target of [`/a/${text}/b?x=1`, `/a?${text}=1`, `/a?${text}`, `/a?x=${text}`]) {
        expect(shown(target)).not.toContain(text);
      }
    }
  });

  test('show no secret that stands there in pieces', () => {
    const [a, b] = [it.value.slice(0, 12), it.value.slice(12)];
    for (const target of [`/a/${a}/${b}?x=1`, `/a?${a}&${b}`, `/a?${a}=&${b}=`]) {
      expect(shown(target)).not.toContain(a);
      expect(shown(target)).not.toContain(b);
    }
    expect(it.pipeline.recordText(`${a}.${b}.evil.test`)).not.toContain(a);
    expect(it.pipeline.recordText('PROPFIND')).toBe('PROPFIND');
    expect(it.pipeline.recordText('evil.test')).toBe('evil.test');
    expect(it.refuse({ host: `${a}.${b}.evil.test`, rawHeaders: [] }).reason).not.toContain(b);
  });

  test('are bounded', () => {
    expect(shown(`/${'a'.repeat(60_000)}`).length).toBe(2048);
  });
});

describe('names asked of our DNS', () => {
  const deny = [{ id: 'deny.0', host: '*.bad.example' }];
  const it = session([route('one', 'api.example'), route('wild', '*.example')], { deny });

  test('of the list are allowed, in any case, with or without the last dot', () => {
    for (const name of ['api.example', 'API.Example', 'api.example.', 'a.b.example']) {
      expect(it.pipeline.judgeName(name, 'A')).toMatchObject({ verdict: 'allow', stage: 'none' });
    }
  });

  test('outside it are refused by the rule that says so', () => {
    expect(it.pipeline.judgeName('evil.test', 'A')).toMatchObject({
      verdict: 'block',
      stage: 'policy',
      rule: 'default',
    });
    expect(it.pipeline.judgeName('x.bad.example', 'A')).toMatchObject({ verdict: 'block', rule: 'deny.0' });
    expect(it.pipeline.judgeName('', 'A')).toMatchObject({ verdict: 'block' });
  });

  test('that carry a secret are findings, split over labels too', () => {
    for (const name of [
      `${it.value}.evil.test`,
      `${it.value.slice(0, 10)}.${it.value.slice(10)}.evil.test`,
      `${hex(it.value).slice(0, 40)}.${hex(it.value).slice(40)}.evil.test`,
    ]) {
      const judged = it.pipeline.judgeName(name, 'TXT');
      expect(judged, name).toMatchObject({ verdict: 'block', stage: 'policy' });
      expect(judged.findings.length, name).toBeGreaterThan(0);
      for (const label of name.split('.').slice(0, -2)) expect(JSON.stringify(judged)).not.toContain(label);
    }
    expect(it.pipeline.judgeName(`${it.placeholder}.example`, 'A')).toMatchObject({
      verdict: 'block',
      stage: 'placeholder',
    });
  });
});
