import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  isSensitiveName,
  looksLikeCredential,
  secretShapeOf,
  secretShapesOf,
} from '../../../src/spec/secret-shapes.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const random = (length: number) => [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
const upper = (length: number) => [...randomBytes(length)].map((byte) => ALPHABET[byte % 26]).join('');

describe('a text that is a credential by its form', () => {
  it.each([
    ['a GitHub token', () => `ghp_${random(36)}`],
    ['a GitHub token', () => `github_pat_${random(22)}_${random(59)}`],
    ['a GitLab token', () => `glpat-${random(20)}`],
    ['an AWS access key', () => `AKIA${upper(16)}`],
    ['a Google API key', () => `AIza${random(35)}`],
    ['a Google OAuth token', () => `ya29.${random(40)}`],
    ['an Anthropic key', () => `sk-ant-api03-${random(40)}`],
    ['an API key', () => `sk-proj-A1${random(40)}`],
    ['a Slack token', () => `xoxb-${random(12)}-${random(24)}`],
    ['a Stripe key', () => `sk_live_${random(24)}`],
    ['an npm token', () => `npm_${random(36)}`],
    ['a Hugging Face token', () => `hf_${random(34)}`],
    ['a PyPI token', () => `pypi-${random(60)}`],
    ['a SendGrid key', () => `SG.${random(22)}.${random(43)}`],
    ['a DigitalOcean token', () => `dop_v1_${randomBytes(32).toString('hex')}`],
    ['a JSON web token', () => `eyJ${random(20)}.eyJ${random(40)}.${random(43)}`],
    ['a private key', () => `-----BEGIN ${'RSA PRIVATE'} KEY-----`],
    ['a private key', () => `-----BEGIN ${'PRIVATE'} KEY-----`],
    ['a URL with a password', () => `redis://:${random(12)}@cache.example:6379`],
  ])('is %s, wherever it stands', (kind, make) => {
    const token = make();
    expect(secretShapeOf(token)).toEqual({ kind, index: 0 });
    expect(secretShapeOf(`Authorization: "Bearer ${token}", and more`)).toEqual({ kind, index: 23 });
  });

  it.each([
    'a-very-long-host-name-of-a-task-runner.internal.example',
    'task-something-with-many-words-in-it',
    'sk-learn-pipelines-and-other-words',
    'https://user@example.com/path',
    'https://example.com:8443/a:b@c',
    'git@github.com:acme/web-shop.git',
    'npm_config_registry_of_the_company_that_is_long',
    'ghp_short',
    'AKIAlower',
    '-----BEGIN CERTIFICATE-----',
    `sha256:${'a1'.repeat(32)}`,
    '/home/me/.config/gh_token_file_with_a_long_name',
  ])('is not %j', (text) => {
    expect(secretShapeOf(text)).toBeNull();
  });

  it('is found as often as it is there', () => {
    const [a, b] = [`ghp_${random(36)}`, `glpat-${random(20)}`];
    expect(secretShapesOf(`${a} ${b}\n${a}`).map(({ index }) => index)).toEqual([0, 41, 68]);
  });
});

describe('a value that is a credential by its name', () => {
  it.each([
    'GITHUB_TOKEN',
    'token',
    'DB_PASSWORD',
    'MY_API_KEY',
    'SSH_KEY',
    'client-secret',
    'x-api-key',
    'authorization',
    'AWS_SECRET_ACCESS_KEY',
    'api_key',
  ])('may stand under %s', (name) => {
    expect(isSensitiveName(name)).toBe(true);
  });

  it.each([
    'MAX_TOKENS',
    'KEYBOARD',
    'TOKENIZERS_PARALLELISM',
    'TOKEN_FILE',
    'PUBLIC_KEY',
    'SECRET_NAME',
    'AUTHOR',
    'MONKEY',
    'AUTH_URL',
    'content-type',
  ])('does not stand under %s', (name) => {
    expect(isSensitiveName(name)).toBe(false);
  });

  it.each([
    [() => random(32), true],
    [() => `Bearer ${randomBytes(20).toString('hex')}`, true],
    [() => 'postgres', false],
    [() => 'devpass123', false],
    [() => '/run/secrets/token1234', false],
    [() => './tokens/dev-token-1', false],
    [() => 'https://login.example/oauth2/v2', false],
    [() => 'true', false],
    [() => '123456', false],
  ])('%s', (make, expected) => {
    expect(looksLikeCredential(make())).toBe(expected);
  });
});
