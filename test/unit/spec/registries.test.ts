import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { iniValue, machineRegistries } from '../../../src/spec/registries.ts';

describe('a value of an ini file', () => {
  it.each([
    ['registry=https://a.example/', null, 'https://a.example/'],
    ['  registry = "https://a.example/"  ', null, 'https://a.example/'],
    [
      '# registry=https://no.example\n; registry=https://no.example\nregistry=https://a.example',
      null,
      'https://a.example',
    ],
    ['@scope:registry=https://no.example\n//a.example/:registry=x', null, null],
    ['registry=https://a.example\nregistry=https://b.example', null, 'https://b.example'],
    ['[global]\nregistry = https://g.example\n[install]\nregistry = https://i.example', 'install', 'https://i.example'],
    ['[global]\nregistry = https://g.example', 'install', null],
    ['registry=', null, null],
  ])('%j in section %s is %s', (text, section, value) => {
    expect(iniValue(text, section, 'registry')).toBe(value);
  });

  it('takes index_url for index-url, as pip does', () => {
    expect(iniValue('[global]\nindex_url = https://a.example/simple', 'global', 'index-url')).toBe(
      'https://a.example/simple',
    );
  });
});

describe("the machine's registries", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'registries-'));
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  const program = (name: string, script: string) => {
    mkdirSync(join(home, 'bin'), { recursive: true });
    writeFileSync(join(home, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  const env = (given: Record<string, string> = {}) => ({ PATH: `${join(home, 'bin')}:/usr/bin:/bin`, ...given });

  it("come from npm's variable, in any case, before its file", () => {
    writeFileSync(join(home, '.npmrc'), 'registry=https://file.example/\n');
    expect(
      machineRegistries(env({ NPM_CONFIG_REGISTRY: 'https://variable.example/' }), home).registryOf('npm'),
    ).toEqual({ url: 'https://variable.example/', isConfigured: true });
    expect(machineRegistries(env(), home).registryOf('npm')).toEqual({
      url: 'https://file.example/',
      isConfigured: true,
    });
  });

  it('leave out credentials, and what is no web address', () => {
    const password = 'p'.repeat(12);
    const { registryOf } = machineRegistries(
      env({ npm_config_registry: `https://me:${password}@a.example/npm/?x=1#y` }),
      home,
    );
    expect(registryOf('npm')).toEqual({ url: 'https://a.example/npm/', isConfigured: true });
    expect(machineRegistries(env({ npm_config_registry: 'file:///etc' }), home).registryOf('npm')).toBeNull();
    expect(machineRegistries(env({ npm_config_registry: 'nonsense' }), home).registryOf('npm')).toBeNull();
  });

  it('are asked of npm when nothing is configured, once', () => {
    const asked = join(home, 'asked');
    program('npm', `pwd >> ${asked}\necho registry = https://default.example/\necho globalconfig = ${home}/none`);
    const given = env({ XDG_CACHE_HOME: join(home, 'cache') });
    expect(machineRegistries(given, home).registryOf('npm')).toEqual({
      url: 'https://default.example/',
      isConfigured: false,
    });
    program('npm', 'exit 1');
    writeFileSync(join(home, 'cache', 'bottle', 'npm-registry.json'), 'damaged');
    expect(machineRegistries(given, home).registryOf('npm')).toBeNull();
  });

  it("never come from a project's own file", () => {
    const asked = join(home, 'asked');
    program('npm', `pwd > ${asked}; echo registry = https://default.example/`);
    machineRegistries(env({ XDG_CACHE_HOME: join(home, 'cache') }), home).registryOf('npm');
    expect(readFileSync(asked, 'utf8')).toBe('/\n');
  });

  it("come from pip's variable, its files, or its help", () => {
    expect(
      machineRegistries(env({ PIP_INDEX_URL: 'https://variable.example/simple' }), home).registryOf('pip')?.url,
    ).toBe('https://variable.example/simple');
    mkdirSync(join(home, '.config', 'pip'), { recursive: true });
    writeFileSync(join(home, '.config', 'pip', 'pip.conf'), '[global]\nindex-url = https://file.example/simple\n');
    expect(machineRegistries(env(), home).registryOf('pip')?.url).toBe('https://file.example/simple');
    rmSync(join(home, '.config'), { recursive: true });
    program(
      'pip3',
      "printf '  -i, --index-url <url>  Base URL of the index\\n     (default\\n    https://default.example/simple). More.\\n'",
    );
    expect(machineRegistries(env({ XDG_CACHE_HOME: join(home, 'cache') }), home).registryOf('pip')).toEqual({
      url: 'https://default.example/simple',
      isConfigured: false,
    });
  });
});
