// Where bottle keeps its state on the host: pure functions from the environment to paths.
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `BOTTLE_STATE_DIR`, or `bottle` below `XDG_STATE_HOME`, or `~/.local/state/bottle`. */
export function stateDir(env: Environment = process.env, home: string = homedir()): string {
  if (env.BOTTLE_STATE_DIR) return resolve(env.BOTTLE_STATE_DIR);
  return join(xdgDir(env.XDG_STATE_HOME, join(home, '.local', 'state')), 'bottle');
}

/** `bottle` below `XDG_DATA_HOME`, or `~/.local/share/bottle`: what was brought along, like a Node. */
export function dataDir(env: Environment = process.env, home: string = homedir()): string {
  return join(xdgDir(env.XDG_DATA_HOME, join(home, '.local', 'share')), 'bottle');
}

/** `bottle` below `XDG_CONFIG_HOME`, or `~/.config/bottle`: what a person keeps for all specs, like presets. */
export function configDir(env: Environment = process.env, home: string = homedir()): string {
  return join(xdgDir(env.XDG_CONFIG_HOME, join(home, '.config')), 'bottle');
}

/** The paths of one session. `logDir` is what the sidecar gets bind-mounted; its parent is 0700. */
export interface SessionPaths {
  readonly dir: string;
  readonly sessionFile: string;
  readonly specFile: string;
  readonly logDir: string;
  readonly auditFile: string;
  /** Socket on which a person decides on held requests; outside of what any container mounts. */
  readonly control: string;
}

export function sessionsDir(state: string): string {
  return join(state, 'sessions');
}

export function sessionPaths(state: string, id: string): SessionPaths {
  const dir = join(sessionsDir(state), id);
  return {
    dir,
    sessionFile: join(dir, 'session.json'),
    specFile: join(dir, 'spec.yaml'),
    logDir: join(dir, 'log'),
    auditFile: join(dir, 'log', 'audit.jsonl'),
    control: join(dir, 'control'),
  };
}

/** Control socket of a proxy that runs alone (`bottle proxy`). */
export function proxyControl(state: string, id: string): string {
  return join(state, 'proxies', id, 'control');
}

/** Log, pid and socket of an engine that we started. */
export function engineDir(state: string): string {
  return join(state, 'engine');
}

/** Per the XDG base directory specification a relative path is invalid and is ignored. */
function xdgDir(value: string | undefined, fallback: string): string {
  return value !== undefined && isAbsolute(value) ? value : fallback;
}
