// Connects to the engine and makes sure that it answers. Imports dockerode only when called.
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { BottleError } from '../report/bottle-error.ts';
import { chooseEngine, type EngineAddress, formatEngine } from './address.ts';
import { loadClient } from './load-client.ts';

export interface Engine {
  readonly docker: Docker;
  readonly address: EngineAddress;
  /** `unix:///var/run/docker.sock` */
  readonly url: string;
}

export interface ConnectOptions {
  /** `--host` */
  readonly host?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

const PING_TIMEOUT_MS = 10_000;

export async function connectEngine(options: ConnectOptions = {}): Promise<Engine> {
  const address = locateEngine(options);
  const DockerClient = await loadClient();
  const docker =
    address.kind === 'unix'
      ? new DockerClient({ socketPath: address.path })
      : new DockerClient({ protocol: 'http', host: address.host, port: address.port });
  try {
    await answerWithin(docker.ping(), PING_TIMEOUT_MS);
  } catch (error) {
    throw unreachable(address, error);
  }
  return { docker, address, url: formatEngine(address) };
}

/** Which engine is meant, without touching it. */
export function locateEngine(options: ConnectOptions = {}): EngineAddress {
  const env = options.env ?? process.env;
  const directory = env.DOCKER_CONFIG || join(homedir(), '.docker');
  return chooseEngine({
    flag: options.host,
    env,
    config: readIfThere(join(directory, 'config.json')),
    contexts: readContexts(join(directory, 'contexts', 'meta')),
  });
}

async function answerWithin(answer: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(address: EngineAddress, error: unknown): BottleError {
  const where = address.kind === 'unix' ? address.path : formatEngine(address);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const because: Record<string, { why: string; fix: string }> = {
    ENOENT: { why: `${where} does not exist`, fix: 'start Docker (npm run engine:start) or set DOCKER_HOST' },
    EACCES: {
      why: `${where} may not be opened by this user`,
      fix: 'add the user to the group "docker" and log in again, or set DOCKER_HOST to an engine of the user',
    },
    ECONNREFUSED: { why: `nobody listens on ${where}`, fix: 'start Docker (npm run engine:start) or set DOCKER_HOST' },
    ENOTSOCK: { why: `${where} is not a socket`, fix: 'set DOCKER_HOST to the socket of an engine' },
  };
  const known = because[code];
  return new BottleError({
    what: `cannot reach Docker (${address.source})`,
    why: known?.why ?? `${where} gave no answer (${error instanceof Error ? error.message : String(error)})`,
    fix: known?.fix ?? 'look whether Docker runs, or set DOCKER_HOST',
    cause: error,
  });
}

function readContexts(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return []; // no context was ever made
  }
  return names.map((name) => readIfThere(join(directory, name, 'meta.json'))).filter((text) => text !== undefined);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw new BottleError({
      what: `cannot read ${path}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'make it readable, or set DOCKER_HOST',
      cause: error,
    });
  }
}
