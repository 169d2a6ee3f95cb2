// Runs bin/bottle as a person does, and looks at what it printed.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BOTTLE = fileURLToPath(new URL('../../bin/bottle', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Added to the environment of the test; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly cwd?: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Resolves with all of stdout once it matches; rejects when the process ended before. */
  waitFor(pattern: RegExp): Promise<string>;
}

export function freshDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'bottle-e2e-'));
}

export async function bottle(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return startBottle(args, options).outcome;
}

/** `detached`: in a process group of its own, as a shell does with a job. */
export function startBottle(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(BOTTLE, args, {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', BOTTLE_DEBUG: undefined, ...options.env },
    detached: true,
  });
  child.stdin.on('error', () => {}); // It may end before it has read its input.
  child.stdin.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of looks) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const waitFor = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(stdout)) return;
        looks.delete(look);
        resolve(stdout);
      };
      looks.add(look);
      look();
      outcome.then(() => reject(new Error(`ended before it printed ${pattern}: ${stdout}${stderr}`)), reject);
    });
  return { process: child, outcome, waitFor };
}
