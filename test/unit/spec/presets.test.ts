import { describe, expect, it } from 'vitest';
import type { AllowEntry, Bottle } from '../../../src/spec/bottle.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { builtInNames } from '../../../src/spec/presets/built-in.ts';
import { findPreset } from '../../../src/spec/presets/find.ts';
import { exampleValues } from '../../../src/spec/presets/parameters.ts';
import { makePresetCheck, type Preset, readPreset } from '../../../src/spec/presets/read-preset.ts';
import type { Registry } from '../../../src/spec/registries.ts';
import type { SpecUse } from '../../../src/spec/schema.ts';
import { surroundings } from './surroundings.ts';

function bottleOf(
  use: readonly SpecUse[],
  secrets: readonly string[],
  registry: Registry | null = null,
  rest = '',
): Bottle {
  const text = `version: 1
secrets: { ${secrets.map((name) => `${name}: { env: ${name} }`).join(', ')} }
egress: { use: ${JSON.stringify(use)} }
${rest}`;
  const parsed = parseSpec(text, 'x.yaml', surroundings({ registries: { registryOf: () => registry } }));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.bottle;
}

const NPM: Registry = { url: 'https://packages.example/npm/', isConfigured: true };

const checkShape = makePresetCheck();

function presetOf(name: string): Preset {
  const found = findPreset(name, 'x.yaml', surroundings());
  if ('words' in found) throw new Error(found.words.what);
  const { preset, problems } = readPreset(found, checkShape);
  if (preset === null) throw new Error(JSON.stringify(problems));
  return preset;
}

/** With examples for what cannot be left out. */
function told({ name, parameters }: Preset): SpecUse {
  const values = exampleValues(parameters);
  const needed = Object.entries(parameters).filter(
    ([, one]) => !one.optional && !one.from && one.default === undefined,
  );
  return needed.length === 0
    ? name
    : { [name]: Object.fromEntries(needed.map(([key]) => [key, values.get(key) ?? ''])) };
}

function allows({ rules }: Pick<AllowEntry, 'rules'>, method: string, path: string): boolean {
  return rules.some(({ methods, paths }) => (methods?.includes(method) ?? true) && (paths?.includes(path) ?? true));
}

