// One container of a session while it lives: its streams, its end, and its removal.
import { createInterface } from 'node:readline';
import { type Duplex, PassThrough } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Role } from '../plan/plan.ts';
import { splitFrames } from './attachment.ts';
import { engineMessage, engineStatus } from './engine-error.ts';

/** Enough for a stack; what a failing program says last is what matters. */
const TAIL_CHARACTERS = 4000;
/** Time for the proxy to end its exchanges and write their records, in ms. */
const STOP_TIMEOUT_MS = 2000;

export type Exit = { readonly kind: 'exited'; readonly code: number } | { readonly kind: 'lost'; readonly why: string };

export class LiveContainer {
  readonly role: Role;
  readonly name: string;
  readonly container: Docker.Container;
  #stream: Duplex | undefined;
  #exit: Promise<Exit> | undefined;
  #lines: AsyncIterator<string> | undefined;
  #tail = '';
  #removal: Promise<void> | undefined;

  constructor(role: Role, name: string, container: Docker.Container) {
    this.role = role;
    this.name = name;
    this.container = container;
  }

  async attach(): Promise<void> {
    const stdin = this.role === 'agent' || this.role === 'proxy';
    const stream = await this.container.attach({ stream: true, stdin, stdout: true, stderr: true, hijack: true });
    this.#stream = stream as Duplex; // a hijacked connection is a socket
    if (this.role !== 'agent') this.#readProtocol(this.#stream);
  }

  /** The attached stream: for the agent's session only, which reads it. */
  get stream(): Duplex {
    if (this.#stream === undefined) throw new Error(`${this.role} is not attached`);
    return this.#stream;
  }

  async start(): Promise<void> {
    // Asked before the start: a container that ends at once is removed at once.
    this.#exit = this.#waitForExit();
    await this.container.start();
  }

  /** Resolves when the container has ended, by itself or not. */
  get exit(): Promise<Exit> {
    if (this.#exit === undefined) throw new Error(`${this.role} is not started`);
    return this.#exit;
  }

  send(line: string): void {
    this.stream.write(`${line}\n`);
  }

  /** The next line of our protocol; null when the container ends without one. */
  async nextLine(): Promise<string | null> {
    const next = await this.#lines?.next();
    return next === undefined || next.done ? null : next.value;
  }

  /** The end of what it wrote on stderr. */
  get stderrTail(): string {
    return this.#tail;
  }

  /** Ends and removes it, with its anonymous volumes; resolves when the engine no longer knows it. Once, however often called. */
  remove(): Promise<void> {
    this.#removal ??= this.role === 'proxy' ? this.#stopProxy() : this.#removeNow();
    return this.#removal;
  }

  async #waitForExit(): Promise<Exit> {
    try {
      const result: unknown = await this.container.wait({ condition: 'next-exit' });
      const code =
        typeof result === 'object' && result !== null && 'StatusCode' in result ? result.StatusCode : undefined;
      return typeof code === 'number'
        ? { kind: 'exited', code }
        : { kind: 'lost', why: 'the engine gave no exit code' };
    } catch (error) {
      return { kind: 'lost', why: engineMessage(error) };
    }
  }

  #readProtocol(stream: Duplex): void {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS);
    });
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    void splitFrames(stream, stdout, stderr).then(() => {
      stdout.end();
      stderr.end();
    });
  }

  /** In order: it finishes what is open and writes the records; by force when it does not. */
  async #stopProxy(): Promise<void> {
    if (this.#exit !== undefined && this.#stream?.writable) {
      this.#stream.end(`${JSON.stringify({ do: 'stop' })}\n`);
      const patience = new AbortController();
      const late = setTimeout(STOP_TIMEOUT_MS, undefined, { signal: patience.signal }).catch(() => undefined);
      await Promise.race([this.#exit, late]);
      patience.abort();
    }
    await this.#removeNow();
  }

  async #removeNow(): Promise<void> {
    // First: the engine (20.10) does not get a container removed while output of it waits to be read, and hangs with it.
    this.#stream?.destroy();
    await removeContainer(this.container);
  }
}

/** Removes a container and its anonymous volumes; fine when it is gone already or going. */
export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    const status = engineStatus(error);
    if (status === 404) return;
    if (status !== 409) throw error;
    // The engine is removing it: it ended and is of the kind that is removed then.
    await container.wait({ condition: 'removed' }).catch((late: unknown) => {
      if (engineStatus(late) !== 404) throw late;
    });
  }
}
