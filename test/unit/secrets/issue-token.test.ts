// Tokens from real endpoints on loopback, over TLS of an authority of the test's own: what they were asked, and what is done with the answer.
import { createHmac, createVerify, generateKeyPairSync, type KeyObject, randomBytes, verify } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAuthority } from '../../../proxy/src/ca/authority.ts';
import type { ControlMessage } from '../../../proxy/src/contract.ts';
import { keepFresh } from '../../../src/secrets/keep-fresh.ts';
import { resolveSecrets } from '../../../src/secrets/resolve-secrets.ts';
import type { SecretSource, TokenIssuer } from '../../../src/spec/bottle.ts';

const directory = mkdtempSync(join(tmpdir(), 'bottle-token-'));
const authority = createAuthority({ session: 'issuer' });
const fresh = () => randomBytes(18).toString('base64url');
let asked: { url: string; headers: IncomingHttpHeaders; body: string }[] = [];
let answer: (response: ServerResponse, url: string) => void;
const server = createServer(
  { SNICallback: (name, done) => done(null, authority.secureContext(name)) },
  async (request, response) => {
    const { url = '', headers } = request;
    asked.push({ url, headers, body: await text(request) });
    answer(response, url);
  },
);
let base = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  asked = [];
});

const json =
  (value: object, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
const surroundings = (env: NodeJS.ProcessEnv = {}) => ({
  ...{ env, specFile: join(directory, 'spec.yaml'), roots: authority.certificatePem },
});
const token = (issuer: TokenIssuer): SecretSource => ({ kind: 'token', issuer });
const oauth2 = (given: Partial<Extract<TokenIssuer, { kind: 'oauth2' }>> = {}): TokenIssuer => ({
  ...{
    kind: 'oauth2',
    tokenUrl: `${base}/token`,
    clientId: 'me&co',
    clientSecret: 'CLIENT_SECRET',
    refreshToken: null,
  },
  ...{ scope: null, audience: null, clientAuth: 'basic', ...given },
});
const INPUTS: Record<string, SecretSource> = {
  CLIENT_SECRET: { kind: 'env', env: 'CS' },
  REFRESH: { kind: 'env', env: 'RT' },
};
const resolveWith = async (issuer: TokenIssuer, env: NodeJS.ProcessEnv) => {
  const { secrets, warnings, lives } = await resolveSecrets({ ...INPUTS, T: token(issuer) }, surroundings(env));
  return { value: secrets.get('T')?.reveal(), refresh: secrets.get('REFRESH')?.reveal(), warnings, lives };
};
const keyFile = (name: string, content: string) => {
  const file = join(directory, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
};
const claimsOf = (jwt: string) =>
  jwt
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));

