// Entries whose answers hold tokens, and those that take them: as the proxy is told.
import { expect, it } from 'vitest';
import { compileRoutes } from '../../../src/plan/proxy-config.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { surroundings } from './surroundings.ts';

const HEAD =
  'version: 1\nname: x\nsecrets: { K: { env: K }, T: { oauth2: { token_url: "https://a.example/t", client_id: c, client_secret: K } } }\n';

function bottleOf(allow: string) {
  const parsed = parseSpec(`${HEAD}egress:\n  allow:\n${allow}`, '/home/me/x.yaml', surroundings());
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 2));
  return parsed.bottle;
}

const routesOf = (allow: string) =>
  compileRoutes(bottleOf(allow), { source: '', fingerprintKey: undefined, canaries: [] }).routes.map(
    ({ id, tokens, tokensFrom }) => ({ id, ...(tokens === undefined ? {} : { tokens }), from: tokensFrom ?? [] }),
  );

const FIELDS = ['access_token', 'refresh_token', 'id_token', 'token'];

it('are taken by the entries of the same host, unless others are named', () => {
  expect(
    routesOf(`
    - { host: auth.example, id: oauth, rules: ["POST /token"], tokens: {} }
    - auth.example
    - api.example
    - { host: auth.example, port: 80, scheme: http, allow_private: true }
`),
  ).toEqual([
    { id: 'oauth', tokens: { fields: FIELDS }, from: ['oauth'] },
    { id: 'allow.1', from: ['oauth'] },
    { id: 'allow.2', from: [] },
    { id: 'allow.3', from: ['oauth'] },
  ]);
});

it.each([
  ['an id', 'billing'],
  ['a host', 'api.example'],
  ['a pattern', '*.example'],
])('are taken by entries that are named by %s', (_, name) => {
  const [, own, api, other] = routesOf(`
    - { host: auth.other, id: oauth, tokens: { fields: ["data.*_token"], for: ["${name}"] } }
    - auth.other
    - { host: api.example, id: billing }
    - other.test
`);
  expect([own!.from, api!.from, other!.from]).toEqual([[], ['oauth'], []]);
});

it('say the same when what is in force is read again', () => {
  const bottle = bottleOf(`
    - { host: auth.example, tokens: { for: [api] } }
    - { host: api.example, id: api, auth: { type: oauth2, secret: T } }
`);
  const again = parseSpec(renderBottle(bottle), '/home/me/x.yaml', surroundings());
  expect(again).toMatchObject({ ok: true, bottle: { egress: { allow: bottle.egress.allow } } });
});

it('auth of type oauth2 is the bearer of a secret that a token endpoint issues', () => {
  const { auth } = bottleOf('    - { host: api.example, auth: { type: oauth2, secret: T } }\n').egress.allow[0]!;
  expect(auth).toEqual({ type: 'bearer', secret: 'T' });
});