describe('presets', () => {
  it.each(builtInNames())('%s fits the schema of presets, and is a right spec with and without its secrets', (name) => {
    const preset = presetOf(name);
    const roles = [...preset.roles].flatMap(([role, others]) => [role, ...others]);
    for (const secrets of [roles, [...preset.roles.keys()], ...(preset.needsSecret ? [] : [[]])]) {
      const { egress } = bottleOf([told(preset)], secrets, NPM);
      expect(egress.allow.length).toBeGreaterThan(0);
      for (const [index, entry] of egress.allow.entries()) {
        expect(entry.id).toBe(`use.${name}.${index}`);
        expect(entry.scheme).toBe('https');
        expect(roles.length === 0 || entry.auth === null || secrets.length > 0).toBe(true);
      }
    }
  });

  it('of model APIs redact findings, answer in the form of that API, and allow named calls only', () => {
    const { egress } = bottleOf(
      ['anthropic', 'openai', 'google-ai'],
      ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY'],
    );
    expect(egress.allow.map(({ errorShape, dlp }) => [errorShape, dlp.onMatch])).toEqual([
      ['anthropic', 'redact'],
      ['openai', 'redact'],
      ['google', 'redact'],
    ]);
    expect(egress.allow[0] && allows(egress.allow[0], 'POST', '/v1/messages')).toBe(true);
    for (const entry of egress.allow) {
      expect(allows(entry, 'POST', '/v1/files')).toBe(false);
      expect(entry.rules.every(({ methods, paths }) => methods !== null && paths !== null)).toBe(true);
    }
  });

  it.each([
    [['ANTHROPIC_API_KEY'], { type: 'header', name: 'x-api-key', secret: 'ANTHROPIC_API_KEY', template: '{secret}' }],
    [['CLAUDE_CODE_OAUTH_TOKEN'], { type: 'bearer', secret: 'CLAUDE_CODE_OAUTH_TOKEN' }],
    [
      ['CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_API_KEY'],
      { type: 'header', name: 'x-api-key', secret: 'ANTHROPIC_API_KEY', template: '{secret}' },
    ],
  ])('anthropic with the secrets %s adds the credential that Claude Code would use', (secrets, auth) => {
    expect(bottleOf(['anthropic'], secrets).egress.allow[0]?.auth).toEqual(auth);
  });

  it('github-read lets nobody write, and works without a token', () => {
    const { allow } = bottleOf(['github-read'], []).egress;
    expect(allow.every(({ auth }) => auth === null)).toBe(true);
    expect(allow.flatMap(({ graphql }) => graphql ?? [])).toEqual([{ query: ['*'], mutation: [], subscription: [] }]);
    const posts = allow
      .flatMap(({ rules }) => rules)
      .filter(
        ({ methods }) => methods === null || methods.some((method) => !['GET', 'HEAD', 'OPTIONS'].includes(method)),
      );
    expect(posts.map(({ methods, paths }) => `${methods} ${paths}`)).toEqual([
      'POST /graphql',
      'POST /*/*/git-upload-pack',
    ]);
  });

  it('github adds the token in the form that each host wants', () => {
    const { allow } = bottleOf(['github'], ['GH_TOKEN']).egress;
    const authOf = (host: string) => allow.find((entry) => entry.host === host)?.auth;
    expect(authOf('api.github.com')).toEqual({ type: 'bearer', secret: 'GH_TOKEN' });
    expect(authOf('github.com')).toEqual({ type: 'basic', secret: 'GH_TOKEN', username: 'x-access-token' });
    expect(authOf('objects.githubusercontent.com')).toBeNull();
  });

  it.each([
    [
      { url: 'https://packages.example/npm/', isConfigured: true },
      { host: 'packages.example', ports: [443], scheme: 'https', allowPrivate: true },
      '/npm/**',
    ],
    [
      { url: 'https://registry.example/', isConfigured: false },
      { host: 'registry.example', ports: [443], scheme: 'https', allowPrivate: false },
      '/**',
    ],
    [
      { url: 'http://10.1.2.3:4873/a/b', isConfigured: true },
      { host: '10.1.2.3', ports: [4873], scheme: 'http', allowPrivate: true },
      '/a/b/**',
    ],
    [
      { url: 'http://[fd00::1]:4873/', isConfigured: true },
      { host: 'fd00::1', ports: [4873], scheme: 'http', allowPrivate: true },
      '/**',
    ],
  ])('npm takes host, port and folder from the registry %j', (registry, expected, path) => {
    const { egress, agent } = bottleOf(['npm'], [], registry);
    expect(egress.allow).toHaveLength(1);
    expect(egress.allow[0]).toMatchObject({
      ...expected,
      auth: null,
      rules: [{ methods: ['GET', 'HEAD'], paths: [path] }],
    });
    expect(agent.env.npm_config_registry).toBe(registry.url);
  });

  it('pypi reads the index and the files beside it', () => {
    const { egress, agent } = bottleOf(['pypi'], [], {
      url: 'https://packages.example/repository/python/simple/',
      isConfigured: true,
    });
    expect(egress.allow[0]?.rules[0]?.paths).toEqual(['/repository/python/**']);
    expect(agent.env.PIP_INDEX_URL).toBe('https://packages.example/repository/python/simple/');
  });

  it("give way to the spec's own variables, and to its secrets", () => {
    expect(bottleOf(['npm'], [], NPM, 'agent: { env: { npm_config_audit: "true" } }').agent.env.npm_config_audit).toBe(
      'true',
    );
    expect(bottleOf(['npm'], ['npm_config_fund'], NPM).agent.env).not.toHaveProperty('npm_config_fund');
  });

  it('count once however often they are asked for', () => {
    expect(bottleOf(['github-read', 'github-read'], []).egress.allow).toHaveLength(7);
  });

  it('may be narrowed by deny', () => {
    expect(bottleOf(['github-read', 'npm'], [], NPM).egress.allow).toHaveLength(8);
    const text = 'version: 1\negress: { use: [github-read], deny: [raw.githubusercontent.com] }';
    expect(parseSpec(text, 'x.yaml', surroundings()).ok).toBe(true);
  });
});
