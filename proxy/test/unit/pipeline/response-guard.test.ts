// What comes back never shows an injected value, however it is cut, and never waits without need.
import { describe, expect, test } from 'vitest';
import type { Auth } from '../../../src/contract.ts';
import { createGuard as guardFor } from '../../../src/pipeline/response-guard.ts';
import type { ResponseGuard } from '../../../src/pipeline/types.ts';
import { randomText, route, session } from './session.ts';

function guardOf(auth: Auth, value: string): ResponseGuard {
  const it = session([route('one', 'api.example', { auth })], {
    secrets: [{ name: 'TOKEN', value, placeholder: 'bottle-abcdefghijkl' }],
  });
  const admitted = it.admit({});
  const guard = it.pipeline.guardResponse(admitted, it.inject(admitted));
  if (guard === null) throw new Error('no guard');
  return guard;
}
const createGuard = (texts: readonly string[]): ResponseGuard =>
  guardFor(texts.map((text) => ({ text, chain: '', secret: 'TOKEN' })));
const bearer: Auth = { type: 'bearer', secret: 'TOKEN' };

function relay(guard: ResponseGuard, text: string, size: number): string {
  const bytes = Buffer.from(text, 'latin1');
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(Buffer.from(guard.push(bytes.subarray(at, at + size))));
  out.push(guard.end());
  return Buffer.concat(out).toString('latin1');
}

describe('a response', () => {
  const value = `sk/${randomText(20)}+=${randomText(9)}`;
  const base64 = (prefix: string): string => Buffer.from(prefix + value).toString('base64');
  const echoes: readonly (readonly [string, string])[] = [
    ['as it is', value],
    ['in base64', base64('')],
    ['in base64 behind one byte', base64('x')],
    ['in base64 behind two bytes', base64('x:')],
    ['in base64url', Buffer.from(value).toString('base64url')],
    ['percent-encoded', encodeURIComponent(value)],
    ['percent-encoded in lower case', encodeURIComponent(value).replace(/%../g, (octet) => octet.toLowerCase())],
    ['in JSON with escaped slashes', value.replaceAll('/', '\\/')],
    ['twice', `${value}${value}`],
  ];
  test.each(echoes)('that echoes the value %s is scrubbed at every cut, length kept', (_form, echo) => {
    const text = `before "${echo}" after, sk/ and ${value.slice(0, 7)}`;
    for (const size of [1, 2, 3, 5, 11, 1000]) {
      const guard = guardOf(bearer, value);
      const out = relay(guard, text, size);
      expect(out.length).toBe(text.length);
      expect(guard.scrubbed).toBe(true);
      expect(out.startsWith('before "')).toBe(true);
      expect(out.endsWith(`" after, sk/ and ${value.slice(0, 7)}`)).toBe(true);
      // At most the few characters of base64 that also depend on what stands before and after stay.
      const middle = out.slice(8, 8 + echo.length);
      expect(middle.replace(/^.{1,3}|.{1,3}$/g, '')).toMatch(/^\**$/);
    }
  });

  test('that is cut into messages never waits, and shows seven characters of the value at most', () => {
    for (let cut = 1; cut < value.length; cut++) {
      const guard = guardOf(bearer, value);
      const messages = [`a ${value.slice(0, cut)}`, `${value.slice(cut)} b`, 'c'];
      const out = messages.map((text) => Buffer.concat([guard.push(Buffer.from(text)), guard.end()]).toString());
      const shown = cut < 8 ? value.slice(0, cut) : '*'.repeat(cut);
      expect(out).toEqual([`a ${shown}`, `${'*'.repeat(value.length - cut)} b`, 'c']);
    }
    const guard = guardOf(bearer, value);
    const out = [...value].map((letter) => Buffer.concat([guard.push(Buffer.from(letter)), guard.end()]).toString());
    expect(out.join('')).toBe(`${value.slice(0, 7)}${'*'.repeat(value.length - 7)}`);
  });

  test('without an echo is the same bytes, and the same object', () => {
    const guard = guardOf(bearer, value);
    const chunk = Buffer.from('data: {"x":1}\n\n');
    expect(guard.push(chunk)).toBe(chunk);
    expect(guard.end().length).toBe(0);
    expect(guard.scrubbed).toBe(false);
  });

  test('does not change the chunk it was given', () => {
    const chunk = Buffer.from(`x ${value} y`);
    const before = Buffer.from(chunk);
    guardOf(bearer, value).push(chunk);
    expect(chunk.equals(before)).toBe(true);
  });

  test('is held back only for what may be the beginning of a value', () => {
    const guard = guardOf(bearer, value);
    expect(guard.push(Buffer.from('event\n\n')).toString()).toBe('event\n\n');
    expect(guard.push(Buffer.from(`a ${value.slice(0, 7)}`)).toString()).toBe('a ');
    expect(guard.push(Buffer.from('!!')).toString()).toBe(`${value.slice(0, 7)}!!`);
    expect(guard.push(Buffer.from(value.slice(0, 5))).toString()).toBe('');
    expect(guard.end().toString()).toBe(value.slice(0, 5));
  });

  test('header fields are scrubbed', () => {
    const guard = guardOf(bearer, value);
    expect(guard.headers(['Set-Cookie', `a=${value}; Path=/`, 'X-Ok', 'fine'])).toEqual([
      'Set-Cookie',
      `a=${'*'.repeat(value.length)}; Path=/`,
      'X-Ok',
      'fine',
    ]);
    const location = guard.headers(['Location', `https://x.test/?k=${encodeURIComponent(value)}`]);
    expect(location[1]).toMatch(/^https:\/\/x\.test\/\?k=\*+$/);
  });

  test('the pair inside Basic is scrubbed', () => {
    const pair = Buffer.from(`me:${value}`).toString('base64');
    const out = relay(guardOf({ type: 'basic', secret: 'TOKEN', username: 'me' }, value), `got Basic ${pair}.`, 4);
    expect(out).toBe(`got Basic ${'*'.repeat(pair.length)}.`);
  });

  test('is not guarded where nothing was injected', () => {
    const it = session([route('one', 'api.example')]);
    const admitted = it.admit({});
    expect(it.pipeline.guardResponse(admitted, it.inject(admitted))).toBeNull();
  });

  test('the end of a scrubbed value that begins another one stays scrubbed', () => {
    for (const size of [1, 3, 6, 100]) {
      const guard = createGuard(['abcdefgh', 'ghijkl']);
      expect(relay(guard, 'x abcdefgh! y', size)).toBe('x ********! y');
      const both = createGuard(['abcdefgh', 'ghijkl']);
      expect(relay(both, 'x abcdefghijkl y', size)).toBe('x ************ y');
    }
  });

  test('agrees with a plain search on random texts and cuts', () => {
    const letters = 'ab';
    for (let i = 0; i < 2000; i++) {
      const text = Array.from(Buffer.from(randomText(40)), (byte) => letters[byte % 2]).join('');
      const needles = [text.slice(3, 9), 'abbaba', 'aaaaab'];
      const expected = Array.from(text);
      for (const needle of needles) {
        for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + 1)) {
          for (let j = 0; j < needle.length; j++) expected[at + j] = '*';
        }
      }
      expect(relay(createGuard(needles), text, 1 + (i % 7)), text).toBe(expected.join(''));
    }
  });
});
