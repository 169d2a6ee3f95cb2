// Cookies that the agent never has: what it gets is sealed, and goes where RFC 6265 lets the cookie go and nowhere else.
import { describe, expect, test } from 'vitest';
import { HELD_COOKIES } from '../../../src/contract.ts';
import { createCookieHolder, putCookies } from '../../../src/pipeline/held-cookies.ts';
import { type CookiePlace, readSetCookie } from '../../../src/pipeline/set-cookie.ts';
import { randomText, route } from './session.ts';

const MARK = `bottle-cookie-${randomText(24)}`;
const holderWith = (key: string) =>
  createCookieHolder({
    routes: [route('one', 'app.example', { cookies: 'hold' })],
    secrets: [{ name: HELD_COOKIES, value: key, placeholder: MARK }],
  })!;
const KEY = randomText(40);
const holder = holderWith(KEY);
const NOW = Date.UTC(2026, 10, 24);
const place = (host: string, path = '/', isSecure = true): CookiePlace => ({ host, path, isSecure });

function hold(field: string, from = place('app.example')): { shown: string; values: string[] } {
  const values: string[] = [];
  const [, shown = ''] = holder.hold(['Set-Cookie', field], from, NOW, (value) => values.push(value));
  return { shown, values };
}

/** What the agent sends of what it was shown, at a place; null = nothing of it is opened. */
function sentTo(field: string, to: CookiePlace, from = place('app.example'), later = 0): string | null {
  const pair = hold(field, from).shown.split(';')[0]!;
  const taken = holder.take(['Cookie', pair], to, NOW + later);
  const opened = taken?.cookies.map(({ name, value }) => `${name}=${value}`).join() ?? '';
  return opened === '' ? null : opened;
}

test('what the agent is shown has the name and the attributes, and nothing of the value', () => {
  const value = randomText(40);
  const { shown, values } = hold(`sid=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60`);
  expect(shown).toMatch(new RegExp(`^sid=${MARK}\\.[A-Za-z0-9_-]+; Path=/; HttpOnly; SameSite=Lax; Max-Age=60$`));
  expect(values).toEqual([value]);
  expect(Buffer.from(shown.split('.')[1]!, 'base64url').toString('latin1')).not.toContain(value.slice(0, 6));
  // The same cookie twice is not the same text: nothing can be compared.
  expect(hold(`sid=${value}`).shown).not.toBe(hold(`sid=${value}`).shown);
});

test.each<[string, string, CookiePlace, CookiePlace, boolean, number?]>([
  ['back to its host', 'a=1', place('app.example'), place('app.example', '/x'), true],
  ['not to another host', 'a=1', place('app.example'), place('evil.example'), false],
  ['without Domain not below its host', 'a=1', place('app.example'), place('x.app.example'), false],
  ['with Domain below it', 'a=1; Domain=.app.example', place('app.example'), place('x.app.example'), true],
  [
    'not to a name that only ends like it',
    'a=1; Domain=app.example',
    place('app.example'),
    place('evilapp.example'),
    false,
  ],
  ['set for the parent, to a sister', 'a=1; Domain=example.org', place('a.example.org'), place('b.example.org'), true],
  ['below its path', 'a=1; Path=/in', place('app.example'), place('app.example', '/in/x'), true],
  ['not beside its path', 'a=1; Path=/in', place('app.example'), place('app.example', '/inside'), false],
  ['by default below where it was set', 'a=1', place('app.example', '/in/login'), place('app.example', '/out'), false],
  ['secure, not in the clear', 'a=1; Secure', place('app.example'), place('app.example', '/', false), false],
  ['until it expires', 'a=1; Max-Age=60', place('app.example'), place('app.example'), true, 59_000],
  ['no longer', 'a=1; Max-Age=60', place('app.example'), place('app.example'), false, 61_000],
  [
    'Max-Age before Expires',
    'a=1; Expires=Wed, 01 Jan 2020 00:00:00 GMT; Max-Age=60',
    place('app.example'),
    place('app.example'),
    true,
  ],
])('a cookie goes %s', (_what, field, from, to, isSent, later = 0) => {
  expect(sentTo(field, to, from, later)).toBe(isSent ? 'a=1' : null);
});

