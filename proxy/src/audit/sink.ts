// The audit log's file: one whole line a record, synchronously appended; what cannot be written refuses the exchange. Each thread of the
// proxy has a sink of its own on the same file, and they take turns by the chain that they share.
import { closeSync, constants, fstatSync, ftruncateSync, openSync, statfsSync, writeSync } from 'node:fs';
import { LockLost } from '../cores/shared-lock.ts';
import type { RecordDraft } from '../pipeline/types.ts';
import { AuditChain } from './chain.ts';
import { AuditFailure } from './failure.ts';
import { chainHash, formatRecord } from './record.ts';
import { readTail } from './tail.ts';

export interface AuditSinkOptions {
  /** Free space below which nothing is let through, in bytes; default 1 MiB, on a small file system a sixteenth of it. */
  readonly minFreeBytes?: number;
  /** Shared with the sinks of other threads on the same file. */
  readonly chain?: AuditChain;
}

export interface AuditSink {
  /** Throws AuditFailure when a record could not be written now. Call it before anything of an exchange is sent on. */
  assertWritable(): void;
  /** Writes one line, whole or not at all; throws AuditFailure. */
  append(draft: RecordDraft): void;
  /** The same for several, with one write: all of them or none. */
  appendAll(drafts: readonly RecordDraft[]): void;
  /** Idempotent. Later appends throw. */
  close(): void;
}

const MIN_FREE_BYTES = 1024 * 1024;
/** On file systems of less than 16 MiB: the share that must be free. */
const MIN_FREE_SHARE = 1 / 16;
/** Between two looks at free space and the file itself, in ms: shorter than any time in which a person could fill the disk and send a request. */
const CHECK_INTERVAL_MS = 1;
/** Between two attempts to get a failed log going again, in ms. */
const RETRY_INTERVAL_MS = 250;
const TRIAL = Buffer.alloc(4096, ' ');
const NOTHING = Buffer.alloc(0);
// Readable by others: in the sidecar the writer's uid is not the user's. The directory above it is private.
const MODE = 0o644;

type State =
  | { readonly kind: 'open'; readonly fd: number; readonly generation: number; checkedAtMs: number }
  | { readonly kind: 'failed'; readonly failure: AuditFailure; readonly retryAtMs: number }
  | { readonly kind: 'closed' };

/** Opens (creates) the log and proves by a trial write that it takes records; throws AuditFailure (a ProxyFailure). */
export function openAuditSink(path: string, options: AuditSinkOptions = {}): AuditSink {
  const minFreeBytes = options.minFreeBytes ?? MIN_FREE_BYTES;
  const chain = options.chain ?? new AuditChain();
  const open = (): Extract<State, { kind: 'open' }> => openLog(path, minFreeBytes, chain);
  let state: State = chain.alone(open);

  const fail = (why: string, cause?: unknown): AuditFailure => {
    if (state.kind === 'open') {
      closeSync(state.fd);
      // Whatever it was: the other threads try the file, too, before they trust it again.
      if (state.generation === chain.generation) chain.advance();
    }
    const failure = notWritable(path, why, cause);
    state = { kind: 'failed', failure, retryAtMs: performance.now() + RETRY_INTERVAL_MS };
    return failure;
  };

  const alone = <T>(step: () => T): T => {
    try {
      return chain.alone(step);
    } catch (error) {
      if (error instanceof LockLost) throw notWritable(path, 'a part of the proxy has died', error);
      throw error;
    }
  };

  const isCurrent = (): boolean => state.kind === 'open' && state.generation === chain.generation;

  /** A failed log stays failed until opening it anew, with its trial write, succeeds. To be called alone. */
  const writable = (): Extract<State, { kind: 'open' }> => {
    if (state.kind === 'closed') throw notWritable(path, 'the proxy is stopping');
    if (!isCurrent()) {
      if (state.kind === 'failed' && performance.now() < state.retryAtMs) throw state.failure;
      try {
        if (state.kind === 'open') closeSync(state.fd);
        state = { kind: 'failed', failure: notWritable(path, 'it is being opened anew'), retryAtMs: 0 };
        state = open();
      } catch (error) {
        if (!(error instanceof AuditFailure)) throw error;
        throw fail(error.why, error.cause);
      }
    }
    return state as Extract<State, { kind: 'open' }>;
  };

  const write = (drafts: readonly RecordDraft[]): void => {
    const log = writable();
    let { prev } = chain;
    let lines = '';
    for (const draft of drafts) {
      const line = formatRecord(draft, prev);
      prev = chainHash(line.slice(0, -1));
      lines += line;
    }
    try {
      writeLines(log.fd, Buffer.from(lines));
    } catch (error) {
      throw fail(message(error), error);
    }
    chain.prev = prev;
  };
  const appendAll = (drafts: readonly RecordDraft[]): void => alone(() => write(drafts));

  return {
    assertWritable: () => {
      const log = state.kind === 'open' && isCurrent() ? state : alone(writable);
      const nowMs = performance.now();
      if (nowMs - log.checkedAtMs < CHECK_INTERVAL_MS) return;
      log.checkedAtMs = nowMs;
      const problem = findProblem(log.fd, path, minFreeBytes);
      if (problem !== null) throw fail(problem);
    },
    append: (draft) => appendAll([draft]),
    appendAll,
    close: () => {
      if (state.kind === 'open') closeSync(state.fd);
      state = { kind: 'closed' };
    },
  };
}

