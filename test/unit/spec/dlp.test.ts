// The search for secrets as a spec means it: profiles, actions, and what a baseline approves.
import { describe, expect, it } from 'vitest';
import { DETECTOR_IDS, PROFILES, type ProfileName } from '../../../proxy/src/contract.ts';
import { compileRoutes } from '../../../src/plan/proxy-config.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { renderBottle } from '../../../src/spec/render.ts';
import { surroundings } from './surroundings.ts';

const FINGERPRINT = '0123456789abcdef';

function bottleOf(text: string, files: Readonly<Record<string, string>> = {}) {
  const around = surroundings();
  const readFile = (path: string): string => files[path] ?? around.readFile(path);
  const parsed = parseSpec(text, '/specs/x.yaml', { ...around, readFile });
  if (!parsed.ok) throw new Error(parsed.problems.map(({ line, what, fix }) => `${line}: ${what}; ${fix}`).join('\n'));
  return parsed.bottle;
}

describe('a profile', () => {
  it.each(Object.keys(PROFILES) as ProfileName[])('%s names detectors that exist', (profile) => {
    const { dlp } = bottleOf(`version: 1\ndlp: { profile: ${profile} }`);
    expect(dlp.detectors).toEqual(PROFILES[profile].detectors);
    for (const id of [...dlp.detectors, ...Object.keys(dlp.actions)]) expect(DETECTOR_IDS).toContain(id);
  });

  it('only notes what is called a secret, unless it is strict or the spec says otherwise', () => {
    const actionIn = (dlp: string) =>
      compileRoutes(bottleOf(`version: 1\ndlp: ${dlp}\negress: { allow: [a.example] }`), { source: '' }).routes[0]?.dlp
        .actions;
    expect(actionIn('{}')).toEqual({ 'generic-secret': 'log' });
    expect(actionIn('{ profile: strict }')).toEqual({});
    expect(actionIn('{ actions: { generic-secret: block, jwt: log } }')).toEqual({
      'generic-secret': 'block',
      jwt: 'log',
    });
  });

  it('has numbers of persons on only where it says so', () => {
    const on = (Object.keys(PROFILES) as ProfileName[]).filter((name) =>
      PROFILES[name].detectors.some((id) => id === 'us-ssn'),
    );
    expect(on).toEqual(['personal']);
  });

  it('off searches for nothing but the secrets of the spec', () => {
    expect(bottleOf('version: 1\ndlp: { profile: off }').dlp.detectors).toEqual([]);
  });
});

describe('what bottle show prints', () => {
  it.each(['{ profile: finance, actions: { jwt: log } }', '{ profile: off }', '{ detectors: [jwt, generic-secret] }'])(
    'of dlp: %s, read again, means the same',
    (dlp) => {
      const bottle = bottleOf(
        `version: 1\ndlp: ${dlp}\negress: { allow: [{ host: a.example, dlp: { actions: { iban: redact } } }] }`,
      );
      const text = renderBottle(bottle);
      for (const id of bottle.dlp.detectors) expect(text).toContain(id);
      expect(bottleOf(text)).toEqual(bottle);
    },
  );
});

describe('actions', () => {
  it('of an entry win over those of the spec', () => {
    const [route] = compileRoutes(
      bottleOf(
        'version: 1\ndlp: { actions: { jwt: log, iban: log } }\negress: { allow: [{ host: a.example, dlp: { actions: { jwt: block } } }] }',
      ),
      { source: '' },
    ).routes;
    expect(route?.dlp.actions).toMatchObject({ jwt: 'block', iban: 'log' });
  });

  it.each([
    ['{ actions: { known-secret: log } }', 'known-secret has an action'],
    ['{ actions: { placeholder: log } }', 'placeholder has an action'],
    ['{ actions: { jtw: log } }', 'did you mean "jwt"'],
    ['{ profile: strcit }', 'strict'],
  ])('%s are refused', (dlp, why) => {
    expect(() => bottleOf(`version: 1\ndlp: ${dlp}`)).toThrow(why);
    if (dlp.includes('actions')) {
      expect(() => bottleOf(`version: 1\negress: { allow: [{ host: a.example, dlp: ${dlp} }] }`)).toThrow(why);
    }
  });
});

describe('a baseline', () => {
  const read = (text: string) =>
    bottleOf(
      'version: 1\ndlp: { baseline: ./approved.txt }\negress: { allow: [a.example, b.example, "*.c.example"] }',
      {
        '/specs/approved.txt': text,
      },
    ).egress.allow.map(({ dlp }) => dlp.except);

  it('approves a finding of one detector for one host', () => {
    expect(read(`# looked at in June\n\n${FINGERPRINT} jwt a.example # a public one\n`)).toEqual([
      [`jwt:${FINGERPRINT}`],
      [],
      [],
    ]);
    expect(read(`${FINGERPRINT} jwt *.c.example`)).toEqual([[], [], [`jwt:${FINGERPRINT}`]]);
  });

  it.each([
    [`${FINGERPRINT} known-secret a.example`, 'approved.txt:1 approves known-secret'],
    [`\n${FINGERPRINT} jtw a.example`, 'approved.txt:2 names "jtw"'],
    ['0123 jwt a.example', 'does not begin with a fingerprint'],
    [`${FINGERPRINT} jwt`, 'is not FINGERPRINT DETECTOR HOST'],
    [`${FINGERPRINT} jwt a.example b.example`, 'is not FINGERPRINT DETECTOR HOST'],
  ])('with %j is refused, with its line', (text, why) => {
    expect(() => read(text)).toThrow(why);
  });

  it('that is not there is refused', () => {
    expect(() => bottleOf('version: 1\ndlp: { baseline: ./nowhere.txt }')).toThrow('cannot be read');
  });
});
