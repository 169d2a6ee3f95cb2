// Encoders of others write the forms here; whatever a service makes of a value with them, the agent reads stars.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { echoForms } from '../../../src/pipeline/echo-forms.ts';
import { createGuard } from '../../../src/pipeline/response-guard.ts';
import { randomText } from './session.ts';

const jwt = [`{"alg":"HS256"}`, `{"sub":"${randomText(40)}"}`, randomText(32)]
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');
const VALUES: readonly (readonly [string, string])[] = [
  ['a token', `ghp_${randomText(36)}`],
  ['a password with marks', `p"&<'>/+=\\${randomText(12)}%é`],
  ['a JWT', jwt],
  ['a long one', randomText(700)],
  ['a hexadecimal one', randomBytes(20).toString('hex')],
  ['a short one', `k9-${randomText(7)}`],
];

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
/** Behind so many bytes whose base64 is slashes. */
const base64Behind = (count: number, text: string): string =>
  Buffer.concat([Buffer.alloc(count, 0xff), Buffer.from(text)]).toString('base64');
const lines = (text: string, width: number, between: string): string =>
  (text.match(new RegExp(`[^]{1,${width}}`, 'g')) ?? []).join(between);
const each = (text: string, write: (byte: number) => string): string => Array.from(Buffer.from(text), write).join('');
const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const utf16 = (text: string): string => Buffer.from(text, 'utf16le').toString('latin1');
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

type Encode = (value: string) => string;
const FORMS: readonly (readonly [string, Encode])[] = [
  ['as it is', utf8],
  ['in capitals', (value) => utf8(value).replace(/[a-z]/g, (c) => c.toUpperCase())],
  ['in small letters', (value) => utf8(value).replace(/[A-Z]/g, (c) => c.toLowerCase())],
  ['percent', (value) => encodeURIComponent(value)],
  ['percent twice', (value) => encodeURIComponent(encodeURIComponent(value))],
  ['percent, each byte', (value) => each(value, (byte) => `%${byte.toString(16).padStart(2, '0')}`)],
  ['JSON', (value) => utf8(json(value))],
  ['JSON in JSON', (value) => utf8(json(json(value)))],
  ['JSON in JSON in JSON', (value) => utf8(json(json(json(value))))],
  ['JSON, slashes escaped', (value) => utf8(json(value).replaceAll('/', '\\/'))],
  ['base64', base64],
  ['base64 of base64', (value) => base64(base64(value))],
  ['base64 of base64 behind a byte', (value) => base64(`x${base64(`y${value}`)}`)],
  ['URL-safe base64', (value) => Buffer.from(value).toString('base64url')],
  ['base64 behind one byte', (value) => base64(`x${value}`)],
  ['base64 behind two bytes', (value) => base64(`xy${value}z`)],
  ['base64, percent', (value) => encodeURIComponent(base64(value))],
  ['base64 in lines of 76', (value) => lines(base64Behind(3, value), 76, '\r\n')],
  ['base64 in lines of 64', (value) => lines(base64Behind(31, value), 64, '\n')],
  ['base64 in indented lines', (value) => lines(base64Behind(41, value), 60, '\n    ')],
  ['base64 in lines, in JSON', (value) => lines(base64Behind(30, value), 76, '\\r\\n')],
  ['in lines of 76', (value) => lines(utf8(`${'-'.repeat(60)}${value}`), 76, '\n')],
  [
    'quoted-printable',
    (value) =>
      utf8(value).replace(/[^ -<>-~]/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`),
  ],
  ['quoted-printable in lines', (value) => (/[=é]/.test(value) ? '' : lines(`${'-'.repeat(60)}${value}`, 75, '=\r\n'))],
  ['hex', (value) => Buffer.from(value).toString('hex')],
  ['hex in capitals', (value) => Buffer.from(value).toString('hex').toUpperCase()],
  ['hex with colons', (value) => (Buffer.from(value).toString('hex').match(/../g) ?? []).join(':')],
  ['\\x escapes', (value) => each(value, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`)],
  [
    '\\u escapes',
    (value) => Array.from(utf8(value), (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  ],
  [
    'HTML',
    (value) =>
      utf8(value)
        .replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!)
        .replaceAll('"', '&quot;'),
  ],
  ['HTML numbers', (value) => Array.from(utf8(value), (c) => `&#x${c.charCodeAt(0).toString(16)};`).join('')],
  ['a list of bytes', (value) => JSON.stringify([...Buffer.from(value)]).slice(1, -1)],
  ['UTF-16', (value) => (/é/.test(value) ? '' : utf16(value))],
  ['reversed', (value) => Buffer.from(value).reverse().toString('latin1')],
];

function relay(value: string, text: string, size: number) {
  const guard = createGuard(echoForms([utf8(value)]).map((form) => ({ ...form, secret: 'TOKEN' })));
  const out: Buffer[] = [];
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) out.push(guard.push(bytes.subarray(at, at + size)));
  out.push(guard.end());
  return { text: Buffer.concat(out).toString('latin1'), findings: guard.findings };
}

