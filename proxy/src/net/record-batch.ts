// Records of exchanges that end in the same turn of the event loop, written with one call before any of their last bytes leave.
import { AuditFailure } from '../audit/failure.ts';
import type { AuditSink } from '../audit/sink.ts';
import type { RecordDraft } from '../pipeline/types.ts';

interface Waiting {
  readonly draft: RecordDraft;
  readonly then: (isWritten: boolean) => void;
}

export class RecordBatch {
  private readonly audit: AuditSink;
  private readonly reportBug: (error: unknown) => void;
  private waiting: Waiting[] = [];
  private readonly flush = (): void => this.writeNow();

  constructor(audit: AuditSink, reportBug: (error: unknown) => void) {
    this.audit = audit;
    this.reportBug = reportBug;
  }

  /** `then` is called soon, never at once; false = the log could not take the record. */
  add(draft: RecordDraft, then: (isWritten: boolean) => void): void {
    this.waiting.push({ draft, then });
    // The check phase follows the poll phase in which the sockets were read: nobody waits for a timer.
    if (this.waiting.length === 1) setImmediate(this.flush);
  }

  private writeNow(): void {
    const { waiting } = this;
    this.waiting = [];
    let isWritten = true;
    try {
      this.audit.appendAll(waiting.map(({ draft }) => draft));
    } catch (error) {
      // Whatever went wrong: without a record nothing ends well.
      isWritten = false;
      if (!(error instanceof AuditFailure)) this.reportBug(error);
    }
    for (const { then } of waiting) {
      try {
        then(isWritten);
      } catch (error) {
        this.reportBug(error);
      }
    }
  }
}
