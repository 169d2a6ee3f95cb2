import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makePlaceholder, makePlaceholders } from '../../../src/invented/placeholder.ts';
import { withChecksum } from '../../../src/invented/random-text.ts';

const NOW = new Date('2026-11-24T12:00:00Z');
const letters = (count: number) => randomBytes(count).toString('base64url').replace(/[-_]/g, 'x').slice(0, count);
const jwtOf = (header: object, claims: object) =>
  [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(randomBytes(64).toString('base64url'))
    .join('.');

describe('what has no known form', () => {
  it.each(['hunter2', 'p@ss word', letters(40), 'sk-short', 'eyJhbGciOiJIUzI1NiJ9.no.jwt', ''])(
    'is replaced by a text that says whose it is: %#',
    (value) => {
      const [one, two] = [makePlaceholder('API_TOKEN', value, NOW), makePlaceholder('API_TOKEN', value, NOW)];
      expect(one).toMatch(/^bottle-api_token-[0-9A-Za-z]{40}$/);
      expect(one).not.toBe(two);
    },
  );
});

describe("a vendor's token is replaced by one of its form", () => {
  it.each([
    ['GitHub, classic', `ghp_${withChecksum(letters(30))}`],
    ['GitHub, fine-grained', `github_pat_${letters(22)}_${letters(59)}`],
    ['npm', `npm_${withChecksum(letters(30))}`],
    ['PyPI', `pypi-AgEIcHlwaS5vcmc${letters(120)}`],
    ['Anthropic', `sk-ant-api03-${letters(93)}AA`],
    ['Anthropic, subscription', `sk-ant-oat01-${letters(93)}AA`],
    ['OpenAI, project', `sk-proj-${letters(60)}-${letters(60)}`],
    ['OpenRouter', `sk-or-v1-${randomBytes(32).toString('hex')}`],
    ['Google', `AIza${letters(35)}`],
    ['Hugging Face', `hf_${letters(34)}`],
    ['Slack', `xoxb-123456789012-123456789012-${letters(24)}`],
    ['AWS', 'AKIAQ3EGRIBJ5C2VXYZW'],
    ['GitLab', `glpat-${letters(20)}`],
    ['Linear', `lin_api_${letters(40)}`],
    ['DigitalOcean', `dop_v1_${randomBytes(32).toString('hex')}`],
  ])('%s', (_, value) => {
    const made = makePlaceholder('T', value, NOW);
    expect(made).toHaveLength(value.length);
    const shape = (text: string) => text.replace(/[0-9]/g, '0').replace(/[a-z]/g, 'a').replace(/[A-Z]/g, 'A');
    const isHex = /[0-9a-f]{64}$/.test(value);
    if (isHex) expect(made).toMatch(/[0-9a-f]{64}$/);
    else if (!/^(?:ghp|npm)_/.test(value)) expect(shape(made)).toBe(shape(value));
    // Of the value itself there is nothing but the prefix.
    for (let at = 0; at + 12 <= value.length; at++) {
      const piece = value.slice(at, at + 12);
      if (at >= 20) expect(made).not.toContain(piece);
    }
    expect(makePlaceholder('T', value, NOW)).not.toBe(made);
  });

  it.each(['ghp_', 'gho_', 'ghs_', 'npm_'])('%s has the checksum that its tools look at', (prefix) => {
    const made = makePlaceholder('T', prefix + withChecksum(letters(30)), NOW);
    const body = made.slice(4, 34);
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    let sum = 0;
    for (const char of made.slice(34)) sum = sum * 62 + digits.indexOf(char);
    expect(made).toMatch(new RegExp(`^${prefix}[0-9A-Za-z]{36}$`));
    expect(sum).toBe(crc32(body));
  });
});

describe('a JWT', () => {
  const claims = {
    ...{
      iss: 'https://auth.example',
      aud: 'api',
      sub: 'user-1',
      email: 'someone@example.com',
      exp: 1,
      iat: 1,
      scope: 'a b',
    },
    session: 'private',
  };
  const value = jwtOf({ alg: 'RS256', typ: 'JWT', kid: 'key-1' }, claims);
  const made = makePlaceholder('T', value, NOW);
  const [header, payload, signature] = made.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));

  it('is replaced by one that has not expired, from the same issuer', () => {
    expect(JSON.parse(header!)).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(JSON.parse(payload!)).toMatchObject({ iss: 'https://auth.example', aud: 'api', scope: 'a b' });
    const { iat, exp } = JSON.parse(payload!);
    expect([iat, exp - iat]).toEqual([NOW.getTime() / 1000, 30 * 24 * 3600]);
  });

  it('holds nothing of the person, the session or the signature', () => {
    expect(made).not.toContain(value.split('.')[2]);
    expect(payload).not.toMatch(/user-1|someone|private|email/);
    expect(signature).toHaveLength(64);
  });

  it('says for which account it is where the service wants that in a header, and nothing else of a group', () => {
    const group = { chatgpt_account_id: 'acct-1', chatgpt_plan_type: 'plus', user_id: 'user-1', groups: ['private'] };
    const grouped = jwtOf(
      { alg: 'RS256' },
      { ...claims, 'https://api.openai.com/auth': group, other: { a: 'private' } },
    );
    const said = makePlaceholder('T', grouped, NOW);
    const { 'https://api.openai.com/auth': auth, ...rest } = JSON.parse(
      Buffer.from(said.split('.')[1] ?? '', 'base64url').toString(),
    );
    expect(auth).toEqual({ chatgpt_account_id: 'acct-1', chatgpt_plan_type: 'plus' });
    expect(JSON.stringify(rest)).not.toMatch(/user-1|private/);
  });

  it('is another one each time', () => {
    expect(makePlaceholder('T', value, NOW)).not.toBe(made);
  });
});

it('each secret gets its own', () => {
  const made = makePlaceholders([
    ['A', 'x'],
    ['B', 'x'],
  ]);
  expect([...made.keys()]).toEqual(['A', 'B']);
  expect(made.get('A')).not.toBe(made.get('B'));
});