test.each<[string, string, CookiePlace]>([
  ['of another host', 'a=1; Domain=evil.example', place('app.example')],
  ['of a whole top-level domain', 'a=1; Domain=example', place('app.example')],
  ['without a name', '=1', place('app.example')],
  ['without a value at all', 'a', place('app.example')],
  ['that says Secure in the clear', 'a=1; Secure', place('app.example', '/', false)],
  ['__Host- with a domain', '__Host-a=1; Secure; Path=/; Domain=app.example', place('app.example')],
  ['__Host- without a path', '__Host-a=1; Secure', place('app.example')],
  ['__host- that is not secure', '__host-a=1; Path=/', place('app.example')],
  ['__Secure- that is not', '__Secure-a=1', place('app.example')],
  ['for an address below an address', 'a=1; Domain=0.0.1', place('127.0.0.1')],
])('a cookie %s is not kept, and not shown', (_what, field, from) => {
  expect(readSetCookie(field, from, NOW)).toBeNull();
  expect(holder.hold(['Set-Cookie', field, 'X-A', 'b'], from, NOW, () => {})).toEqual(['X-A', 'b']);
});

test('another thread, which has the same key and nothing else, opens it', () => {
  const pair = hold('sid=abc').shown;
  expect(holderWith(KEY).take(['Cookie', pair], place('app.example'), NOW)?.cookies).toEqual([
    { name: 'sid', value: 'abc' },
  ]);
});

test('one that is taken back is shown empty', () => {
  expect(hold('a=gone; Max-Age=0').shown).toBe('a=; Max-Age=0');
});

describe('what an agent makes of it', () => {
  const value = randomText(30);
  const sealed = hold(`sid=${value}`).shown.slice(4);
  const take = (cookie: string) => holder.take(['Cookie', cookie], place('app.example'), NOW);

  test('beside cookies of its own: they stay, ours come behind them', () => {
    const taken = take(`a=b; sid=${sealed}; c="d"`)!;
    expect(taken.rawHeaders).toEqual(['Cookie', 'a=b; c="d"']);
    expect(putCookies(taken.rawHeaders, taken.cookies)).toEqual(['Cookie', `a=b; c="d"; sid=${value}`]);
    expect(putCookies(['Host', 'x'], taken.cookies)).toEqual(['Host', 'x', 'Cookie', `sid=${value}`]);
  });

  test('of the same name, and its own: it is not taken for ours', () => {
    expect(take('sid=mine')).toBeNull();
    expect(take(`sid=mine; sid=${sealed}`)).toEqual({
      rawHeaders: ['Cookie', 'sid=mine'],
      cookies: [{ name: 'sid', value }],
    });
  });

  test.each([
    ['under another name', `other=${sealed}`],
    ['with a letter changed', `sid=${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`],
    ['cut short', `sid=${sealed.slice(0, -8)}`],
    ['empty behind the mark', `sid=${MARK}.`],
    ['with something before it', `sid=x${sealed}`],
    [
      'of another session',
      `sid=${holderWith(randomText(40))
        .hold(['Set-Cookie', `sid=${value}`], place('app.example'), NOW, () => {})[1]!
        .slice(4)}`,
    ],
  ])('%s: it stays, for the search to find', (_what, cookie) => {
    expect(take(cookie)).toEqual({ rawHeaders: ['Cookie', cookie], cookies: [] });
  });

  test('in a field that is no cookie: it stays there, too', () => {
    const fields = ['X-Note', sealed];
    expect(holder.take(fields, place('app.example'), NOW)).toEqual({ rawHeaders: fields, cookies: [] });
  });

  test('a thousand of them at once', () => {
    const many = Array.from({ length: 1000 }, () => `sid=${sealed}`).join('; ');
    expect(take(many)!.cookies).toHaveLength(1000);
  });
});