describe('OAuth 2', () => {
  it('asks with client credentials, by Basic, form-encoded', async () => {
    const [value, secret] = [fresh(), `s:${fresh()}%`];
    answer = json({ access_token: value, token_type: 'bearer', expires_in: 3600 });
    const issuer = oauth2({ scope: 'a b', audience: 'https://api.example' });
    const found = await resolveWith(issuer, { CS: secret, RT: 'unused-token' });
    expect(found).toMatchObject({ value, lives: new Map([['T', 3_600_000]]), warnings: [] });
    expect(asked).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(asked[0]!.body))).toEqual({
      ...{ grant_type: 'client_credentials', scope: 'a b', audience: 'https://api.example' },
    });
    const pair = Buffer.from(asked[0]!.headers.authorization!.replace('Basic ', ''), 'base64').toString();
    expect(pair.split(':').map((half) => decodeURIComponent(half))).toEqual(['me&co', secret]);
  });

  it('asks with a refresh token, by fields, and keeps the one that takes its place', async () => {
    const [value, next] = [fresh(), fresh()];
    answer = json({ access_token: value, refresh_token: next, expires_in: '60' });
    const issuer = oauth2({ refreshToken: 'REFRESH', clientAuth: 'body' });
    const found = await resolveWith(issuer, { CS: 'client-secret', RT: 'stored-refresh' });
    expect(found).toMatchObject({ value, refresh: next, lives: new Map([['T', 60_000]]) });
    expect(found.warnings.join()).toContain('secret REFRESH: the service gave a new refresh token');
    expect(found.warnings.join()).not.toContain(next);
    expect(Object.fromEntries(new URLSearchParams(asked[0]!.body))).toEqual({
      ...{ grant_type: 'refresh_token', refresh_token: 'stored-refresh' },
      ...{ client_id: 'me&co', client_secret: 'client-secret' },
    });
  });

  it('of a public client names the client in the form', async () => {
    answer = json({ access_token: fresh() });
    const found = await resolveWith(oauth2({ clientSecret: null, refreshToken: 'REFRESH' }), {
      CS: 'other-value',
      RT: 'stored-refresh',
    });
    expect(found.lives).toEqual(new Map());
    expect(asked[0]!.headers.authorization).toBeUndefined();
    expect(new URLSearchParams(asked[0]!.body).get('client_id')).toBe('me&co');
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    [
      'a refusal',
      json({ error: 'invalid_grant', error_description: 'leaked-text' }, 400),
      'answered 400 (invalid_grant)',
    ],
    ['a refusal with an odd code', json({ error: 'leaked-text!' }, 401), 'answered 401'],
    ['a page', (response) => response.end('<html>leaked-text'), 'no JSON object'],
    ['no token', json({ token: 'leaked-text' }), 'gave no token'],
    ['a token of two lines', json({ access_token: 'leaked-text\r\nx' }), 'more than one line'],
    ['a redirect', (response) => response.writeHead(302, { location: '/other' }).end(), 'answered 302'],
    ['no end', (response) => response.end('x'.repeat(400_000)), 'answered too much'],
    ['a reset', (response) => response.socket?.destroy(), 'cannot be asked (ECONNRESET)'],
  ])('with %s refuses the start, and says nothing of it', async (_, answering, why) => {
    answer = answering;
    const env = { CS: 'client-secret', RT: 'stored-refresh' };
    const failure = await resolveWith(oauth2(), env).catch((error: unknown) => String(error));
    expect(failure).toContain(`T (oauth2 ${base}/token): `);
    expect(failure).toContain(why);
    expect(failure).not.toMatch(/leaked-text|client-secret|stored-refresh/);
    expect(asked).toHaveLength(1);
  });

  it('asks nobody whose certificate is not trusted', async () => {
    const sources = { ...INPUTS, T: token(oauth2()) };
    const around = { ...surroundings({ CS: 'client-secret', RT: 'stored-refresh' }), roots: '' };
    await expect(resolveSecrets(sources, around)).rejects.toThrow(
      /cannot be asked \(\w*(?:SELF_SIGNED|UNABLE_TO)\w*\)/,
    );
    expect(asked).toEqual([]);
  });

  it('whose input is missing says so', async () => {
    await expect(resolveWith(oauth2(), { RT: 'stored-refresh' })).rejects.toThrow('CLIENT_SECRET has no value');
    expect(asked).toEqual([]);
  });
});

