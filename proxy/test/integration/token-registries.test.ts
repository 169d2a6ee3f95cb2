// Registries whose clients ask for a token first: Docker's token service, npm's and PyPI's exchange of an identity. Judged by what arrives.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings } from './harness/setting.ts';
import { API, AUTH, answerJson, bearer, random, tokenSetting } from './harness/token-setting.ts';
import { later } from './harness/undo.ts';

afterEach(endSettings);

it('Docker: the token service gets the password from us, the registry gets the token, the agent has neither', async () => {
  const [password, token] = [random(), random(64)];
  const { ask, arrived, last } = await tokenSetting(
    (request, _, response) => {
      const isIn = request.headers.authorization === `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
      if (isIn)
        answerJson(response, { token, access_token: token, expires_in: 300, issued_at: '2026-11-24T12:00:00Z' });
      else answerJson(response, { details: 'incorrect username or password' }, 401);
    },
    {
      secrets: [{ name: 'DOCKER_PASSWORD', value: password, placeholder: `dckr_pat_${random()}` }],
      auth: { auth: { type: 'basic', secret: 'DOCKER_PASSWORD', username: 'me' } },
      api: (request, _, response) => {
        if (request.headers.authorization === `Bearer ${token}`) {
          answerJson(response, { schemaVersion: 2 });
          return;
        }
        const challenge = `Bearer realm="https://${AUTH}/token",service="registry",scope="repository:me/app:pull"`;
        response.setHeader('www-authenticate', challenge);
        answerJson(response, { errors: [{ code: 'UNAUTHORIZED' }] }, 401);
      },
    },
  );
  // As a client of the distribution protocol goes about it.
  const manifest = '/v2/me/app/manifests/latest';
  const challenged = await ask(API, { path: manifest });
  const [, realm, service, scope] = /realm="([^"]+)",service="([^"]+)",scope="([^"]+)"/.exec(challenged.head) ?? [];
  const { pathname } = new URL(realm!);
  const answer = await ask(AUTH, { path: `${pathname}?service=${service}&scope=${scope}` });
  const { token: shown, access_token: alias } = JSON.parse(answer.body);
  expect(alias).toBe(shown);
  expect(answer.text).not.toContain(token);
  expect(last()).toMatchObject({ injected: ['DOCKER_PASSWORD'], kept: ['oauth.token.1'] });
  const pulled = await ask(API, { path: manifest, fields: bearer(shown) });
  expect(pulled).toMatchObject({ status: 200, body: '{"schemaVersion":2}' });
  expect(arrived.at(-1)).toMatchObject({ url: manifest, authorization: `Bearer ${token}` });
});

/** Not of this process: it asks as a person's own would. */
async function npm(
  proxy: RunningProxy,
  words: readonly string[],
  npmrc: string,
): Promise<{ code: number; home: string }> {
  const home = mkdtempSync(join(tmpdir(), 'bottle-npm-'));
  later(() => rmSync(home, { recursive: true, force: true }));
  writeFileSync(join(home, 'ca.pem'), proxy.ca);
  writeFileSync(join(home, '.npmrc'), `cafile=${join(home, 'ca.pem')}\nregistry=https://${AUTH}/\n${npmrc}`, {
    mode: 0o600,
  });
  const url = `http://127.0.0.1:${proxy.port}`;
  const child = spawn('npm', [...words], {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      HTTPS_PROXY: url,
      https_proxy: url,
      npm_config_update_notifier: 'false',
      npm_config_userconfig: join(home, '.npmrc'),
    },
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, home };
}

it('npm: what a login and the exchange of an identity get is a placeholder, with which npm goes on', async () => {
  const token = `npm_${random(27).replace(/[-_]/g, 'x')}`;
  const { proxy, arrived, ask } = await tokenSetting((request, _, response) => {
    if (request.url === '/-/whoami') {
      const isIn = request.headers.authorization === `Bearer ${token}`;
      answerJson(response, isIn ? { username: 'me' } : { error: 'unauthorized' }, isIn ? 200 : 401);
    } else answerJson(response, { ok: true, id: 'org.couchdb.user:me', token }, 201);
  });
  const login = await ask(AUTH, {
    ...{ method: 'PUT', path: '/-/user/org.couchdb.user:me', body: '{"name":"me","password":"not kept"}' },
    fields: { 'Content-Type': 'application/json' },
  });
  const exchanged = await ask(AUTH, { method: 'POST', path: '/-/npm/v1/oidc/token/exchange/package/app' });
  const shown = JSON.parse(login.body).token as string;
  expect(shown).toMatch(/^npm_[0-9A-Za-z]{36}$/);
  expect(JSON.parse(exchanged.body).token).toBe(shown);
  const { code, home } = await npm(proxy, ['whoami'], `//${AUTH}/:_authToken=${shown}\n`);
  expect(code).toBe(0);
  expect(arrived.at(-1)).toMatchObject({ url: '/-/whoami', authorization: `Bearer ${token}` });
  expect(readFileSync(join(home, '.npmrc'), 'utf8')).not.toContain(token);
});

it('PyPI: a minted token goes into the upload, inside Basic', async () => {
  const token = `pypi-AgEIcHlwaS5vcmc${random(90)}`;
  const { ask, arrived } = await tokenSetting((_, __, response) =>
    answerJson(response, { success: true, token, expires: 1_800_000_000 }),
  );
  const minted = await ask(AUTH, { method: 'POST', path: '/_/oidc/mint-token', body: '{"token":"of-the-ci"}' });
  const { token: shown, ...rest } = JSON.parse(minted.body);
  expect(rest).toEqual({ success: true, expires: 1_800_000_000 });
  expect(shown).toMatch(/^pypi-AgEIcHlwaS5vcmc/);
  expect(minted.text).not.toContain(token);
  const pair = (value: string) => `Basic ${Buffer.from(`__token__:${value}`).toString('base64')}`;
  await ask(API, { method: 'POST', path: '/legacy/', fields: { Authorization: pair(shown) }, body: 'x' });
  expect(arrived.at(-1)!.authorization).toBe(pair(token));
});
