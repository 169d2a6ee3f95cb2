// Logins that a tool keeps in a file, against an endpoint on loopback: what it was asked, and what became of the file.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAuthority } from '../../../proxy/src/ca/authority.ts';
import type { ControlMessage } from '../../../proxy/src/contract.ts';
import { keepFresh } from '../../../src/secrets/keep-fresh.ts';
import { resolveSecrets } from '../../../src/secrets/resolve-secrets.ts';
import { Secret } from '../../../src/secrets/secret.ts';
import type { LoginService, SecretSource } from '../../../src/spec/bottle.ts';

const directory = mkdtempSync(join(tmpdir(), 'bottle-login-'));
const authority = createAuthority({ session: 'login' });
const fresh = (prefix = '') => prefix + randomBytes(24).toString('base64url');
let asked: { headers: IncomingHttpHeaders; body: Record<string, unknown> }[] = [];
let answer: (response: ServerResponse) => void;
const server = createServer(
  { SNICallback: (name, done) => done(null, authority.secureContext(name)) },
  async (request, response) => {
    asked.push({ headers: request.headers, body: JSON.parse(await text(request)) as Record<string, unknown> });
    answer(response);
  },
);
let tokenUrl = '';

beforeAll(async () => {
  vi.stubEnv('BOTTLE_STATE_DIR', join(directory, 'state'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  tokenUrl = `https://localhost:${(server.address() as AddressInfo).port}/oauth/token`;
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.close();
  rmSync(directory, { recursive: true });
});

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (expiresAtMs: number) =>
  [part({ alg: 'RS256' }), part({ exp: Math.floor(expiresAtMs / 1000), jti: fresh() }), fresh()].join('.');
const HOUR_MS = 3600_000;

/** Arguments of a process that resolves one secret: its source and the roots come behind. */
const SCRIPT = `
  const { resolveSecrets } = await import(${JSON.stringify(new URL('../../../src/secrets/resolve-secrets.ts', import.meta.url).href)});
  const { secrets } = await resolveSecrets({ TOKEN: JSON.parse(process.argv[1]) }, { env: {}, specFile: '/x', roots: process.argv[2] });
  process.stdout.write(secrets.get('TOKEN').reveal());`;
const RESOLVE = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', SCRIPT];

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}
interface Kind {
  /** Tokens of a life. */
  make(lifeMs: number): Tokens;
  file(tokens: Tokens, lifeMs: number): Record<string, unknown>;
  answer(tokens: Tokens): object;
  /** What the tool itself sends. */
  asks(refresh: string): object;
  /** Of the file afterwards. */
  holds(tokens: Tokens): object;
}

const KINDS: Readonly<Record<LoginService, Kind>> = {
  claude: {
    make: () => ({ access: fresh('sk-ant-oat01-'), refresh: fresh('sk-ant-ort01-') }),
    file: ({ access, refresh }, lifeMs) => ({
      claudeAiOauth: {
        ...{ accessToken: access, refreshToken: refresh, expiresAt: Date.now() + lifeMs },
        ...{ scopes: ['user:inference', 'user:profile'], subscriptionType: 'max' },
      },
      mcpOAuth: { other: { accessToken: 'of another service' } },
    }),
    answer: ({ access, refresh }) => ({ access_token: access, refresh_token: refresh, expires_in: 28_800 }),
    asks: (refresh) => ({
      ...{ grant_type: 'refresh_token', refresh_token: refresh },
      ...{ client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e', scope: 'user:inference user:profile' },
    }),
    holds: ({ access, refresh }) => ({
      claudeAiOauth: {
        ...{ accessToken: access, refreshToken: refresh, expiresAt: expect.any(Number) },
        ...{ scopes: ['user:inference', 'user:profile'], subscriptionType: 'max' },
      },
      mcpOAuth: { other: { accessToken: 'of another service' } },
    }),
  },
  codex: {
    make: (lifeMs) => ({ access: jwt(Date.now() + lifeMs), refresh: fresh('rt_') }),
    file: ({ access, refresh }) => ({
      OPENAI_API_KEY: null,
      tokens: { id_token: 'a.b.c', access_token: access, refresh_token: refresh, account_id: 'account-1' },
      last_refresh: '2026-11-01T00:00:00Z',
    }),
    answer: ({ access, refresh }) => ({ id_token: 'd.e.f', access_token: access, refresh_token: refresh }),
    asks: (refresh) => ({
      ...{ grant_type: 'refresh_token', refresh_token: refresh },
      client_id: 'app_EMoamEEZ73f0CkXaXp7hrann',
    }),
    holds: ({ access, refresh }) => ({
      OPENAI_API_KEY: null,
      tokens: { id_token: 'd.e.f', access_token: access, refresh_token: refresh, account_id: 'account-1' },
      last_refresh: expect.stringMatching(/^20\d\d-.*Z$/),
    }),
  },
};

describe.each(Object.entries(KINDS) as [LoginService, Kind][])('the login of %s', (of, kind) => {
  let file: string;
  const write = (tokens: Tokens, lifeMs: number) =>
    writeFileSync(file, JSON.stringify(kind.file(tokens, lifeMs)), { mode: 0o600 });
  const held = () => JSON.parse(readFileSync(file, 'utf8')) as object;
  const login = (writeBack: boolean): SecretSource => ({
    kind: 'token',
    issuer: { kind: 'login', of, file, tokenUrl, writeBack },
  });
  const around = () => ({
    ...{ env: process.env, specFile: join(directory, 'spec.yaml'), roots: authority.certificatePem },
  });
  const resolve = async (writeBack: boolean) => {
    const { secrets, lives } = await resolveSecrets({ TOKEN: login(writeBack) }, around());
    return { value: secrets.get('TOKEN')?.reveal(), lifeMs: lives.get('TOKEN') ?? 0 };
  };
  const answering = (value: object, status = 200) => {
    answer = (response) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  let count = 0;

  beforeEach(() => {
    asked = [];
    count += 1;
    file = join(directory, `${of}-${count}.json`);
    answering({ error: 'server_error' }, 500);
  });

  it.each([true, false])('is taken as it is while it lasts, with its life (write_back: %s)', async (writeBack) => {
    const tokens = kind.make(HOUR_MS);
    write(tokens, HOUR_MS);
    const before = readFileSync(file, 'utf8');
    const { value, lifeMs } = await resolve(writeBack);
    expect(value).toBe(tokens.access);
    expect(Math.abs(lifeMs - HOUR_MS)).toBeLessThan(60_000);
    expect([asked, readFileSync(file, 'utf8')]).toEqual([[], before]);
  });

  it('is renewed as its tool would when it has expired, and the file has the new one: whole, private, all else untouched', async () => {
    const [old, next] = [kind.make(-1000), kind.make(8 * HOUR_MS)];
    write(old, -1000);
    answering(kind.answer(next));
    const { value, lifeMs } = await resolve(true);
    expect(value).toBe(next.access);
    expect(lifeMs).toBeGreaterThan(7 * HOUR_MS);
    expect(asked.map(({ body }) => body)).toEqual([kind.asks(old.refresh)]);
    expect(asked[0]?.headers['content-type']).toBe('application/json');
    expect(held()).toEqual(kind.holds(next));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).filter((name) => name.startsWith(`${of}-${count}.json`))).toHaveLength(1);
    expect(readdirSync(join(directory, 'state/locks'))).toEqual([]);
    // The next session begins with it.
    expect((await resolve(true)).value).toBe(next.access);
    expect(asked).toHaveLength(1);
  });

  it('is never renewed without write_back: the refresh token would be used up', async () => {
    const tokens = kind.make(-1000);
    write(tokens, -1000);
    const before = readFileSync(file, 'utf8');
    await expect(resolve(false)).rejects.toMatchObject({ why: expect.stringMatching(/expired.*write_back: true/) });
    expect([asked, readFileSync(file, 'utf8')]).toEqual([[], before]);
  });

  it('that 20 sessions and three processes find expired is renewed once', async () => {
    const [old, next] = [kind.make(-1000), kind.make(8 * HOUR_MS)];
    write(old, -1000);
    answering(kind.answer(next));
    const other = () =>
      promisify(execFile)(process.execPath, [...RESOLVE, JSON.stringify(login(true)), authority.certificatePem]);
    const [processes, own] = await Promise.all([
      Promise.all([other(), other(), other()]),
      Promise.all(Array.from({ length: 20 }, () => resolve(true))),
    ]);
    expect(new Set([...processes.map(({ stdout }) => stdout), ...own.map(({ value }) => value)])).toEqual(
      new Set([next.access]),
    );
    expect(asked).toHaveLength(1);
  });

  it('that a service refuses is renewed, unless its tool has renewed it already', async () => {
    const [first, second, third] = [kind.make(HOUR_MS), kind.make(2 * HOUR_MS), kind.make(3 * HOUR_MS)];
    write(first, HOUR_MS);
    answering(kind.answer(second));
    const told: ControlMessage[] = [];
    const { onLine, close } = keepFresh({
      ...{ sources: { TOKEN: login(true) }, current: new Map([['TOKEN', new Secret(first.access)]]), lives: new Map() },
      ...{ surroundings: around(), tell: (message) => told.push(message), onFailure: () => undefined, leastPauseMs: 0 },
    });
    const stale = () => onLine(JSON.stringify({ event: 'stale', secret: 'TOKEN' }));
    const renewed = ({ access }: Tokens) => ({ do: 'renew', values: [{ name: 'TOKEN', value: access }] });
    try {
      stale();
      await vi.waitFor(() => expect(told).toEqual([renewed(second)]), 10_000);
      expect(asked).toHaveLength(1);
      write(third, 3 * HOUR_MS);
      await vi.waitFor(() => {
        if (told.length < 2) stale();
        expect(told).toEqual([renewed(second), renewed(third)]);
      }, 10_000);
      expect(asked).toHaveLength(1);
    } finally {
      await close();
    }
  });

  it('that is being renewed when the session ends gets into its file all the same', async () => {
    const [old, next] = [kind.make(HOUR_MS), kind.make(8 * HOUR_MS)];
    write(old, HOUR_MS);
    let reply: (() => void) | undefined;
    answer = (response) => {
      reply = () => void response.end(JSON.stringify(kind.answer(next)));
    };
    const told: ControlMessage[] = [];
    const { onLine, close } = keepFresh({
      ...{ sources: { TOKEN: login(true) }, current: new Map([['TOKEN', new Secret(old.access)]]), lives: new Map() },
      ...{ surroundings: around(), tell: (message) => told.push(message), onFailure: () => undefined, leastPauseMs: 0 },
    });
    onLine(JSON.stringify({ event: 'stale', secret: 'TOKEN' }));
    await vi.waitFor(() => expect(asked).toHaveLength(1), 10_000);
    const closed = close();
    reply?.();
    await closed;
    expect(held()).toEqual(kind.holds(next));
    // Nobody is there any more who could be told.
    expect(told).toEqual([]);
  });

  it('that is being renewed when a person breaks off the start gets into its file all the same', async () => {
    const [old, next] = [kind.make(-1000), kind.make(8 * HOUR_MS)];
    write(old, -1000);
    let reply: (() => void) | undefined;
    answer = (response) => {
      reply = () => void response.end(JSON.stringify(kind.answer(next)));
    };
    const child = spawn(process.execPath, [...RESOLVE, JSON.stringify(login(true)), authority.certificatePem]);
    const end = new Promise<NodeJS.Signals | null>((done) => child.once('exit', (_, signal) => done(signal)));
    await vi.waitFor(() => expect(reply).toBeDefined(), 20_000);
    child.kill('SIGINT');
    reply?.();
    expect(await end).toBe('SIGINT');
    expect(held()).toEqual(kind.holds(next));
  });

  it.each([
    ['refuses', () => answering({ error: 'invalid_grant', error_description: 'secret words' }, 400)],
    ['gives no token', () => answering({ access_token: '' })],
    ['answers with a list', () => answering(['no', 'object'])],
  ])('stays in its file when the endpoint %s', async (_, prepare) => {
    const tokens = kind.make(-1000);
    write(tokens, -1000);
    const before = readFileSync(file, 'utf8');
    prepare();
    const failure = await resolve(true).then(
      () => '',
      (error: unknown) => JSON.stringify(error),
    );
    expect(failure).toContain('the token endpoint');
    for (const secret of [tokens.access, tokens.refresh, 'secret words']) expect(failure).not.toContain(secret);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(readdirSync(join(directory, 'state/locks'))).toEqual([]);
  });

  it('that still lasts a minute is used when it cannot be renewed', async () => {
    const tokens = kind.make(60_000);
    write(tokens, 60_000);
    expect((await resolve(true)).value).toBe(tokens.access);
    expect(asked).toHaveLength(1);
  });

  it('that a person renews while we ask is left to the person', async () => {
    const [old, ours, theirs] = [kind.make(-1000), kind.make(HOUR_MS), kind.make(2 * HOUR_MS)];
    write(old, -1000);
    answer = (response) => {
      write(theirs, 2 * HOUR_MS);
      response.end(JSON.stringify(kind.answer(ours)));
    };
    expect((await resolve(true)).value).toBe(theirs.access);
    expect(JSON.stringify(held())).toContain(theirs.refresh);
  });

  it('behind a link stays behind it', async () => {
    const [old, next] = [kind.make(-1000), kind.make(HOUR_MS)];
    write(old, -1000);
    const target = file;
    file = join(directory, `${of}-${count}-link.json`);
    symlinkSync(target, file);
    answering(kind.answer(next));
    expect((await resolve(true)).value).toBe(next.access);
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toContain(next.refresh);
  });

  it('waits for nobody who is dead', async () => {
    const [old, next] = [kind.make(-1000), kind.make(HOUR_MS)];
    write(old, -1000);
    answering(kind.answer(next));
    const { pid } = await new Promise<{ pid: number }>((done) => {
      const child = execFile(process.execPath, ['-e', ''], () => done({ pid: child.pid ?? 0 }));
    });
    const { createHash } = await import('node:crypto');
    writeFileSync(join(directory, 'state/locks', createHash('sha256').update(file).digest('hex')), String(pid));
    expect((await resolve(true)).value).toBe(next.access);
  });

  it('of another form is none', async () => {
    writeFileSync(file, JSON.stringify({ token: fresh() }), { mode: 0o600 });
    await expect(resolve(true)).rejects.toMatchObject({ why: expect.stringMatching(/no login in the file; run c/) });
  });
});