function openLog(path: string, minFreeBytes: number, chain: AuditChain): Extract<State, { kind: 'open' }> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, MODE);
  } catch (error) {
    throw notWritable(path, message(error), error);
  }
  try {
    const stat = fstatSync(fd);
    // A trial write first: for /dev/full the honest reason is "no space", not "not a file".
    if (!stat.isFile()) {
      writeSync(fd, TRIAL);
      throw notWritable(path, 'it is not a regular file, so records could not be kept');
    }
    const tail = readTail(fd);
    if (tail.kind === 'foreign') throw notWritable(path, 'the file holds something else than audit records');
    // Its truncation also cuts off a line that a crash left half-written.
    writeTrial(fd, tail.size);
    const problem = findProblem(fd, path, minFreeBytes);
    if (problem !== null) throw notWritable(path, problem);
    chain.prev = tail.prev;
    return { kind: 'open', fd, generation: chain.generation, checkedAtMs: performance.now() };
  } catch (error) {
    closeSync(fd);
    throw error instanceof AuditFailure ? error : notWritable(path, message(error), error);
  }
}

function writeTrial(fd: number, size: number): void {
  // First without effect: where truncation is forbidden (an append-only file) the trial must not leave bytes behind.
  ftruncateSync(fd, size);
  try {
    writeWhole(fd, TRIAL);
  } finally {
    ftruncateSync(fd, size);
  }
}

function writeLines(fd: number, lines: Buffer): void {
  const written = writeSync(fd, lines);
  if (written === lines.length) return;
  const sizeBefore = fstatSync(fd).size - written;
  try {
    writeWhole(fd, lines.subarray(written));
  } catch (error) {
    // Taken back: a reader never sees half a line.
    ftruncateSync(fd, sizeBefore);
    throw error;
  }
}

function writeWhole(fd: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written);
}

function findProblem(fd: number, path: string, minFreeBytes: number): string | null {
  try {
    const { nlink, mode } = fstatSync(fd);
    if (nlink === 0) return 'the file was removed';
    // We could go on through the open file, but somebody wants it to stay as it is.
    if ((mode & 0o222) === 0) return 'the file was made read-only';
    // A file system that went read-only under the open file says so to this already (ext4 after an error), and nothing else would.
    writeSync(fd, NOTHING);
    const { bavail, bsize, blocks } = statfsSync(path);
    // Some network file systems report no sizes at all.
    const least = Math.min(minFreeBytes, Math.floor(blocks * bsize * MIN_FREE_SHARE));
    if (blocks > 0 && bavail * bsize < least) return `less than ${least} bytes are free on its file system`;
    return null;
  } catch (error) {
    return message(error);
  }
}

function notWritable(path: string, why: string, cause?: unknown): AuditFailure {
  return new AuditFailure({
    what: `the audit log ${path} cannot be written`,
    why,
    fix: 'make it writable and free space there; nothing passes until a trial write succeeds',
    cause,
  });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
