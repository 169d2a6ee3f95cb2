// The audit log's file: one whole line a record, synchronously appended; what cannot be written refuses the exchange.
import type { RecordDraft } from '../pipeline/types.ts';

export interface AuditSinkOptions {
  /** Free space below which nothing is let through, in bytes; default 1 MiB. */
  readonly minFreeBytes?: number;
}

export interface AuditSink {
  /** Throws AuditFailure when a record could not be written now. Call it before anything of an exchange is sent on. */
  assertWritable(): void;
  /** Writes one line, whole or not at all; throws AuditFailure. */
  append(draft: RecordDraft): void;
  /** Idempotent. Later appends throw. */
  close(): void;
}

/** Opens (creates) the log and proves by a trial write that it takes records; throws AuditFailure (a ProxyFailure). */
export function openAuditSink(_path: string, _options: AuditSinkOptions = {}): AuditSink {
  throw new Error('being written');
}
