// Cuts the bytes of an audit log into lines, checks the hash chain on the way, and keeps a last line that is still being written.
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { chainHash, parseRecord } from './record-line.ts';

export interface LogLine {
  /** 1-based */
  readonly number: number;
  readonly text: string;
  readonly record: AuditRecord;
}

/** What is wrong with a log; both mean that somebody or something changed it after it was written. */
export interface LogDamage {
  /** 1-based */
  readonly line: number;
  readonly kind: 'not-a-record' | 'broken-chain';
}

const NEWLINE = 0x0a;

/** Fed with the bytes of a log in order; one object a reading. */
export class ChainReader {
  readonly damage: LogDamage[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #count = 0;
  #expected = '';

  /** The whole lines that these bytes complete. */
  push(bytes: Buffer): LogLine[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const lines: LogLine[] = [];
    let start = 0;
    for (let end = all.indexOf(NEWLINE); end !== -1; end = all.indexOf(NEWLINE, start)) {
      const line = this.#take(all.subarray(start, end));
      if (line !== null) lines.push(line);
      start = end + 1;
    }
    this.#rest = Buffer.from(all.subarray(start));
    return lines;
  }

  /** Bytes of a last line without a newline: being written, or cut by a crash. */
  get unfinishedBytes(): number {
    return this.#rest.length;
  }

  #take(bytes: Buffer): LogLine | null {
    this.#count++;
    if (bytes.length === 0) return null;
    const text = bytes.toString('utf8');
    const record = parseRecord(text);
    if (record === null) {
      this.damage.push({ line: this.#count, kind: 'not-a-record' });
    } else if (record.prev !== this.#expected) {
      this.damage.push({ line: this.#count, kind: 'broken-chain' });
    }
    this.#expected = chainHash(bytes);
    return record === null ? null : { number: this.#count, text, record };
  }
}

/** One sentence for a person; null when nothing is wrong. */
export function damageText(damage: readonly LogDamage[]): string | null {
  const [first] = damage;
  if (first === undefined) return null;
  const places = damage.length === 1 ? `line ${first.line}` : `${damage.length} lines, the first is ${first.line}`;
  const kind = first.kind === 'broken-chain' ? 'does not follow from the line before it' : 'is not a record';
  return `the log was changed after it was written, or is damaged: ${places}, which ${kind}`;
}
