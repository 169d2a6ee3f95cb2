import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../proxy/src/contract.ts';
import { placeholderNames } from '../../../src/plan/agent-env.ts';
import type { Bottle } from '../../../src/spec/bottle.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import type { Surroundings } from '../../../src/spec/surroundings.ts';
import { surroundings } from './surroundings.ts';

function bottleOf(
  text: string,
  given: Partial<Surroundings> = {},
  file = '/home/me/.config/bottle/web-shop.yaml',
): Bottle {
  const parsed = parseSpec(text, file, surroundings(given));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 2));
  return parsed.bottle;
}

const allowed = (yaml: string) =>
  bottleOf(`version: 1\nsecrets: { K: { env: K } }\negress:\n  allow:\n    - ${yaml}\n`).egress.allow[0];

describe('a spec without anything', () => {
  it('means nothing can be reached, with every default written out', () => {
    expect(bottleOf('version: 1')).toEqual({
      version: 1,
      name: 'web-shop',
      file: '/home/me/.config/bottle/web-shop.yaml',
      agent: {
        image: null,
        command: [],
        env: {},
        files: [],
        user: null,
        network: 'sealed',
        runtime: 'runc',
        resources: { cpus: 2, memoryBytes: 4 * 1024 ** 3, pids: 1024 },
      },
      workspace: { path: null, mode: 'mount', hide: [] },
      secrets: {},
      egress: { mode: 'enforce', allow: [], deny: [], onDeny: 'block', upstreamProxy: null, quota: null, limits: {} },
      dlp: {
        onMatch: 'block',
        profile: 'default',
        rulesFile: null,
        rules: [],
        detectors: PROFILES.default.detectors,
        actions: { 'generic-secret': 'log' },
        known: [],
        canaries: false,
        workspace: false,
      },
      logs: { dir: null, keep: 50, bodies: 'never' },
    });
  });

  it('takes its name from the file', () => {
    expect(bottleOf('version: 1', {}, 'specs/My Shop.v2.yaml').name).toBe('my-shop-v2');
    expect(bottleOf('version: 1', {}, '____.yml').name).toBe('bottle');
    expect(bottleOf('version: 1\nname: other').name).toBe('other');
  });

  it('may begin with a byte order mark, have Windows line ends, or be JSON', () => {
    expect(bottleOf('\ufeffversion: 1\r\nname: crlf\r\n').name).toBe('crlf');
    expect(
      bottleOf('{ "version": 1, "name": "json", "egress": { "allow": ["a.example"] } }').egress.allow,
    ).toHaveLength(1);
  });
});

