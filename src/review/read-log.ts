// Reads an audit log from disk, whole or as it grows.
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { ChainReader, type LogLine } from './chain.ts';

const CHUNK_BYTES = 256 * 1024;
/** A change that the file system did not announce is seen after this time, in ms. */
const LOOK_AGAIN_MS = 1000;

export interface LogReading {
  readonly lines: readonly LogLine[];
  readonly chain: ChainReader;
}

/** All whole lines of a log. A log that is not there yet is empty when `mayBeMissing`. */
export async function readLog(file: string, mayBeMissing: boolean): Promise<LogReading> {
  const chain = new ChainReader();
  const lines: LogLine[] = [];
  const handle = await openLog(file, mayBeMissing);
  if (handle === null) return { lines, chain };
  try {
    await readOn(handle, chain, 0, (line) => lines.push(line));
  } finally {
    await handle.close();
  }
  return { lines, chain };
}

export interface Following {
  /** Gets every whole line, from the first one on. */
  readonly onLine: (line: LogLine) => void;
  /** Asked whenever nothing is left to read; true ends it. */
  readonly isOver: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Reads to the end and goes on as the log grows, until `isOver` or the signal. The file may appear later. */
export async function followLog(file: string, following: Following): Promise<ChainReader> {
  const chain = new ChainReader();
  const changes = watchFor(dirname(file), following.signal);
  let handle: FileHandle | null = null;
  let position = 0;
  try {
    while (!following.signal.aborted) {
      // Asked before the reading: what was written before the end is still read.
      const isLast = await following.isOver();
      handle ??= await openLog(file, true);
      if (handle !== null) position = await readOn(handle, chain, position, following.onLine);
      if (isLast) break;
      await changes.next();
    }
  } finally {
    changes.close();
    await handle?.close();
  }
  return chain;
}

/** The position after the last byte read. */
async function readOn(
  handle: FileHandle,
  chain: ChainReader,
  from: number,
  onLine: (line: LogLine) => void,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let position = from;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return position;
    position += bytesRead;
    for (const line of chain.push(buffer.subarray(0, bytesRead))) onLine(line);
  }
}

async function openLog(file: string, mayBeMissing: boolean): Promise<FileHandle | null> {
  try {
    return await open(file, 'r');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing && mayBeMissing) return null;
    throw new BottleError({
      what: `cannot read the log ${file}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'name an audit log that you may read',
      exitCode: EXIT.input,
      cause: error,
    });
  }
}

interface Changes {
  /** Settles on the next change, after LOOK_AGAIN_MS, or on the signal. */
  next(): Promise<void>;
  close(): void;
}

function watchFor(directory: string, signal: AbortSignal): Changes {
  let wake: () => void = () => {};
  let hasChanged = false;
  const changed = () => {
    hasChanged = true;
    wake();
  };
  signal.addEventListener('abort', changed);
  const watcher = tryWatch(directory, changed);
  return {
    next: async () => {
      if (!hasChanged && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, LOOK_AGAIN_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      hasChanged = false;
    },
    close: () => {
      signal.removeEventListener('abort', changed);
      watcher?.close();
    },
  };
}

/** Null where the file system cannot be watched (some network mounts): then the timer alone looks again. */
function tryWatch(directory: string, changed: () => void): FSWatcher | null {
  try {
    const watcher = watch(directory, changed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    // As above: the timer is enough.
    return null;
  }
}
