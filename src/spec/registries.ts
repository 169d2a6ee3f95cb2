// Where the package tools of this machine fetch from: their variables, their user configuration, else the tools themselves are asked.
//
// A configuration file of the current project is not read: an agent may have written it.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export type Tool = 'npm' | 'pip';

/** Where the machine's own package tools fetch from. Our sources name no registry: the tools know theirs. */
export interface Registries {
  /** null when the tool's configuration cannot be found. */
  registryOf(tool: Tool): Registry | null;
}

export interface Registry {
  readonly url: string;
  /** Somebody configured it on this machine; otherwise it is the tool's default. */
  readonly isConfigured: boolean;
}

const ASK_TIMEOUT_MS = 20_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Looks nothing up before it is asked. */
export function machineRegistries(env: Environment, home: string): Registries {
  return {
    registryOf(tool) {
      const configured = tool === 'npm' ? npmConfigured(env, home) : pipConfigured(env, home);
      if (configured !== null) return registry(configured, true);
      return tool === 'npm' ? askNpm(env, home) : askPip(env, home);
    },
  };
}

/** Credentials in the URL are left out: the agent gets to see it. */
function registry(text: string, isConfigured: boolean): Registry | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return { url: url.href, isConfigured };
}

function npmConfigured(env: Environment, home: string): string | null {
  // npm reads these in any case.
  const variable = (name: string) =>
    Object.entries(env).find(([key, value]) => key.toLowerCase() === name && value !== undefined && value !== '')?.[1];
  return (
    variable('npm_config_registry') ?? npmrcRegistry(variable('npm_config_userconfig') ?? join(home, '.npmrc'), env)
  );
}

function npmrcRegistry(path: string, env: Environment): string | null {
  const value = iniValue(textOf(path), null, 'registry');
  return value === null ? null : value.replace(/\$\{([^}]+)\}/g, (written, name: string) => env[name] ?? written);
}

function pipConfigured(env: Environment, home: string): string | null {
  if (env.PIP_INDEX_URL) return env.PIP_INDEX_URL;
  const files = [
    ...(env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'pip', 'pip.conf'),
    join(home, '.pip', 'pip.conf'),
    '/etc/pip.conf',
    '/etc/xdg/pip/pip.conf',
  ];
  for (const file of files) {
    const text = textOf(file);
    const value = iniValue(text, 'install', 'index-url') ?? iniValue(text, 'global', 'index-url');
    if (value !== null) return value;
  }
  return null;
}

/** The last `key = value` of a section (null: before any section). `index_url` is the same key as `index-url`. */
export function iniValue(text: string, section: string | null, key: string): string | null {
  let current: string | null = null;
  let found: string | null = null;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[([^\]]+)\]\s*$/.exec(line);
    if (heading) current = heading[1] ?? null;
    const pair = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (current !== section || pair?.[1]?.replaceAll('_', '-') !== key) continue;
    found = pair[2]?.replace(/^(["'])(.*)\1$/, '$2') || null;
  }
  return found;
}

function askNpm(env: Environment, home: string): Registry | null {
  return asked('npm', env, home, (program) => {
    const told = run(program, ['config', 'get', 'registry', 'globalconfig'], env);
    const lines = new Map(
      told.split('\n').map((line) => [line.split('=')[0]?.trim(), line.split('=').slice(1).join('=').trim()]),
    );
    const url = lines.get('registry') ?? '';
    return registry(url, iniValue(textOf(lines.get('globalconfig') ?? ''), null, 'registry') !== null);
  });
}

function askPip(env: Environment, home: string): Registry | null {
  return asked('pip', env, home, (program) => {
    const help = run(program, ['install', '--help'], env).replace(/\s+/g, ' ');
    return registry(/--index-url <url>[^<]*?\(default (https?:\/\/[^\s)]+)\)/.exec(help)?.[1] ?? '', false);
  });
}

/** Asking takes a good part of a second, so the answer is kept until the program changes, for a day at most. */
function asked(tool: Tool, env: Environment, home: string, ask: (program: string) => Registry | null): Registry | null {
  const program = findProgram(tool === 'npm' ? ['npm'] : ['pip3', 'pip'], env);
  if (program === null) return null;
  const real = realpathSync(program);
  const day = new Date().toISOString().slice(0, 10);
  const key = `${real} ${statSync(real).mtimeMs} ${day}`;
  const file = join(env.XDG_CACHE_HOME || join(home, '.cache'), 'bottle', `${tool}-registry.json`);
  const kept = readKept(file);
  if (kept?.key === key) return registry(kept.url, kept.isConfigured);
  const answer = ask(program);
  if (answer !== null) keep(file, JSON.stringify({ key, ...answer }));
  return answer;
}

function readKept(file: string): (Registry & { readonly key: string }) | null {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof kept !== 'object' || kept === null) return null;
    const { key, url, isConfigured } = kept as Partial<Record<string, unknown>>; // checked on the next line
    return typeof key === 'string' && typeof url === 'string' && typeof isConfigured === 'boolean'
      ? { key, url, isConfigured }
      : null;
  } catch {
    // None yet, or damaged: the tool is asked again.
    return null;
  }
}

function keep(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } catch {
    // A home that cannot be written costs the time of asking, nothing else.
  }
}

function run(program: string, args: readonly string[], env: Environment): string {
  // In the root directory, so that no project's configuration has a say.
  const { stdout } = spawnSync(program, args, {
    cwd: '/',
    env,
    encoding: 'utf8',
    timeout: ASK_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return stdout ?? '';
}

function findProgram(names: readonly string[], env: Environment): string | null {
  const directories = [
    ...(env.PATH ?? '').split(delimiter).filter((directory) => directory.startsWith('/')),
    dirname(process.execPath),
  ];
  for (const name of names) {
    for (const directory of directories) {
      const path = join(directory, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this directory.
      }
    }
  }
  return null;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A configuration file that is not there, or not for us to read, configures nothing.
    return '';
  }
}