/** Letters and digits in a row that stand in both, at the same place. */
function longestLeft(echo: string, out: string): number {
  let most = 0;
  let row = 0;
  for (let at = 0; at < echo.length; at++) {
    row = echo[at] === out[at] && /[^-\s=\\/]/.test(echo[at]!) ? row + 1 : 0;
    most = Math.max(most, row);
  }
  return most;
}

describe.each(VALUES)('%s', (_what, value) => {
  test.each(FORMS)('echoed %s leaves nothing of itself, however it is cut', (_form, encode) => {
    const echo = encode(value);
    // Broken lines are looked for in values that fill a good part of one.
    if (echo === '' || (value.length < 20 && /\n|\\n/.test(echo))) return;
    const text = `<before "${echo}" after>`;
    for (const size of [1, 7, 64, 1 << 20]) {
      const out = relay(value, text, size);
      expect(out.text.length).toBe(text.length);
      expect([out.text.slice(0, 8), out.text.slice(-7)]).toEqual(['<before ', ' after>']);
      // Where the encoder joins a value with what stands beside it, one group of base64 may tell of both.
      expect(longestLeft(echo, out.text.slice(9)), out.text).toBeLessThanOrEqual(5);
      expect(out.findings.length).toBeGreaterThan(0);
      expect(JSON.stringify(out.findings)).not.toContain(value.slice(0, 6));
    }
  });

  test('used as encoded text by a service that decodes it leaves nothing either', () => {
    for (const before of ['', 'A', 'AB', 'ABC']) {
      const text = Buffer.from(before + value, 'base64');
      if (!/^[A-Za-z0-9_-]+$/.test(value) || value.length < 20) return;
      const out = relay(value, `${text.toString('latin1')} end`, 5).text;
      const known = Buffer.from(out.slice(0, -4), 'latin1').toString('base64url').slice(before.length);
      expect(longestLeft(value.replaceAll('+', '-').replaceAll('/', '_'), known)).toBeLessThanOrEqual(4);
    }
  });
});

test('what a value is not, stays: words of every length beside it are the same bytes', () => {
  const value = `ghp_${randomText(36)}`;
  const text = Array.from({ length: 500 }, (_, i) => `${randomText(1 + (i % 40))}\n`).join(' ');
  expect(relay(value, text, 3)).toEqual({ text, findings: [] });
});

test('a line that ends like a value begins does not wait for the next one', () => {
  const value = `tok-${randomText(36)}`;
  const guard = createGuard(echoForms([value]).map((form) => ({ ...form, secret: 'TOKEN' })));
  for (const line of ['data: t\n\n', 'a t\n', 'a to\r\n', '{"t":1}\n']) {
    expect(guard.push(Buffer.from(line)).toString()).toBe(line);
  }
  // Should the value go on behind that line all the same, no more than its two letters have left.
  expect(guard.push(Buffer.from('x to\n')).toString()).toBe('x to\n');
  const rest = Buffer.concat([guard.push(Buffer.from(value.slice(2))), guard.end()]);
  expect(rest.toString()).toBe('*'.repeat(38));
});
