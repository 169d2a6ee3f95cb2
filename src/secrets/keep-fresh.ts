// Keeps a session's secrets fresh: reads those with a time to live again when it is over, and any of them when a service no longer accepts it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlMessage, ProxyEvent } from '../../proxy/src/contract.ts';
import type { SecretSource } from '../spec/bottle.ts';
import { describeSource, readSource, type SecretSurroundings, Unresolved } from './read-source.ts';
import type { Secret } from './secret.ts';

/** An agent that is answered 401 again and again makes us ask a store no more often than this, in ms. */
const LEAST_PAUSE_MS = 10_000;

export interface FreshSecrets {
  /** A line of the proxy; what is no event of a secret is ignored. */
  onLine(line: string): void;
  close(): void;
}

export interface FreshOptions {
  readonly sources: Readonly<Record<string, SecretSource>>;
  readonly current: ReadonlyMap<string, Secret>;
  readonly surroundings: SecretSurroundings;
  readonly tell: (message: ControlMessage) => void;
  /** What a person should know; never a value. The secret stays as it was. */
  readonly onFailure: (text: string) => void;
  readonly leastPauseMs?: number;
}

export function keepFresh(options: FreshOptions): FreshSecrets {
  const { sources, surroundings, tell, onFailure, leastPauseMs = LEAST_PAUSE_MS } = options;
  const values = new Map([...options.current].map(([name, secret]) => [name, secret.reveal()]));
  const ending = new AbortController();
  const { signal } = ending;
  const reading = new Set<string>();
  const readAt = new Map<string, number>();

  const read = async (name: string, source: SecretSource): Promise<void> => {
    // One at a time: whoever asks meanwhile gets what that one brings.
    if (reading.has(name)) return;
    reading.add(name);
    readAt.set(name, performance.now());
    try {
      const value = await readSource(source, { ...surroundings, mayAsk: false, signal });
      if (signal.aborted || values.get(name) === value) return;
      values.set(name, value);
      tell({ do: 'renew', values: [{ name, value }] });
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error;
      if (!signal.aborted) onFailure(`secret ${name} (${describeSource(source)}) was not renewed: ${error.message}`);
    } finally {
      reading.delete(name);
    }
  };

  const readForEver = async (name: string, source: SecretSource, ttlMs: number): Promise<void> => {
    while (!signal.aborted) {
      await sleep(ttlMs, undefined, { signal, ref: false });
      await read(name, source);
    }
  };
  for (const [name, source] of Object.entries(sources)) {
    if (source.ttlMs) readForEver(name, source, source.ttlMs).catch(onEnd);
  }

  return {
    onLine: (line) => {
      const event = parseSecretEvent(line);
      if (event?.event === 'not-renewed') onFailure(`${event.secrets.join(', ')} was not renewed: ${event.why}`);
      if (event?.event !== 'stale') return;
      const source = Object.hasOwn(sources, event.secret) ? sources[event.secret] : undefined;
      // Our own environment does not change.
      if (source === undefined || source.kind === 'env') return;
      if (performance.now() - (readAt.get(event.secret) ?? -Infinity) < leastPauseMs) return;
      read(event.secret, source).catch(onEnd);
    },
    close: () => ending.abort(),
  };

  function onEnd(error: unknown): void {
    // A sleep that was cut short: the session is over.
    if (!signal.aborted) throw error;
  }
}

type SecretEvent = Extract<ProxyEvent, { readonly event: 'stale' | 'renewed' | 'not-renewed' }>;

function parseSecretEvent(line: string): SecretEvent | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('event' in value)) return null;
    // From the same version of the same repository.
    return ['stale', 'renewed', 'not-renewed'].includes(String(value.event)) ? (value as SecretEvent) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
