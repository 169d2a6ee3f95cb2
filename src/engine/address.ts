// Decides which engine is meant: --host, DOCKER_HOST, the Docker context, else the default socket. Pure.
import { BottleError, EXIT } from '../report/bottle-error.ts';

export type EngineAddress =
  | { readonly kind: 'unix'; readonly path: string; readonly source: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly source: string };

export interface EngineSettings {
  /** `--host` */
  readonly flag: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of the Docker configuration file; undefined when there is none. */
  readonly config: string | undefined;
  /** Text of every context's meta.json. */
  readonly contexts: readonly string[];
}

const DEFAULT_SOCKET = '/var/run/docker.sock';
const FIX = 'start Docker or set DOCKER_HOST to an engine of this machine, like unix:///var/run/docker.sock';

export function chooseEngine(settings: EngineSettings): EngineAddress {
  if (settings.flag !== undefined) return parseEngineUrl(settings.flag, '--host');
  const host = settings.env.DOCKER_HOST;
  if (host !== undefined && host !== '') return parseEngineUrl(host, 'DOCKER_HOST');
  const context = settings.env.DOCKER_CONTEXT || currentContext(settings.config);
  if (context !== undefined && context !== 'default') {
    return parseEngineUrl(contextEndpoint(context, settings.contexts), `the Docker context "${context}"`);
  }
  return { kind: 'unix', path: DEFAULT_SOCKET, source: 'the default socket' };
}

export function parseEngineUrl(url: string, source: string): EngineAddress {
  if (url.startsWith('unix://')) return { kind: 'unix', path: url.slice('unix://'.length), source };
  if (url.startsWith('/')) return { kind: 'unix', path: url, source };
  if (url.startsWith('ssh://')) throw notYet(url, source, 'an engine over ssh');
  const tcp = /^(?:tcp|http):\/\/(\[[0-9a-f:]+\]|[^:/]+)(?::(\d+))?\/?$/i.exec(url);
  if (tcp === null) {
    throw new BottleError({
      what: `${source} names no engine: "${url}"`,
      why: 'an address is unix:///PATH or tcp://127.0.0.1:PORT',
      fix: FIX,
      exitCode: EXIT.input,
    });
  }
  const host = (tcp[1] ?? '').replace(/^\[|\]$/g, '');
  if (!isLoopback(host)) throw notYet(url, source, 'an engine on another machine');
  return { kind: 'tcp', host, port: Number(tcp[2] ?? 2375), source };
}

/** `unix:///var/run/docker.sock`, as DOCKER_HOST would have it. */
export function formatEngine(address: EngineAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  return `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function notYet(url: string, source: string, what: string): BottleError {
  return new BottleError({
    what: `${source} names "${url}"`,
    why: `${what} is not supported yet: the workspace and the log are mounted from this machine`,
    fix: FIX,
    exitCode: EXIT.input,
  });
}

function currentContext(config: string | undefined): string | undefined {
  if (config === undefined) return undefined;
  const parsed = parseObject(config, 'the Docker configuration');
  return typeof parsed.currentContext === 'string' && parsed.currentContext !== '' ? parsed.currentContext : undefined;
}

function contextEndpoint(name: string, contexts: readonly string[]): string {
  for (const text of contexts) {
    const meta = parseObject(text, 'a Docker context');
    if (meta.Name !== name) continue;
    const host = property(property(meta.Endpoints, 'docker'), 'Host');
    if (typeof host === 'string') return host;
  }
  throw new BottleError({
    what: `there is no Docker context "${name}"`,
    why: 'the Docker configuration or DOCKER_CONTEXT names it, but it is not stored',
    fix: 'run docker context use default, or set DOCKER_HOST',
    exitCode: EXIT.input,
  });
}

function parseObject(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>; // checked
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BottleError({
    what: `${what} is damaged`,
    why: 'it is not a JSON object',
    fix: 'mend or remove it',
    exitCode: EXIT.input,
  });
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
