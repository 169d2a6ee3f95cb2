// The end of an existing log: where the hash chain goes on, and a line that a crash left half-written.
import { fstatSync, readSync } from 'node:fs';
import { chainHash } from './record.ts';

export type Tail =
  | {
      readonly kind: 'chain' /** The next record's `prev`. */;
      readonly prev: string /** Bytes of whole lines. */;
      readonly size: number;
    }
  /** Some other file: nothing of it may be touched. */
  | { readonly kind: 'foreign' };

const NEWLINE = 0x0a;
const FIRST_BYTES = '{"v":1,"ts":"';
const STEP_BYTES = 64 * 1024;

export function readTail(fd: number): Tail {
  const { size } = fstatSync(fd);
  for (let wanted = STEP_BYTES; ; wanted *= 4) {
    const length = Math.min(size, wanted);
    const bytes = readAt(fd, size - length, length);
    const end = bytes.lastIndexOf(NEWLINE);
    const start = end > 0 ? bytes.lastIndexOf(NEWLINE, end - 1) : -1;
    const isWholeFile = length === size;
    if ((end < 0 || start < 0) && !isWholeFile) continue;
    const torn = bytes.subarray(end + 1);
    const line = end < 0 ? null : bytes.subarray(start + 1, end);
    if (!isOurs(torn) || (line !== null && !isOurs(line, FIRST_BYTES.length))) return { kind: 'foreign' };
    return { kind: 'chain', prev: line === null ? '' : chainHash(line), size: size - torn.length };
  }
}

/** Starts like a record, as far as it goes. */
function isOurs(line: Buffer, leastBytes = 0): boolean {
  const start = line.subarray(0, FIRST_BYTES.length).toString('latin1');
  return start.length >= leastBytes && FIRST_BYTES.startsWith(start);
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const n = readSync(fd, bytes, filled, length - filled, position + filled);
    if (n === 0) break;
    filled += n;
  }
  return bytes.subarray(0, filled);
}
