// Starts the real proxy process on loopback and reads what it wrote: events, records, errors.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { AuditRecord, ControlMessage, FirstEvent, ProxyConfig, ProxyEvent } from '../../../src/contract.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
/** What Node compiled stays, so that the second start is a quick one. */
const COMPILED = fileURLToPath(new URL('../../../../node_modules/.cache/bottle-compiled', import.meta.url));

export interface RunningProxy {
  /** Port of the explicit proxy; 0 when it has none. */
  readonly port: number;
  /** The session CA's certificate, PEM. */
  readonly ca: string;
  readonly startedMs: number;
  readonly auditPath: string;
  readonly directory: string;
  readonly pid: number;
  stderr(): string;
  records(): readonly AuditRecord[];
  /** Waits until the log has that many records, and gives them. */
  recorded(count: number): Promise<readonly AuditRecord[]>;
  /** Everything it said after its first event. */
  events(): readonly ProxyEvent[];
  tell(message: ControlMessage): void;
  stop(): Promise<number | null>;
}

export async function startProxy(makeConfig: (directory: string) => ProxyConfig): Promise<RunningProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'bottle-proxy-'));
  const config = makeConfig(directory);
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED };
  const child = spawn(process.execPath, [MAIN, 'serve'], { stdio: ['pipe', 'pipe', 'pipe'], env });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.write(`${JSON.stringify(config)}\n`);
  const events: ProxyEvent[] = [];
  const event = await firstEvent(child, events);
  if (event.event === 'fatal') {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`the proxy did not start: ${event.what}: ${event.why}; ${event.fix}\n${stderr}`);
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const records = (): readonly AuditRecord[] =>
    readFileSync(config.auditPath, 'utf8')
      .split('\n')
      // Behind the last newline stands nothing, or the beginning of a record that is just being written.
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditRecord);
  return {
    port: Number(event.listening?.split(':').at(-1) ?? 0),
    ca: event.ca,
    startedMs: event.startedMs,
    auditPath: config.auditPath,
    directory,
    pid: child.pid ?? 0,
    stderr: () => stderr,
    records,
    recorded: async (count) => {
      await until(() => records().length >= count, `${count} records`);
      return records();
    },
    events: () => events,
    tell: (message) => {
      child.stdin.write(`${JSON.stringify(message)}\n`);
    },
    stop: async () => {
      child.stdin.end();
      const code = await exited;
      rmSync(directory, { recursive: true, force: true });
      return code;
    },
  };
}

async function firstEvent(child: ChildProcess, later: ProxyEvent[]): Promise<FirstEvent> {
  const lines = createInterface({ input: child.stdout! });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(JSON.parse(line) as FirstEvent);
      lines.on('line', (next) => later.push(JSON.parse(next) as ProxyEvent));
    });
    child.once('exit', (code) => reject(new Error(`the proxy ended with ${code} before it was ready`)));
  });
}

const POLL_MS = 5;
/** Shorter than a test may take, and long: a loaded machine is no failure. */
const GIVE_UP_MS = 25_000;

/** Waits for a condition, never for a time. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
