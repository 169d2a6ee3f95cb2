import { describe, expect, it } from 'vitest';
import { expiriesOf, firstEnd, firstOver } from '../../../src/plan/expiry.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { surroundings } from '../spec/surroundings.ts';

const NOW = new Date('2031-05-01T12:00:00Z');

function bottleOf(text: string) {
  const parsed = parseSpec(text, 'a.yaml', surroundings());
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.bottle;
}

const SPEC = `version: 1
secrets: { K: { env: K, expires: 2031-05-01T14:00:00+01:00 }, FREE: { env: FREE } }
egress:
  allow:
    - { host: a.example, expires: 90m, auth: { type: bearer, secret: K } }
    - { host: b.example, placeholder: { secret: K } }
    - { host: c.example, auth: { type: bearer, secret: FREE } }
`;

describe('what ends', () => {
  it('is an entry by itself and by the secrets that it adds', () => {
    const bottle = bottleOf(SPEC);
    const ofSecret = { name: 'secrets.K.expires', at: '2031-05-01T13:00:00.000Z' };
    expect(bottle.egress.allow.map((entry) => expiriesOf(entry, bottle))).toEqual([
      [{ name: 'allow.0.expires', afterMs: 5_400_000 }, ofSecret],
      [ofSecret],
      [],
    ]);
  });

  it.each([
    ['the key of a client certificate', '{ host: a.example, client_certificate: { certificate: FREE, key: K } }', ''],
    ['a client certificate', '{ host: a.example, client_certificate: { certificate: K, key: FREE } }', ''],
    ['the refresh token of the token that is added', '{ host: a.example, auth: { type: oauth2, secret: T } }', ''],
    [
      'what the proxy on the way wants',
      'a.example',
      '  upstream_proxy: { url: "http://proxy.example:3128", auth: { username: me, secret: K } }\n',
    ],
  ])('is an entry by %s', (_, entry, egress) => {
    const bottle = bottleOf(`version: 1
secrets:
  K: { env: K, expires: 2031-05-01T13:00:00Z }
  FREE: { env: FREE }
  T: { oauth2: { token_url: "https://auth.example/token", client_id: me, refresh_token: K } }
egress:
  allow:
    - ${entry}
${egress}`);
    expect(expiriesOf(bottle.egress.allow[0]!, bottle)).toEqual([
      { name: 'secrets.K.expires', at: '2031-05-01T13:00:00.000Z' },
    ]);
  });

  it('is told before it is too late, and refused after', () => {
    const bottle = bottleOf(SPEC);
    expect(firstEnd(bottle, NOW)).toBe('2031-05-01T13:00:00.000Z');
    expect(firstEnd(bottle, new Date('2031-05-01T11:00:00Z'))).toBe('2031-05-01T12:30:00.000Z');
    expect(firstOver(bottle, NOW)).toBeNull();
    expect(firstOver(bottle, new Date('2031-05-01T13:00:00Z'))).toMatchObject({ name: 'secrets.K.expires' });
  });

  it('reads again as it is written', () => {
    const text = renderBottle(bottleOf(SPEC));
    expect(text).toContain('expires: 90m');
    expect(text).toContain('expires: 2031-05-01T13:00:00.000Z');
    expect(renderBottle(bottleOf(text))).toBe(text);
  });
});