describe('a signed assertion', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;
  const signedPart = (jwt: string) => Buffer.from(jwt.slice(0, jwt.lastIndexOf('.')));
  const signatureOf = (jwt: string) => Buffer.from(jwt.slice(jwt.lastIndexOf('.') + 1), 'base64url');

  it('by a service-account file, which says where and who', async () => {
    const value = fresh();
    answer = json({ access_token: value, expires_in: 3599 });
    const account = { client_email: 'robot@web-shop.example', private_key_id: 'k1', token_uri: `${base}/google` };
    const key = keyFile('robot.json', JSON.stringify({ ...account, private_key: pem(rsa.privateKey) }));
    const issuer = { kind: 'jwt_bearer', key, tokenUrl: null, issuer: null, scope: 'read' } as const;
    expect(await resolveWith(issuer, { CS: 'client-secret', RT: 'stored-refresh' })).toMatchObject({ value });
    const form = new URLSearchParams(asked[0]!.body);
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const jwt = form.get('assertion') ?? '';
    const [header, claims] = claimsOf(jwt);
    expect(header).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
    expect(claims).toMatchObject({ iss: 'robot@web-shop.example', aud: `${base}/google`, scope: 'read' });
    expect(claims.exp - claims.iat).toBe(300);
    expect(createVerify('sha256').update(signedPart(jwt)).verify(rsa.publicKey, signatureOf(jwt))).toBe(true);
  });

  it('by a P-256 key in PEM', async () => {
    answer = json({ access_token: fresh() });
    const issuer = {
      kind: 'jwt_bearer',
      key: keyFile('ec.pem', pem(ec.privateKey)),
      tokenUrl: `${base}/t`,
      issuer: 'x',
      scope: null,
    } as const;
    await resolveWith(issuer, { CS: 'client-secret', RT: 'stored-refresh' });
    const jwt = new URLSearchParams(asked[0]!.body).get('assertion') ?? '';
    expect(claimsOf(jwt)[0]).toEqual({ alg: 'ES256', typ: 'JWT' });
    const key = { key: ec.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', signedPart(jwt), key, signatureOf(jwt))).toBe(true);
  });

  it.each([
    ['no key', 'hello', 0o600, 'no RSA, P-256 or Ed25519 private key'],
    ['a key that others may read', pem(ec.privateKey), 0o644, 'everybody on this machine may read the file'],
  ])('by %s is refused', async (name, content, mode, why) => {
    const key = keyFile(`${name}.pem`, content);
    chmodSync(key, mode);
    const issuer = { kind: 'jwt_bearer', key, tokenUrl: `${base}/t`, issuer: 'x', scope: null } as const;
    await expect(resolveWith(issuer, { CS: 'client-secret', RT: 'stored-refresh' })).rejects.toThrow(why);
    expect(asked).toEqual([]);
  });

  it('by a GitHub App, for some repositories and permissions', async () => {
    const value = `ghs_${fresh()}`;
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    answer = json({ token: value, expires_at: expires, permissions: { contents: 'read' } }, 201);
    const key = keyFile('app.pem', rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string);
    const app = { kind: 'github_app', appId: '12', installationId: '34', key, api: `${base}/` } as const;
    const issuer = { ...app, repositories: ['web-shop'], permissions: { contents: 'read' } };
    const { value: found, lives } = await resolveWith(issuer, { CS: 'client-secret', RT: 'stored-refresh' });
    expect(found).toBe(value);
    expect(lives.get('T')).toBeGreaterThan(3_500_000);
    expect(asked[0]!.url).toBe('/app/installations/34/access_tokens');
    expect(JSON.parse(asked[0]!.body)).toEqual({ repositories: ['web-shop'], permissions: { contents: 'read' } });
    const jwt = asked[0]!.headers.authorization!.replace('Bearer ', '');
    expect(claimsOf(jwt)[1]).toMatchObject({ iss: '12' });
    expect(createVerify('sha256').update(signedPart(jwt)).verify(rsa.publicKey, signatureOf(jwt))).toBe(true);
  });
});

