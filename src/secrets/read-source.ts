// Reads one secret from where its spec says: a variable, a file, a command, a store of secrets; and picks the part that is the value.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SecretSource } from '../spec/bottle.ts';
import { storeCommand } from './store-command.ts';
import { Unresolved } from './unresolved.ts';

export interface SecretSurroundings {
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path of the spec: commands run in its directory. */
  readonly specFile: string;
  /** Whether a command may ask the person at the terminal: not while an agent has it. */
  readonly mayAsk?: boolean;
  /** PEM text: what the certificates of token endpoints are verified against. */
  readonly roots: string;
  /** A value that a service has just refused: where another one can be had, that is wanted. */
  readonly refused?: string;
  /** Ends a command that still runs. */
  readonly signal?: AbortSignal;
}

/** A command that asks a person (a password store, say) gets time to be answered. */
const COMMAND_TIMEOUT_MS = 60_000;
/** Larger is no token, but a wrong path. */
const VALUE_LIMIT_BYTES = 64 * 1024;
/** A file or an answer of which only a part is the value. */
const TEXT_LIMIT_BYTES = 1024 * 1024;
/** RFC 7468; what tools write beside the blocks is none of our business. */
const PEM = /^-----BEGIN [A-Z0-9 ]+-----\r?$.*^-----END [A-Z0-9 ]+-----/ms;
const OTHERS_MAY_READ = 0o004;
const OTHERS_MAY_WRITE = 0o002;

export interface Reading {
  readonly value: string;
  /** How long it is good for, in ms; null = nobody says. */
  readonly lifeMs: number | null;
  /** Another secret that got a new value by this reading. */
  readonly rotated: { readonly name: string; readonly value: string } | null;
}

/** Throws Unresolved. `inputOf`: the value of another secret, which may throw the same. */
export async function readSecret(
  source: SecretSource,
  around: SecretSurroundings,
  inputOf: (name: string) => string,
): Promise<Reading> {
  if (source.kind !== 'token') return { value: await readSource(source, around), lifeMs: null, rotated: null };
  const { roots, signal, refused = null } = around;
  const readKey = (path: string) => readSecretFile(path, VALUE_LIMIT_BYTES);
  const { issueToken } = await import('./issue-token.ts');
  const issued = await issueToken(source.issuer, { inputOf, readKey, roots, signal, refused, now: new Date() });
  return { ...issued, value: checkValue(issued.value) };
}

async function readSource(source: Still, around: SecretSurroundings): Promise<string> {
  const pick = source.pick ?? null;
  const text = await readOrigin(source, pick === null ? VALUE_LIMIT_BYTES : TEXT_LIMIT_BYTES, around);
  if (pick === null) return checkValue(text);
  const { NotPicked, pickField } = await import('./pick-field.ts');
  try {
    return checkValue(pickField(text, pick));
  } catch (error) {
    if (error instanceof NotPicked) throw new Unresolved(`as ${pick.format}, ${error.message}`);
    throw error;
  }
}

/** How long what a command printed may still be on its way once it has ended, in ms. */
const AFTER_EXIT_MS = 500;

/** What gives the same to everybody who reads it. */
type Still = Exclude<SecretSource, { readonly kind: 'token' }>;

async function readOrigin(origin: Still, limitBytes: number, around: SecretSurroundings): Promise<string> {
  switch (origin.kind) {
    case 'env':
      return readVariable(origin.env, around.env);
    case 'file':
      return readSecretFile(origin.file, limitBytes);
    case 'cmd':
      return runCommand(origin.cmd, origin.timeoutMs ?? COMMAND_TIMEOUT_MS, limitBytes, around);
    case 'store':
      return runCommand(
        storeCommand(origin.store, process.platform),
        origin.timeoutMs ?? COMMAND_TIMEOUT_MS,
        limitBytes,
        around,
      );
    default:
      return origin satisfies never;
  }
}

function readVariable(variable: string, env: NodeJS.ProcessEnv): string {
  const value = env[variable];
  if (value === undefined) throw new Unresolved('the variable is not set');
  return value;
}

/** Judged and read through one descriptor, so that what is judged is what is read. */
async function readSecretFile(path: string, limitBytes: number): Promise<string> {
  try {
    // A named pipe without a writer would never open.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { mode, size, isFile } = await stated(file);
    if (!isFile) throw new Unresolved('it is not a file');
    if (size > limitBytes) throw new Unresolved(`the file is larger than ${limitBytes} bytes`);
    if ((mode & OTHERS_MAY_WRITE) !== 0)
      throw new Unresolved('everybody on this machine may write the file; run chmod 600 on it');
    if ((mode & OTHERS_MAY_READ) !== 0)
      throw new Unresolved('everybody on this machine may read the file; run chmod 600 on it');
    return trimNewline(await file.readFile('utf8'));
  } catch (error) {
    if (error instanceof Unresolved) throw error;
    throw new Unresolved(`the file cannot be read (${errorCode(error)})`);
  }
}

async function stated(file: Awaited<ReturnType<typeof open>>) {
  const stats = await file.stat();
  return { mode: stats.mode, size: stats.size, isFile: stats.isFile() };
}

async function runCommand(
  argv: readonly string[],
  timeoutMs: number,
  limitBytes: number,
  { env, specFile, mayAsk = true, signal }: SecretSurroundings,
): Promise<string> {
  const [command, ...args] = argv;
  if (command === undefined) throw new Unresolved('the command is empty');
  const { execa } = await import('execa');
  const running = execa(command, args, {
    cwd: dirname(specFile),
    env,
    extendEnv: false,
    // A password store may ask at the terminal; what is piped to us is for the agent.
    stdin: mayAsk && process.stdin.isTTY ? 'inherit' : 'ignore',
    stderr: mayAsk ? 'inherit' : 'ignore',
    timeout: timeoutMs,
    // One that ignores a polite signal is ended all the same.
    forceKillAfterDelay: 1000,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    maxBuffer: limitBytes,
    reject: false,
    stripFinalNewline: false,
  });
  // What it started may go on and hold its output open: that is not waited for.
  const child = running.nodeChildProcess;
  child?.once('exit', () => setTimeout(() => child.stdout?.destroy(), AFTER_EXIT_MS).unref());
  const result = await running;
  if (result.isCanceled) throw new Unresolved('the session is over');
  if (result.timedOut) throw new Unresolved(`the command gave nothing within ${timeoutMs / 1000} s`);
  if (result.isMaxBuffer) throw new Unresolved(`the command printed more than ${limitBytes} bytes`);
  if (result.exitCode === undefined)
    throw new Unresolved(`the command did not run (${result.code ?? result.signal ?? 'unknown'})`);
  if (result.failed) throw new Unresolved(`the command ended with exit code ${result.exitCode}`);
  return trimNewline(result.stdout);
}

function checkValue(value: string): string {
  if (value.trim() === '') throw new Unresolved('the value is empty');
  if (value.length > VALUE_LIMIT_BYTES) throw new Unresolved(`the value is larger than ${VALUE_LIMIT_BYTES} bytes`);
  // A line break inside would end a header field; a NUL would cut one. A certificate or its key goes into no message.
  if (/\0/.test(value) || (/[\r\n]/.test(value) && !PEM.test(value)))
    throw new Unresolved('the value has more than one line; a credential is one line');
  return value;
}

function trimNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
