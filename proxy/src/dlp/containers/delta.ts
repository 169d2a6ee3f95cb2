// Deltas of git packs: what they make of their base, and the part of it that is new.
//
// Source: gitformat-pack(5), "Deltified representation": sizes of base and result, then instructions: copy from the base, or insert up to 127
// bytes. What a copy brings has been searched with the base; new are the inserted bytes, and every place where two instructions meet.

/** How far around such a place a secret may reach, in bytes. */
const SEAM_BYTES = 2048;
const SEPARATOR = Buffer.from('\n\n');
const NOTHING = Buffer.alloc(0);

export interface DeltaHead {
  readonly baseBytes: number;
  readonly resultBytes: number;
  /** Where the instructions begin. */
  readonly start: number;
}

/** null when the delta is none: sizes that are cut, instructions that do not give what they promise. */
export function readDeltaHead(delta: Buffer): DeltaHead | null {
  const base = readSize(delta, 0);
  const result = base === null ? null : readSize(delta, base.end);
  if (base === null || result === null) return null;
  const head = { baseBytes: base.size, resultBytes: result.size, start: result.end };
  let length = 0;
  const isWhole = eachInstruction(delta, head, (_from, size) => {
    length += size;
  });
  return isWhole && length === head.resultBytes ? head : null;
}

/** The result, of which `head` says how long it is. */
export function applyDelta(base: Buffer, delta: Buffer, head: DeltaHead): Buffer {
  const result = Buffer.allocUnsafe(head.resultBytes);
  let at = 0;
  eachInstruction(delta, head, (from, size, inserted) => {
    if (inserted >= 0) delta.copy(result, at, inserted, inserted + size);
    else base.copy(result, at, from, from + size);
    at += size;
  });
  return result;
}

/** What `result` has that its base had not: inserted bytes and seams, each with what is around it. */
export function freshOf(result: Buffer, delta: Buffer, head: DeltaHead): Buffer {
  const parts: Buffer[] = [];
  let start = 0;
  let end = -1;
  let at = 0;
  let next = 0;
  const widen = (from: number, to: number): void => {
    if (end >= 0 && from > end) {
      parts.push(result.subarray(start, end), SEPARATOR);
      end = -1;
    }
    if (end < 0) start = Math.max(0, from);
    end = Math.min(result.length, Math.max(end, to));
  };
  eachInstruction(delta, head, (from, size, inserted) => {
    const isSeam = inserted >= 0 || from !== next;
    if (isSeam) widen(at - SEAM_BYTES, at + (inserted >= 0 ? size : 0) + SEAM_BYTES);
    // Where an insertion ends the next copy begins a seam of its own, whatever it copies.
    next = inserted >= 0 ? -1 : from + size;
    at += size;
  });
  if (end >= 0) parts.push(result.subarray(start, end));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** The inserted bytes alone, for a base that nobody here has: those that follow each other together. */
export function insertedOf(delta: Buffer, head: DeltaHead): Buffer {
  const parts: Buffer[] = [];
  let isAfterCopy = false;
  eachInstruction(delta, head, (_from, size, inserted) => {
    if (inserted >= 0) {
      if (isAfterCopy && parts.length > 0) parts.push(SEPARATOR);
      parts.push(delta.subarray(inserted, inserted + size));
    }
    isAfterCopy = inserted < 0;
  });
  return parts.length === 0 ? NOTHING : Buffer.concat(parts);
}

/** `inserted`: where in the delta the bytes stand, -1 for a copy of the base's bytes from `from` on. */
type Visit = (from: number, size: number, inserted: number) => void;

function eachInstruction(delta: Buffer, { start, baseBytes }: DeltaHead, visit: Visit): boolean {
  for (let at = start; at < delta.length; ) {
    const code = delta[at++]!;
    if (code === 0) return false;
    if (code < 0x80) {
      if (at + code > delta.length) return false;
      visit(0, code, at);
      at += code;
      continue;
    }
    let from = 0;
    let size = 0;
    for (let bit = 0; bit < 7; bit++) {
      if (((code >> bit) & 1) === 0) continue;
      if (at >= delta.length) return false;
      if (bit < 4) from += delta[at++]! * 256 ** bit;
      else size += delta[at++]! * 256 ** (bit - 4);
    }
    if (size === 0) size = 0x10000;
    if (from + size > baseBytes) return false;
    visit(from, size, -1);
  }
  return true;
}

/** Seven bits a byte, the lowest first. */
function readSize(delta: Buffer, from: number): { readonly size: number; readonly end: number } | null {
  let size = 0;
  let factor = 1;
  for (let at = from; at < delta.length && at - from < 8; at++) {
    size += (delta[at]! & 0x7f) * factor;
    if (delta[at]! < 0x80) return { size, end: at + 1 };
    factor *= 128;
  }
  return null;
}