describe('a JWT that is signed here', () => {
  const INPUT_VALUES = { CS: 'client-secret', RT: 'stored-refresh' };
  const key = (name: string, type: 'rsa' | 'ec' | 'ed25519') => {
    const pair =
      type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : type === 'ec'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('ed25519');
    const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    return { file: keyFile(name, pem), publicKey: pair.publicKey };
  };
  const jwt = (file: string, more: object = {}): TokenIssuer => ({
    ...{ kind: 'jwt', key: file, hs256: false, keyId: 'k1', issuer: 'me', subject: null, audience: 'them' },
    ...{ claims: { bid: 'app' }, lifeMs: 600_000, ...more },
  });

  it.each([
    ['RS256', 'rsa', 'sha256'],
    ['ES256', 'ec', 'sha256'],
    ['EdDSA', 'ed25519', null],
  ] as const)('%s', async (alg, type, digest) => {
    const { file, publicKey } = key(`${alg}.pem`, type);
    const { value = '', lives } = await resolveWith(jwt(file), INPUT_VALUES);
    const [header, claims] = claimsOf(value);
    expect(header).toEqual({ alg, typ: 'JWT', kid: 'k1' });
    expect(claims).toMatchObject({ iss: 'me', aud: 'them', bid: 'app', exp: claims.iat + 600 });
    expect(claims).not.toHaveProperty('sub');
    const at = value.lastIndexOf('.');
    const signature = Buffer.from(value.slice(at + 1), 'base64url');
    const verifier = type === 'ec' ? ({ key: publicKey, dsaEncoding: 'ieee-p1363' } as const) : publicKey;
    expect(verify(digest, Buffer.from(value.slice(0, at)), verifier, signature)).toBe(true);
    expect(lives.get('T')).toBe(600_000);
    expect((await resolveWith(jwt(file), INPUT_VALUES)).value).not.toBe(value);
    expect(asked).toEqual([]);
  });

  it('HS256, with a key of 32 bytes at least', async () => {
    const text = randomBytes(24).toString('base64');
    const { value = '' } = await resolveWith(jwt(keyFile('hs', `${text}\n`), { hs256: true }), INPUT_VALUES);
    const at = value.lastIndexOf('.');
    expect(value.slice(at + 1)).toBe(createHmac('sha256', text).update(value.slice(0, at)).digest('base64url'));
    await expect(resolveWith(jwt(keyFile('short', 'x'.repeat(31)), { hs256: true }), INPUT_VALUES)).rejects.toThrow(
      'shorter than 32',
    );
    await expect(resolveWith(jwt(keyFile('text', text)), INPUT_VALUES)).rejects.toThrow(
      /its key is no RSA, P-256 or Ed25519.*HS256/,
    );
  });
});

describe('while the session runs', () => {
  const told: ControlMessage[] = [];
  const env = { CS: 'client-secret', RT: 'refresh-0' };

  async function start(expiresIn: number) {
    let count = 0;
    told.length = 0;
    answer = (response) => {
      count++;
      json({ access_token: `access-${count}`, refresh_token: `refresh-${count}`, expires_in: expiresIn })(response);
    };
    const sources = { ...INPUTS, T: token(oauth2({ refreshToken: 'REFRESH' })) };
    const { secrets, lives } = await resolveSecrets(sources, surroundings(env));
    const notes: string[] = [];
    return keepFresh({
      ...{ sources, current: secrets, lives, surroundings: surroundings(env) },
      tell: (message) => told.push(message),
      onFailure: (note) => notes.push(note),
    });
  }

  it('200 requests that are not accepted at once bring one new token, with the refresh token of before', async () => {
    const running = await start(3600);
    for (let i = 0; i < 200; i++) running.onLine('{"event":"stale","secret":"T"}');
    await vi.waitFor(() => expect(told).toHaveLength(1), 10_000);
    running.close();
    expect(told).toEqual([
      {
        do: 'renew',
        values: [
          { name: 'T', value: 'access-2' },
          { name: 'REFRESH', value: 'refresh-2' },
        ],
      },
    ]);
    expect(asked.map(({ body }) => new URLSearchParams(body).get('refresh_token'))).toEqual(['refresh-0', 'refresh-1']);
  });

  it('a token is asked for again before it expires', async () => {
    const running = await start(6);
    // Five of its six seconds later, at the earliest.
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), 20_000);
    running.close();
    expect(told[0]).toMatchObject({ values: [{ name: 'T', value: 'access-2' }, { name: 'REFRESH' }] });
  });
});