describe('an entry of the allow list', () => {
  it('that is a host alone allows every request to it over TLS', () => {
    expect(allowed('api.example.com')).toEqual({
      id: 'allow.0',
      host: 'api.example.com',
      ports: [443],
      scheme: 'https',
      rules: [{ methods: null, paths: null, query: {}, headers: {} }],
      auth: null,
      placeholder: null,
      dlp: { onMatch: 'block', except: [], actions: {} },
      allowPrivate: false,
      source: 'refused',
      errorShape: 'plain',
      quota: null,
    });
  });

  it.each([
    ['{ host: a.example, access: read }', [{ methods: ['GET', 'HEAD', 'OPTIONS'], paths: null }]],
    [
      '{ host: a.example, access: write }',
      [{ methods: ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'], paths: null }],
    ],
    ['{ host: a.example, access: full }', [{ methods: null, paths: null }]],
    ['{ host: a.example, rules: ["GET /repos/**"] }', [{ methods: ['GET'], paths: ['/repos/**'] }]],
    [
      '{ host: a.example, rules: ["GET,HEAD /a", "* /b"] }',
      [
        { methods: ['GET', 'HEAD'], paths: ['/a'] },
        { methods: null, paths: ['/b'] },
      ],
    ],
    [
      '{ host: a.example, access: read, rules: ["* /b", { paths: [/c] }, "HEAD /d"] }',
      [
        { methods: ['GET', 'HEAD', 'OPTIONS'], paths: ['/b'] },
        { methods: ['GET', 'HEAD', 'OPTIONS'], paths: ['/c'] },
        { methods: ['HEAD'], paths: ['/d'] },
      ],
    ],
    [
      '{ host: a.example, rules: [{ methods: [POST], paths: [/graphql], query: { v: "1*" }, headers: { x-v: "2" } }] }',
      [{ methods: ['POST'], paths: ['/graphql'], query: { v: '1*' }, headers: { 'x-v': '2' } }],
    ],
    ['{ host: a.example, rules: [{}] }', [{ methods: null, paths: null }]],
  ])('%s has the rules it says', (yaml, rules) => {
    expect(allowed(yaml)?.rules).toEqual(rules.map((rule) => ({ query: {}, headers: {}, ...rule })));
  });

  it.each([
    ['{ host: a.example }', [443], 'https'],
    ['{ host: a.example, scheme: http }', [80], 'http'],
    ['{ host: a.example, port: 80 }', [80], 'http'],
    ['{ host: a.example, port: 80, scheme: https }', [80], 'https'],
    ['{ host: a.example, port: 8080, scheme: http }', [8080], 'http'],
    ['{ host: a.example, port: 8443 }', [8443], 'https'],
    ['{ host: a.example, ports: [443, 8443] }', [443, 8443], 'https'],
  ])('%s is reached on its ports', (yaml, ports, scheme) => {
    expect(allowed(yaml)).toMatchObject({ ports, scheme });
  });

  it.each([
    ['{ type: bearer, secret: K }', { type: 'bearer', secret: 'K' }],
    ['{ type: basic, secret: K }', { type: 'basic', secret: 'K', username: 'x-access-token' }],
    ['{ type: basic, secret: K, username: me }', { type: 'basic', secret: 'K', username: 'me' }],
    [
      '{ type: header, secret: K, name: X-Api-Key }',
      { type: 'header', secret: 'K', name: 'x-api-key', template: '{secret}' },
    ],
    [
      '{ type: header, secret: K, name: authorization, template: "token {secret}" }',
      { type: 'header', secret: 'K', name: 'authorization', template: 'token {secret}' },
    ],
    ['{ type: query, secret: K, name: api_key }', { type: 'query', secret: 'K', name: 'api_key' }],
  ])('adds the credential of auth %s', (auth, expected) => {
    expect(allowed(`{ host: a.example, auth: ${auth} }`)?.auth).toEqual(expected);
  });

  it('with port 80 among its ports is two routes: http there, https elsewhere', () => {
    const { allow } = bottleOf(
      'version: 1\negress: { allow: [{ host: a.example, ports: [80, 443], access: read }] }',
    ).egress;
    expect(allow.map(({ id, scheme, ports, rules }) => [id, scheme, ports, rules[0]?.methods?.length])).toEqual([
      ['allow.0', 'https', [443], 3],
      ['allow.0.http', 'http', [80], 3],
    ]);
  });

  it('swaps a placeholder in header fields unless it says where', () => {
    expect(allowed('{ host: a.example, placeholder: { secret: K } }')?.placeholder).toEqual({
      secret: 'K',
      in: ['header'],
    });
    expect(allowed('{ host: a.example, placeholder: { secret: K, in: [query] } }')?.placeholder).toEqual({
      secret: 'K',
      in: ['query'],
    });
  });

  it('may carry a credential over http to a private address that it allows', () => {
    expect(
      allowed('{ host: 10.0.0.5, scheme: http, allow_private: true, auth: { type: bearer, secret: K } }'),
    ).toMatchObject({ scheme: 'http', allowPrivate: true });
  });

  it('takes dlp.on_match of the spec when it has none of its own', () => {
    const { allow } = bottleOf(
      'version: 1\ndlp: { on_match: log }\negress: { allow: [a.example, { host: b.example, dlp: { on_match: redact, except: [jwt] } }] }',
    ).egress;
    expect(allow.map(({ dlp }) => dlp)).toEqual([
      { onMatch: 'log', except: [], actions: {} },
      { onMatch: 'redact', except: ['jwt'], actions: {} },
    ]);
  });

  it('writes an address in its one spelling', () => {
    expect(allowed('"[2001:DB8::0:1]"')?.host).toBe('2001:db8::1');
    expect(allowed('192.0.2.7')?.host).toBe('192.0.2.7');
  });
});

describe('the agent', () => {
  it('runs a command that is one text through sh', () => {
    expect(bottleOf('version: 1\nagent: { command: claude -p "hi" }').agent.command).toEqual([
      'sh',
      '-c',
      'claude -p "hi"',
    ]);
    expect(bottleOf('version: 1\nagent: { command: [claude, -p, hi] }').agent.command).toEqual(['claude', '-p', 'hi']);
  });

  it.each([
    ['512m', 512 * 1024 ** 2],
    ['1.5g', 1.5 * 1024 ** 3],
    ['2G', 2 * 1024 ** 3],
    ['2GB', 2 * 1024 ** 3],
    ['512MiB', 512 * 1024 ** 2],
    ['100000k', 100_000 * 1024],
  ])('may use memory of %s', (memory, bytes) => {
    expect(bottleOf(`version: 1\nagent: { resources: { memory: ${memory} } }`).agent.resources).toEqual({
      cpus: 2,
      memoryBytes: bytes,
      pids: 1024,
    });
  });

  it.each([
    'node:24-slim',
    'ghcr.example/acme/agent',
    'localhost:5000/agent:1',
    `node@sha256:${'a'.repeat(64)}`,
    'acme/my__agent:v1.2-x',
  ])('may use the image %s', (image) => {
    expect(bottleOf(`version: 1\nagent: { image: "${image}" }`).agent.image).toBe(image);
  });

  it('keeps variables that only look like secrets by their name', () => {
    const env = {
      MAX_TOKENS: '100000',
      TOKEN_FILE: '/run/token',
      PUBLIC_KEY: 'abcdef0123456789',
      POSTGRES_PASSWORD: 'postgres',
      SSH_AUTH_SOCK: '/tmp/s',
      KEYBOARD: 'de-latin1-nodeadkeys',
      AUTH_URL: 'https://login.example/oauth2/v2',
    };
    expect(bottleOf(`version: 1\nagent: { env: ${JSON.stringify(env)} }`).agent.env).toEqual(env);
  });
});

describe('the workspace', () => {
  it.each([
    ['$PWD', '/home/me/src/web-shop'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a person writes
    ['${PWD}/packages/api', '/home/me/src/web-shop/packages/api'],
    ['~/src/other', '/home/me/src/other'],
    ['../../src/other', '/home/me/src/other'],
    ['/srv/work', '/srv/work'],
  ])('%s is %s', (path, absolute) => {
    expect(bottleOf(`version: 1\nworkspace: { path: "${path}" }`).workspace.path).toBe(absolute);
  });

  it('never shows the agent the spec that it runs under', () => {
    const text = 'version: 1\nworkspace: { path: /home/me/src/web-shop, hide: [.env] }';
    expect(bottleOf(text, {}, 'bottle.yaml').workspace.hide).toEqual(['.env', 'bottle.yaml']);
    expect(bottleOf(text, {}, '.bottle/deep/spec.yaml').workspace.hide).toEqual(['.env', '.bottle']);
    expect(bottleOf(text, {}, '/home/me/spec.yaml').workspace.hide).toEqual(['.env']);
  });

  it('never shows it a spec or a base that is there under another name', () => {
    const realPath = (path: string) => path.replace('/home/me/links/', '/home/me/src/web-shop/specs/');
    const readFile = () => 'version: 1';
    const text = 'version: 1\nextends: /home/me/links/base.yaml\nworkspace: { path: /home/me/src/web-shop }';
    expect(bottleOf(text, { realPath, readFile }).workspace.hide).toEqual(['specs']);
  });
});

describe('secrets', () => {
  it('come from a variable, a file or a command; files are found from the spec', () => {
    const text =
      'version: 1\nsecrets: { A: { env: B }, C: { file: ./token }, D: { file: ~/token }, E: { cmd: [gh, auth, token] } }';
    expect(bottleOf(text).secrets).toEqual({
      A: { kind: 'env', env: 'B' },
      C: { kind: 'file', file: '/home/me/.config/bottle/token' },
      D: { kind: 'file', file: '/home/me/token' },
      E: { kind: 'cmd', cmd: ['gh', 'auth', 'token'] },
    });
  });

  it('come from a store, from a part of a text, and are read again', () => {
    const text = `version: 1
secrets:
  A: { file: ~/auth.json, json: tokens.access, ttl_seconds: 900 }
  B: { cmd: [cat, x], ini: default.key, timeout_seconds: 5 }
  C: { keychain: { service: github } }
  D: { op: "op://work/x/token" }
  E: { vault: { path: secret/x, field: token } }
  F: { aws: { secret: prod/x, region: eu-1 }, json: password }
  G: { gcp: { secret: x } }
`;
    const { secrets } = bottleOf(text);
    expect(secrets).toEqual({
      A: { kind: 'file', file: '/home/me/auth.json', pick: { format: 'json', key: 'tokens.access' }, ttlMs: 900_000 },
      B: { kind: 'cmd', cmd: ['cat', 'x'], timeoutMs: 5000, pick: { format: 'ini', key: 'default.key' } },
      C: { kind: 'store', store: { kind: 'keychain', service: 'github', account: null } },
      D: { kind: 'store', store: { kind: 'op', reference: 'op://work/x/token' } },
      E: { kind: 'store', store: { kind: 'vault', path: 'secret/x', field: 'token' } },
      F: {
        ...{ kind: 'store', pick: { format: 'json', key: 'password' } },
        store: { kind: 'aws', secret: 'prod/x', region: 'eu-1', profile: null },
      },
      G: { kind: 'store', store: { kind: 'gcp', secret: 'x', version: 'latest', project: null } },
    });
    // Written out again, they mean the same.
    expect(bottleOf(renderBottle(bottleOf(text))).secrets).toEqual(secrets);
  });

  it('are tokens that a service issues, and what these are asked for with is not for the agent', () => {
    const text = `version: 1
secrets:
  CLIENT_SECRET: { env: CS }
  REFRESH: { env: RT }
  A: { oauth2: { token_url: "https://auth.example/token", client_id: me, client_secret: CLIENT_SECRET, refresh_token: REFRESH, scope: a b } }
  B: { jwt_bearer: { key: ~/robot.json, scope: read } }
  C: { github_app: { app_id: "1", installation_id: "2", key: ./app.pem, repositories: [web-shop], permissions: { contents: read } } }
  D: { jwt: { key: ./k.p8, key_id: k1, issuer: me, audience: them, claims: { bid: app, n: 3 }, life_seconds: 1200 } }
  E: { jwt: { key: ./k.txt, algorithm: HS256 } }
`;
    const bottle = bottleOf(text);
    expect(bottle.secrets).toMatchObject({
      A: {
        kind: 'token',
        issuer: { kind: 'oauth2', clientSecret: 'CLIENT_SECRET', refreshToken: 'REFRESH', clientAuth: 'basic' },
      },
      B: { kind: 'token', issuer: { kind: 'jwt_bearer', key: '/home/me/robot.json', tokenUrl: null } },
      C: {
        kind: 'token',
        issuer: { kind: 'github_app', key: '/home/me/.config/bottle/app.pem', api: 'https://api.github.com' },
      },
      D: {
        kind: 'token',
        issuer: { kind: 'jwt', keyId: 'k1', hs256: false, claims: { bid: 'app', n: 3 }, lifeMs: 1_200_000 },
      },
      E: { kind: 'token', issuer: { kind: 'jwt', hs256: true, issuer: null, lifeMs: 600_000 } },
    });
    expect(placeholderNames(bottle)).toEqual(['A', 'B', 'C', 'D', 'E']);
    expect(bottleOf(renderBottle(bottle)).secrets).toEqual(bottle.secrets);
  });

  it('of a GraphQL entry are queries alone, if it does not say more', () => {
    const text = `version: 1
egress:
  allow:
    - { host: a.example, graphql: {} }
    - { host: b.example, graphql: { query: [], mutation: [create*] } }
`;
    const { allow } = bottleOf(text).egress;
    expect(allow.map(({ graphql }) => graphql)).toEqual([
      { query: ['*'], mutation: [], subscription: [] },
      { query: [], mutation: ['create*'], subscription: [] },
    ]);
    expect(bottleOf(renderBottle(bottleOf(text))).egress.allow).toEqual(allow);
  });

  it('sign AWS requests, and mean the same when they are written out', () => {
    const text = `version: 1
secrets: { ID: { env: ID }, KEY: { env: KEY }, SESSION: { env: SESSION } }
egress:
  allow:
    - host: my-bucket.s3.eu-central-1.amazonaws.com
      auth: { type: sigv4, access_key: ID, secret: KEY, session_token: SESSION, services: [s3], regions: [eu-central-1] }
`;
    const [entry] = bottleOf(text).egress.allow;
    expect(entry?.auth).toEqual({
      ...{ type: 'sigv4', accessKey: 'ID', secret: 'KEY', sessionToken: 'SESSION' },
      ...{ services: ['s3'], regions: ['eu-central-1'] },
    });
    expect(bottleOf(renderBottle(bottleOf(text))).egress.allow).toEqual([entry]);
  });

  it.each([
    [
      '{ type: hmac, secret: KEY, headers: { X-Hub-Signature-256: "sha256={signature}" } }',
      {
        ...{ accessKey: null, algorithm: 'sha256', encoding: 'hex', secretEncoding: 'utf8', message: '{body}' },
        ...{ headers: { 'x-hub-signature-256': 'sha256={signature}' }, query: {} },
      },
    ],
    [
      '{ type: hmac, secret: KEY, access_key: ID, algorithm: sha512, encoding: base64, secret_encoding: base64, message: "{nonce}\\n{query}", headers: { k: "{access_key}" }, query: { Sig: "{signature}", n: "{nonce}" } }',
      {
        ...{ accessKey: 'ID', algorithm: 'sha512', encoding: 'base64', secretEncoding: 'base64' },
        ...{ message: '{nonce}\n{query}', headers: { k: '{access_key}' }, query: { Sig: '{signature}', n: '{nonce}' } },
      },
    ],
  ])('reads what a keyed hash signs: %s', (auth, expected) => {
    const text = `version: 1
secrets: { ID: { env: ID }, KEY: { env: KEY } }
egress:
  allow:
    - { host: api.example, auth: ${auth} }
`;
    const [entry] = bottleOf(text).egress.allow;
    expect(entry?.auth).toEqual({ type: 'hmac', secret: 'KEY', ...expected });
    expect(bottleOf(renderBottle(bottleOf(text))).egress.allow).toEqual([entry]);
  });

  it('cannot reach into an object by a name like __proto__', () => {
    const { secrets, agent } = bottleOf(
      'version: 1\nagent: { env: { constructor: x, toString: y } }\nsecrets: { valueOf: { env: A } }',
    );
    expect(Object.keys(secrets)).toEqual(['valueOf']);
    expect(agent.env).toEqual({ constructor: 'x', toString: 'y' });
    const parsed = parseSpec(
      'version: 1\n__proto__: { x: 1 }\nagent: { env: { __proto__: x } }',
      'a.yaml',
      surroundings(),
    );
    expect(parsed.ok).toBe(false);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('extends', () => {
  const base = `version: 1
name: base
agent: { command: [bash], env: { A: base, B: base }, resources: { cpus: 1 } }
workspace: { path: ../../../code, hide: [.env] }
secrets: { K: { env: OLD }, L: { file: ./l } }
egress: { allow: [a.example], deny: [x.example] }
`;
  const text = `version: 1
extends: ./base/node.yaml
agent: { command: [claude], env: { B: own } }
workspace: { hide: [private] }
secrets: { K: { cmd: [pass, k] } }
egress: { allow: [b.example], deny: [y.example] }
`;
  const bottle = bottleOf(text, {
    readFile: (path) => (path === '/home/me/.config/bottle/base/node.yaml' ? base : ''),
  });

  it('appends lists, merges maps, and lets the spec replace the rest', () => {
    expect(bottle.agent).toMatchObject({
      command: ['claude'],
      env: { A: 'base', B: 'own' },
      resources: { cpus: 1, pids: 1024 },
    });
    expect(bottle.workspace.hide).toEqual(['.env', 'private']);
    expect(bottle.egress.allow.map(({ id, host }) => `${id} ${host}`)).toEqual([
      'allow.0 a.example',
      'allow.1 b.example',
    ]);
    expect(bottle.egress.deny).toEqual([
      { id: 'deny.0', host: 'x.example' },
      { id: 'deny.1', host: 'y.example' },
    ]);
  });

  it('takes a secret as a whole, and paths from the file that they stand in', () => {
    expect(bottle.secrets).toEqual({
      K: { kind: 'cmd', cmd: ['pass', 'k'] },
      L: { kind: 'file', file: '/home/me/.config/bottle/base/l' },
    });
    expect(bottle.workspace.path).toBe('/home/me/code');
  });

  it("does not take over the base's name", () => {
    expect(bottle.name).toBe('web-shop');
  });
});
