// What is generated, copied or promised elsewhere must agree with its source.

import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { DETECTOR_IDS } from '../../../proxy/src/contract.ts';
import { DETECTORS } from '../../../proxy/src/dlp/detectors/index.ts';
import { agentEnv } from '../../../src/plan/agent-env.ts';
import { withDefaults } from '../../../src/spec/defaults.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { specOf } from '../../../src/spec/render.ts';
import { isReservedEnv } from '../../../src/spec/reserved-env.ts';
import { schemaFileText } from '../../../src/spec/schema.ts';
import { starterSpec } from '../../../src/spec/starter.ts';
import { surroundings } from './surroundings.ts';

const fileOf = (kind: string) => new URL(`../../../bottles/${kind}.schema.json`, import.meta.url);
const FILE = fileOf('bottle');

interface Part {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly items?: Part;
}

const schema = JSON.parse(readFileSync(FILE, 'utf8')) as Part;

function* propertiesOf(part: Part, path: string): Generator<readonly [string, Part]> {
  for (const [key, child] of Object.entries(part.properties ?? {})) {
    yield [`${path}${key}`, child];
    yield* propertiesOf(child, `${path}${key}.`);
    if (child.items !== undefined) yield* propertiesOf(child.items, `${path}${key}.*.`);
  }
}

it.each(['bottle', 'preset'] as const)(
  '%s.schema.json is what src/spec/schema.ts says; `npm run schema` writes it',
  (kind) => {
    expect(readFileSync(fileOf(kind), 'utf8')).toBe(schemaFileText(kind));
  },
);

describe('bottle.schema.json', () => {
  it('describes every key, for editors', () => {
    const without = [...propertiesOf(schema, '')]
      .filter(([, part]) => part.description === undefined)
      .map(([path]) => path);
    expect(without).toEqual([]);
  });

  it('accepts what `bottle show` prints', () => {
    const parsed = parseSpec(starterSpec(), 'x.yaml', surroundings());
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const validate = new Ajv({ allowUnionTypes: true }).compile(schema);
    expect(validate(specOf(parsed.bottle)), JSON.stringify(validate.errors)).toBe(true);
  });

  it('holds the default of every key that its filled form promises', () => {
    const spec = withDefaults('spec', { version: 1 });
    expect(spec).toEqual({
      version: 1,
      agent: {
        image: null,
        command: [],
        env: {},
        files: {},
        user: null,
        network: 'sealed',
        runtime: 'runc',
        resources: { cpus: 2, memory: '4g', pids: 1024 },
      },
      workspace: { path: null, mode: 'mount', hide: [] },
      secrets: {},
      egress: { mode: 'enforce', use: [], allow: [], deny: [], on_deny: 'block' },
      git: [],
      dlp: {
        on_match: 'block',
        profile: 'default',
        actions: {},
        detectors: null,
        known: [],
        canaries: false,
        workspace: false,
      },
      logs: { dir: null, keep: 50, bodies: 'never' },
    });
    expect(withDefaults('entry', { host: 'a.example' })).toEqual({
      host: 'a.example',
      access: 'full',
      tls: 'inspect',
      dlp: { actions: {}, except: [] },
      allow_private: false,
      source: 'refused',
      error_shape: 'plain',
    });
  });

  it('gives nobody a default to change', () => {
    const first = withDefaults('spec', { version: 1 });
    first.egress.allow.push('a.example');
    expect(withDefaults('spec', { version: 1 }).egress.allow).toEqual([]);
  });
});

describe('what the spec knows of the rest of the program', () => {
  it('are all detectors of the proxy', () => {
    expect([...DETECTOR_IDS].sort()).toEqual(DETECTORS.map(({ id }) => id).sort());
  });

  it('are all variables that the agent gets from bottle', () => {
    const parsed = parseSpec('version: 1', 'x.yaml', surroundings());
    if (!parsed.ok) throw new Error('not read');
    const names = agentEnv(parsed.bottle, { proxyHost: '127.0.0.1', proxyPort: 3128, terminalEnv: {} }).map(
      (line) => line.split('=')[0] ?? '',
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !isReservedEnv(name))).toEqual([]);
  });
});

describe('the spec that `bottle init` writes', () => {
  it('is right as it stands, and lets nothing out', () => {
    const parsed = parseSpec(starterSpec(), 'x.yaml', surroundings());
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    expect(parsed.bottle.egress.allow).toEqual([]);
    expect(parsed.bottle.secrets).toEqual({});
    expect(parsed.bottle.workspace).toMatchObject({ path: '/home/me/src/web-shop', hide: ['.env*', 'x.yaml'] });
  });

  it('is right with its examples in use', () => {
    const text = starterSpec()
      .replace('secrets: {}', 'secrets:\n  EXAMPLE_TOKEN: { env: EXAMPLE_TOKEN }')
      .replace('  use: []', '  use:')
      .replace('  allow: []', '  allow:')
      .replace(/^# {2}(?=ANTHROPIC|GH_)/gm, '  ')
      .replace(/^ {2}# {2}(?=- | {2})/gm, '    ')
      .replace('    - api.example.com                # a host: every request to it\n', '');
    const parsed = parseSpec(text, 'x.yaml', surroundings());
    if (!parsed.ok) throw new Error(`${text}\n${JSON.stringify(parsed.problems, null, 1)}`);
    expect(Object.keys(parsed.bottle.secrets)).toEqual(['EXAMPLE_TOKEN', 'ANTHROPIC_API_KEY', 'GH_TOKEN']);
    expect(parsed.bottle.egress.allow.map(({ host }) => host)).toContain('api.anthropic.com');
    expect(parsed.bottle.egress.allow[0]).toMatchObject({
      host: 'api.example.com',
      auth: { type: 'bearer', secret: 'EXAMPLE_TOKEN' },
    });
  });
});
