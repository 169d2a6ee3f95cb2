// The end of the audit log as all threads see it: one at a time writes, and each record follows from the one before, whoever wrote that.
import { SharedLock } from '../cores/shared-lock.ts';

const LOCK = 0;
const GENERATION = 1;
const LENGTH = 2;
const PREV_AT = 3 * Int32Array.BYTES_PER_ELEMENT;
/** A chain hash has 32 hex digits. */
const PREV_BYTES = 32;

export class AuditChain {
  /** For another thread's `new AuditChain(memory)`. */
  readonly memory: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly bytes: Buffer;
  private readonly lock: SharedLock;

  constructor(memory = new SharedArrayBuffer(PREV_AT + PREV_BYTES)) {
    this.memory = memory;
    this.words = new Int32Array(memory, 0, 3);
    this.bytes = Buffer.from(memory, PREV_AT, PREV_BYTES);
    this.lock = new SharedLock(this.words.subarray(LOCK, LOCK + 1));
  }

  /** Nobody else writes meanwhile; throws LockLost. */
  alone<T>(step: () => T): T {
    return this.lock.run(step);
  }

  /** Which opening of the log is the good one: after a failure every thread opens it anew. */
  get generation(): number {
    return Atomics.load(this.words, GENERATION);
  }

  advance(): void {
    Atomics.add(this.words, GENERATION, 1);
  }

  /** The next record's `prev`. Read and written inside `alone`. */
  get prev(): string {
    return this.bytes.toString('latin1', 0, this.words[LENGTH]);
  }

  set prev(hash: string) {
    this.words[LENGTH] = this.bytes.write(hash, 0, 'latin1');
  }
}
