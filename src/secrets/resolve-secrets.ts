// Takes the values of a spec's secrets from where the spec says: a variable, a file, or a command. All that fail are named at once.
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import type { SecretSource } from '../spec/bottle.ts';
import { Secret } from './secret.ts';

export interface SecretSurroundings {
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path of the spec: commands run in its directory. */
  readonly specFile: string;
}

export interface ResolvedSecrets {
  readonly secrets: ReadonlyMap<string, Secret>;
  /** What a person should know, without any value. */
  readonly warnings: readonly string[];
}

/** A command that asks a person (a password store, say) gets time to be answered. */
const COMMAND_TIMEOUT_MS = 60_000;
/** Larger is no token, but a wrong path. */
const VALUE_LIMIT_BYTES = 64 * 1024;
/** Shorter values stand in ordinary text by chance. */
const SHORT_CHARACTERS = 8;

class Unresolved extends Error {}

export async function resolveSecrets(
  sources: Readonly<Record<string, SecretSource>>,
  surroundings: SecretSurroundings,
): Promise<ResolvedSecrets> {
  const secrets = new Map<string, Secret>();
  const warnings: string[] = [];
  const failures: string[] = [];
  await Promise.all(
    Object.entries(sources).map(async ([name, source]) => {
      try {
        const found = await readSource(source, surroundings);
        const value = checkValue(found.value);
        secrets.set(name, new Secret(value));
        for (const warning of found.warnings) warnings.push(`secret ${name}: ${warning}`);
        if (value.length < SHORT_CHARACTERS)
          warnings.push(
            `secret ${name}: it is shorter than ${SHORT_CHARACTERS} characters, so ordinary text may look like it`,
          );
      } catch (error) {
        if (!(error instanceof Unresolved)) throw error;
        failures.push(`${name} (${describeSource(source)}): ${error.message}`);
      }
    }),
  );
  if (failures.length > 0) {
    throw new BottleError({
      what: failures.length === 1 ? 'a secret has no value' : `${failures.length} secrets have no value`,
      why: failures.sort().join('; '),
      fix: 'set what is missing and start again; nothing was started',
      exitCode: EXIT.failed,
    });
  }
  return { secrets, warnings };
}

/** `env GITHUB_TOKEN`, `file /home/me/token`, `command pass show token`: for people; never a value. */
export function describeSource(source: SecretSource): string {
  switch (source.kind) {
    case 'env':
      return `env ${source.env}`;
    case 'file':
      return `file ${source.file}`;
    case 'cmd':
      return `command ${source.cmd.join(' ')}`;
    default:
      return source satisfies never;
  }
}

interface Found {
  readonly value: string;
  readonly warnings: readonly string[];
}

async function readSource(source: SecretSource, surroundings: SecretSurroundings): Promise<Found> {
  switch (source.kind) {
    case 'env':
      return readVariable(source.env, surroundings.env);
    case 'file':
      return readSecretFile(source.file);
    case 'cmd':
      return runCommand(source.cmd, COMMAND_TIMEOUT_MS, surroundings);
    default:
      return source satisfies never;
  }
}

function readVariable(variable: string, env: NodeJS.ProcessEnv): Found {
  const value = env[variable];
  if (value === undefined) throw new Unresolved('the variable is not set');
  return { value, warnings: [] };
}

async function readSecretFile(path: string): Promise<Found> {
  try {
    const { mode, size } = await stat(path);
    if (size > VALUE_LIMIT_BYTES) throw new Unresolved(`the file is larger than ${VALUE_LIMIT_BYTES} bytes`);
    if ((mode & 0o002) !== 0) throw new Unresolved('everybody on this machine may write the file; run chmod 600 on it');
    const warnings = (mode & 0o004) !== 0 ? [`everybody on this machine may read ${path}; run chmod 600 on it`] : [];
    return { value: trimNewline(await readFile(path, 'utf8')), warnings };
  } catch (error) {
    if (error instanceof Unresolved) throw error;
    throw new Unresolved(`the file cannot be read (${errorCode(error)})`);
  }
}

async function runCommand(
  argv: readonly string[],
  timeoutMs: number,
  surroundings: SecretSurroundings,
): Promise<Found> {
  const [command, ...args] = argv;
  if (command === undefined) throw new Unresolved('the command is empty');
  const { execa } = await import('execa');
  const result = await execa(command, args, {
    cwd: dirname(surroundings.specFile),
    env: surroundings.env,
    extendEnv: false,
    // A password store may ask at the terminal; what is piped to us is for the agent.
    stdin: process.stdin.isTTY ? 'inherit' : 'ignore',
    stderr: 'inherit',
    timeout: timeoutMs,
    maxBuffer: VALUE_LIMIT_BYTES,
    reject: false,
    stripFinalNewline: false,
  });
  if (result.timedOut) throw new Unresolved(`the command gave nothing within ${timeoutMs / 1000} s`);
  if (result.isMaxBuffer) throw new Unresolved(`the command printed more than ${VALUE_LIMIT_BYTES} bytes`);
  if (result.exitCode === undefined)
    throw new Unresolved(`the command did not run (${result.code ?? result.signal ?? 'unknown'})`);
  if (result.failed) throw new Unresolved(`the command ended with exit code ${result.exitCode}`);
  return { value: trimNewline(result.stdout), warnings: [] };
}

function checkValue(value: string): string {
  if (value.trim() === '') throw new Unresolved('the value is empty');
  // A line break inside would end a header field; a NUL would cut one.
  if (/[\0\r\n]/.test(value)) throw new Unresolved('the value has more than one line; a credential is one line');
  return value;
}

function trimNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
