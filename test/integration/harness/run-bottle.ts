// Runs bottle for tests on a real engine: as a process of its own, with a state directory of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../../proxy/src/contract.ts';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const BOTTLE = join(REPOSITORY, 'bin/bottle');
const DRIVER = join(REPOSITORY, 'test/integration/harness/drive-session.ts');

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Resolves once stdout holds this; rejects when the process ended before. */
  waitFor(text: string): Promise<void>;
  /** stdout until now. */
  soFar(): string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** null keeps stdin open. */
  readonly input?: string | null;
}

/** A place for one test file: specs, workspaces, and a state directory that nobody else uses. */
export class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), 'bottle-test-'));
  readonly state = join(this.directory, 'state');
  #count = 0;

  /** Writes a spec and gives its path; its name is new each time, so that what it leaves can be told apart. */
  spec(lines: string, name = this.newName()): string {
    const file = join(this.directory, `${name}.yaml`);
    writeFileSync(file, `version: 1\nname: ${name}\n${lines}\n`);
    return file;
  }

  newName(): string {
    this.#count += 1;
    return `t${process.pid}-${this.#count}`;
  }

  workspace(files: Readonly<Record<string, string>> = {}): string {
    const path = mkdtempSync(join(this.directory, 'workspace-'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(path, name, '..'), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    return path;
  }

  start(args: readonly string[], options: RunOptions = {}): Running {
    return this.#run(BOTTLE, args, options);
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.start(args, options).outcome;
  }

  /** `bottle ARGS | READER` in a shell. */
  shell(args: readonly string[], reader: string): Promise<Outcome> {
    const words = [BOTTLE, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    return this.#run('bash', ['-c', `${words.join(' ')} | ${reader}`], {}).outcome;
  }

  /** A session with what no spec can ask for: networks and addresses for its sidecar. */
  drive(session: DrivenSession, options: RunOptions = {}): Running {
    return this.#run(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', DRIVER, JSON.stringify(session)],
      options,
    );
  }

  /** A shell script in a terminal of its own. What it shows is `stdout`. */
  terminal(script: string): Running & { type(keys: string): void } {
    const running = this.#run('script', ['--quiet', '--echo', 'never', '--command', script, '/dev/null'], {
      env: { TERM: 'xterm-256color', SHELL: '/bin/bash' },
      input: null,
    });
    return { ...running, type: (keys) => void running.process.stdin?.write(keys) };
  }

  touch(name: string): void {
    writeFileSync(join(this.directory, name), '');
  }

  #run(program: string, args: readonly string[], { env = {}, input = '' }: RunOptions): Running {
    const child = spawn(program, args, {
      env: { ...process.env, BOTTLE_STATE_DIR: this.state, BOTTLE_DEBUG: '1', ...env },
    });
    child.stdin.on('error', () => undefined); // it may end before it has read everything
    if (input !== null) child.stdin.end(input);
    return watch(child);
  }

  /** Audit records of the newest session of a spec's name. */
  records(name: string): readonly AuditRecord[] {
    const id = readdirSync(join(this.state, 'sessions')).find((each) => each.startsWith(`${name}-`));
    if (id === undefined) throw new Error(`no session ${name}`);
    const text = readFileSync(join(this.state, 'sessions', id, 'log/audit.jsonl'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditRecord);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface DrivenSession {
  readonly spec: string;
  readonly command: readonly string[];
  readonly proxyNetworks?: readonly string[];
  readonly proxyHosts?: Readonly<Record<string, string>>;
}

function watch(child: ChildProcess): Running {
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of looks) look();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const waitFor = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!stdout.includes(text)) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      look();
      outcome.then(() => reject(new Error(`ended before it printed "${text}": ${stdout}${stderr}`)), reject);
    });
  return { process: child, outcome, waitFor, soFar: () => stdout };
}
