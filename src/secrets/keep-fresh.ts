// Keeps a session's secrets fresh: reads those with a time to live again when it is over, and any of them when a service no longer accepts it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlMessage, ProxyEvent } from '../../proxy/src/contract.ts';
import { parseJsonObject } from '../json-object.ts';
import type { SecretSource } from '../spec/bottle.ts';
import { describeSource } from './describe-source.ts';
import { readSecret, type SecretSurroundings } from './read-source.ts';
import { rotationNote } from './resolve-secrets.ts';
import type { Secret } from './secret.ts';
import { Unresolved } from './unresolved.ts';

/** An agent that is answered 401 again and again makes us ask a store no more often than this, in ms. */
const LEAST_PAUSE_MS = 10_000;
/** A token is asked for again when so much of its life is left, or five minutes, whichever is less. */
const MARGIN_SHARE = 0.2;
const MARGIN_MS = 5 * 60_000;
/** After a failure, and for tokens that live for moments only. */
const LEAST_LIFE_MS = 5_000;
/** So long after a machine woke up, what has expired meanwhile is read again at the latest. */
const STEP_MS = 15_000;

export interface FreshSecrets {
  /** A line of the proxy; what is no event of a secret is ignored. */
  onLine(line: string): void;
  /** Nothing is read any more; resolves when what was under way has ended: a login that is being renewed must reach its file. */
  close(): Promise<void>;
}

export interface FreshOptions {
  readonly sources: Readonly<Record<string, SecretSource>>;
  readonly current: ReadonlyMap<string, Secret>;
  /** As ResolvedSecrets. */
  readonly lives: ReadonlyMap<string, number>;
  readonly surroundings: SecretSurroundings;
  readonly tell: (message: ControlMessage) => void;
  /** What a person should know; never a value. The secret stays as it was. */
  readonly onFailure: (text: string) => void;
  readonly leastPauseMs?: number;
  readonly stepMs?: number;
}

export function keepFresh(options: FreshOptions): FreshSecrets {
  const { sources, surroundings, tell, onFailure, leastPauseMs = LEAST_PAUSE_MS, stepMs = STEP_MS } = options;
  const values = new Map([...options.current].map(([name, secret]) => [name, secret.reveal()]));
  const ending = new AbortController();
  const { signal } = ending;
  const reading = new Map<string, Promise<number | null>>();
  const readAt = new Map<string, number>();
  /** What was said last of each, so that what fails again and again is said once. */
  const failures = new Map<string, string>();

  const inputOf = (name: string): string => {
    const value = values.get(name);
    if (value === undefined) throw new Unresolved(`${name} has no value`);
    return value;
  };

  /** How long the new value is good for, in ms; null = nobody says, or there is none. */
  const read = async (name: string, source: SecretSource, refused?: string): Promise<number | null> => {
    // One at a time: whoever asks meanwhile gets what that one brings.
    if (reading.has(name)) return null;
    readAt.set(name, performance.now());
    const running = readNow(name, source, refused).finally(() => reading.delete(name));
    reading.set(name, running);
    return running;
  };

  const readNow = async (name: string, source: SecretSource, refused?: string): Promise<number | null> => {
    try {
      const { value, lifeMs, rotated } = await readSecret(
        source,
        { ...surroundings, mayAsk: false, signal, ...(refused === undefined ? {} : { refused }) },
        inputOf,
      );
      failures.delete(name);
      if (signal.aborted) return null;
      const found = [{ name, value }, ...(rotated === null ? [] : [rotated])];
      const renewed = found.filter((one) => values.get(one.name) !== one.value);
      for (const one of renewed) values.set(one.name, one.value);
      if (rotated !== null) onFailure(rotationNote(rotated.name));
      if (renewed.length > 0) tell({ do: 'renew', values: renewed });
      return lifeMs;
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error;
      if (!signal.aborted && failures.get(name) !== error.message)
        onFailure(`secret ${name} (${describeSource(source)}) was not renewed: ${error.message}`);
      failures.set(name, error.message);
      return null;
    }
  };

  /** By the clock on the wall: while a machine sleeps, timers stand still and tokens expire. */
  const untilDue = async (dueMs: number): Promise<void> => {
    for (let left = dueMs - Date.now(); left > 0; left = dueMs - Date.now())
      await sleep(Math.min(left, stepMs), undefined, { signal, ref: false });
  };

  const readForEver = async (name: string, source: SecretSource): Promise<void> => {
    let lifeMs = options.lives.get(name) ?? null;
    for (;;) {
      const pauseMs = pauseOf(source, lifeMs);
      if (pauseMs === null) return;
      await untilDue(Date.now() + pauseMs);
      // Asked for meanwhile because of a 401, or refused: soon again.
      lifeMs = (await read(name, source)) ?? (lifeMs === null ? null : LEAST_LIFE_MS);
    }
  };
  for (const [name, source] of Object.entries(sources)) readForEver(name, source).catch(onEnd);

  return {
    onLine: (line) => {
      const event = parseSecretEvent(line);
      if (event?.event === 'not-renewed') onFailure(`${event.secrets.join(', ')} was not renewed: ${event.why}`);
      if (event?.event !== 'stale') return;
      const source = Object.hasOwn(sources, event.secret) ? sources[event.secret] : undefined;
      // Our own environment does not change.
      if (source === undefined || source.kind === 'env') return;
      const before = values.get(event.secret);
      const isEarly = performance.now() - (readAt.get(event.secret) ?? -Infinity) < leastPauseMs;
      const tried = reading.get(event.secret) ?? (isEarly ? Promise.resolve() : read(event.secret, source, before));
      tried
        .then(() => {
          // Answers wait for our word, also where there is nothing new.
          const isNew = values.get(event.secret) !== before;
          if (source.kind === 'token' && !isNew && !signal.aborted) tell({ do: 'renew', values: [] });
        })
        .catch(onEnd);
    },
    close: async () => {
      ending.abort();
      await Promise.allSettled(reading.values());
    },
  };

  function onEnd(error: unknown): void {
    // A sleep that was cut short: the session is over.
    if (!signal.aborted) throw error;
  }
}

/** In ms; null = it stays. */
function pauseOf({ ttlMs }: SecretSource, lifeMs: number | null): number | null {
  if (ttlMs) return ttlMs;
  if (lifeMs === null) return null;
  const margin = Math.min(MARGIN_MS, lifeMs * MARGIN_SHARE);
  return Math.max(LEAST_LIFE_MS, lifeMs - margin);
}

type SecretEvent = Extract<ProxyEvent, { readonly event: 'stale' | 'renewed' | 'not-renewed' }>;

function parseSecretEvent(line: string): SecretEvent | null {
  const value = parseJsonObject(line);
  // From the same version of the same repository.
  return ['stale', 'renewed', 'not-renewed'].includes(String(value?.event)) ? (value as unknown as SecretEvent) : null;
}
