// Git packs as they come: objects one after the other, deltas put together with their bases as far as these are at hand.
//
// Source: gitformat-pack(5). A pack is read once, in order, in bounded memory: a delta whose base stands elsewhere (a thin pack, whose base the
// other side has) or is too far back is searched by the bytes that it inserts. Those are what is new.
import { hash } from 'node:crypto';
import { applyDelta, type DeltaHead, freshOf, insertedOf, readDeltaHead } from './delta.ts';
import type { Inflater } from './inflater.ts';
import { isZlibHead, type Members, type Reader } from './members.ts';

/** Objects that may be bases, and deltas that wait for theirs, in bytes. */
const BASES_BYTES = 32 * 1024 * 1024;
const WAITING_BYTES = 8 * 1024 * 1024;
/** Larger objects are no bases, and larger deltas are not put together. */
const LARGE_BYTES = 16 * 1024 * 1024;
/** What deltas may make of their bases: so many bytes, and so many for each byte of the pack. */
const RESOLVED_BYTES = 256 * 1024 * 1024;
const RESOLVED_FACTOR = 256;
/** A resolved object up to this size is searched as a whole. */
const SMALL_BYTES = 4096;
const HEAD_BYTES = 12;
/** Longest head of an object: its size, and the name of a base in SHA-256. */
const ENTRY_BYTES = 48;
const TRAILER_BYTES = 20;

const TYPES: readonly (string | null)[] = [null, 'commit', 'tree', 'blob', 'tag', null, 'delta', 'delta'];
const OFS_DELTA = 6;
const REF_DELTA = 7;
/** Signs of a text in an object's first bytes. */
const LOOK_BYTES = 256;

export const PACK_HEAD = Buffer.from('PACK\0\0\0', 'latin1');

/** Whether a pack begins at `at`. */
export const isPackAt = (data: Buffer, at: number): boolean =>
  at + HEAD_BYTES <= data.length &&
  data.readUInt32BE(at) === 0x5041434b &&
  (data.readUInt32BE(at + 4) === 2 || data.readUInt32BE(at + 4) === 3);

export interface Entry {
  readonly type: string;
  /** What it needs as its base: `@offset` or the name in hex; null for an object that is whole. */
  readonly base: string | null;
  readonly sizeBytes: number;
  readonly start: number;
}

interface Base {
  readonly type: string;
  readonly data: Buffer;
  readonly start: number;
  id: string | null;
}

interface Waiting {
  readonly delta: Buffer;
  readonly head: DeltaHead;
  readonly start: number;
}

export class PackReader implements Reader {
  takenBytes = 0;
  isDone = false;
  readonly #members: Members;
  readonly #inflater: Inflater;
  readonly #bases = new Bases();
  /** Deltas whose base has not come yet, by what they need. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** Where deltas began that wait: others may stand on them. */
  readonly #unresolved = new Set<number>();
  #waitingBytes = 0;
  #resolvedBytes = 0;
  #head: Buffer = Buffer.alloc(0);
  #objectsLeft = -1;
  #objects = 0;
  #entry: Entry | null = null;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(members: Members) {
    this.#members = members;
    this.#inflater = members.inflater('zlib');
  }

  push(chunk: Buffer): void {
    let input = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = input.subarray(0, 0);
    while (input.length > 0 && !this.isDone) {
      const taken = this.#entry === null ? this.#readHead(input) : this.#readData(input);
      if (taken < 0) {
        this.#head = Buffer.from(input);
        return;
      }
      this.takenBytes += taken;
      input = input.subarray(taken);
    }
  }

  /** The bytes do not go on as a pack does. */
  get isDamaged(): boolean {
    return this.isDone && this.#objectsLeft > 0;
  }

  end(): void {
    if (!this.isDone) this.#fail('undecodable', 'a git pack that is cut');
  }

  /** Bytes taken; -1 when more are needed. */
  #readHead(input: Buffer): number {
    if (this.#objectsLeft < 0) {
      if (input.length < HEAD_BYTES) return -1;
      if (!isPackAt(input, 0)) return this.#fail('undecodable', 'a git pack of a version that is not known');
      this.#objectsLeft = input.readUInt32BE(8);
      return HEAD_BYTES;
    }
    if (this.#objectsLeft === 0) {
      this.isDone = true;
      return Math.min(input.length, TRAILER_BYTES);
    }
    // The last objects of a pack may be shorter than the longest head, but not than the trailer with them.
    const entry = entryAt(input, this.takenBytes);
    if (entry === 'short') return input.length < ENTRY_BYTES ? -1 : this.#fail('undecodable', CORRUPT);
    if (entry === 'corrupt') return this.#fail('undecodable', CORRUPT);
    this.#entry = entry.entry;
    this.#objectsLeft--;
    this.#inflater.next();
    if (entry.entry.type === 'blob') {
      this.#members.at += entry.headBytes;
      this.#members.begin(chainOf('blob'));
    }
    return entry.headBytes;
  }

  #readData(input: Buffer): number {
    const entry = this.#entry!;
    const step = this.#inflater.step(input);
    if (step === null) return this.#fail('undecodable', CORRUPT);
    const { output, taken, isDone } = step;
    this.#bytes += output.length;
    // A blob is handed on as it comes, the others as a whole.
    if (entry.type === 'blob') this.#members.at += taken;
    if (output.length > 0) this.#take(entry, output);
    if (this.isDone || !isDone) return taken;
    // What is there is searched nevertheless.
    if (this.#bytes !== entry.sizeBytes) this.#refuse('undecodable', CORRUPT);
    this.#finish(entry, this.takenBytes + taken);
    return taken;
  }

  #take(entry: Entry, output: Buffer): void {
    if (this.#bytes <= LARGE_BYTES) this.#parts.push(output);
    else if (isDelta(entry)) this.#fail('over_budget', 'a delta of a git pack that is too large');
    if (!isDelta(entry) && this.#members.leftBytes < output.length) this.#fail('over_budget', TOO_MUCH);
    else if (entry.type === 'blob') this.#members.write(output);
  }

  #finish(entry: Entry, end: number): void {
    const data = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const isWhole = this.#bytes <= LARGE_BYTES;
    this.#entry = null;
    this.#parts = [];
    this.#bytes = 0;
    this.#objects++;
    this.#inflater.next();
    if (entry.base === null) {
      if (entry.type === 'blob') this.#members.end();
      else if (isWhole) this.#emit(entry.type, data);
      else this.#fail('over_budget', TOO_MUCH);
      if (isWhole) this.#settle({ type: entry.type, data, start: entry.start, id: null });
    } else this.#delta(entry, entry.base, data);
    if (entry.type !== 'blob') this.#members.at += end - entry.start;
  }

  #emit(type: string, data: Buffer): void {
    if (this.#members.leftBytes < data.length) this.#fail('over_budget', TOO_MUCH);
    else if (type === 'tree') this.#tree(data);
    else this.#members.add(chainOf(type), data);
  }

  /** `mode name NUL id` without end: the names as lines, and the ids, which could be anything, by themselves. */
  #tree(data: Buffer): void {
    const names: Buffer[] = [];
    const ids: Buffer[] = [];
    let at = 0;
    while (at < data.length) {
      const zero = data.indexOf(0, at);
      if (zero < 0) break;
      names.push(data.subarray(at, zero), LINE);
      ids.push(data.subarray(zero + 1, zero + 21));
      at = zero + 21;
    }
    if (at < data.length) names.push(data.subarray(at));
    this.#members.add(chainOf('tree'), Buffer.concat(names));
    this.#members.add(chainOf('tree ids'), Buffer.concat(ids));
  }

  #delta(entry: Entry, need: string, delta: Buffer): void {
    const head = readDeltaHead(delta);
    if (head === null) {
      this.#refuse('undecodable', CORRUPT);
      this.#emit('delta', delta);
      return;
    }
    const base = need.startsWith('@') ? this.#bases.at(Number(need.slice(1))) : this.#bases.named(need);
    const waiting = { delta, head, start: entry.start };
    if (base !== null) {
      const resolved = this.#resolve(base, waiting);
      if (resolved !== null) this.#settle(resolved);
      return;
    }
    // New to the other side are these bytes, whatever the base is.
    this.#emit('delta', insertedOf(delta, head));
    const isGone = need.startsWith('@') && !this.#unresolved.has(Number(need.slice(1)));
    this.#waitingBytes += delta.length;
    if (isGone || this.#waitingBytes > WAITING_BYTES) return;
    this.#unresolved.add(entry.start);
    const list = this.#waiting.get(need);
    if (list === undefined) this.#waiting.set(need, [waiting]);
    else list.push(waiting);
  }

  #resolve(base: Base, { delta, head, start }: Waiting): Base | null {
    this.#resolvedBytes += head.resultBytes;
    if (head.baseBytes !== base.data.length) {
      this.#refuse('undecodable', CORRUPT);
      this.#emit('delta', insertedOf(delta, head));
      return null;
    }
    if (
      head.resultBytes > LARGE_BYTES ||
      this.#resolvedBytes > RESOLVED_BYTES + (this.takenBytes + delta.length) * RESOLVED_FACTOR
    ) {
      this.#fail('over_budget', 'a git pack whose deltas give too much');
      return null;
    }
    const result = applyDelta(base.data, delta, head);
    // Of texts the new parts; what may be packed itself is decoded from its beginning.
    const isWhole = result.length <= SMALL_BYTES || !isText(result);
    this.#emit(base.type === 'tree' ? 'tree delta' : base.type, isWhole ? result : freshOf(result, delta, head));
    return { type: base.type, data: result, start, id: null };
  }

  /** Keeps an object as a base, and resolves what waited for it. */
  #settle(first: Base): void {
    const settled = [first];
    for (let base = settled.pop(); base !== undefined && !this.isDone; base = settled.pop()) {
      this.#bases.add(base);
      if (this.#waiting.size === 0) continue;
      for (const need of [`@${base.start}`, this.#bases.idOf(base)]) {
        for (const waiting of this.#waiting.get(need) ?? []) {
          const resolved = this.#resolve(base, waiting);
          if (resolved !== null) settled.push(resolved);
        }
        this.#waiting.delete(need);
      }
    }
  }

  #endMember(): void {
    if (this.#entry?.type === 'blob') this.#members.end();
    else if (this.#parts.length > 0) this.#members.add(chainOf(this.#entry!.type), Buffer.concat(this.#parts));
  }

  #fail(kind: 'undecodable' | 'over_budget', detail: string): number {
    if (!this.isDone && (this.#objects > 0 || this.#entry !== null)) {
      if (this.#entry !== null && !isDelta(this.#entry)) this.#endMember();
      this.#refuse(kind, detail);
    }
    this.isDone = true;
    return 0;
  }

  #refuse(kind: 'undecodable' | 'over_budget', detail: string): void {
    this.#members.unread({ kind, detail }, 'git-pack');
  }
}

const CORRUPT = 'a git pack that is damaged';
const TOO_MUCH = 'a git pack that holds too much';
const LINE = Buffer.from('\n');
const chainOf = (type: string): string => `git-pack > ${type}`;
const isDelta = ({ base }: Entry): boolean => base !== null;

function isText(data: Buffer): boolean {
  const to = Math.min(data.length, LOOK_BYTES);
  for (let at = 0; at < to; at++) if (data[at]! < 9 || (data[at]! > 13 && data[at]! < 0x20)) return false;
  return true;
}

/** The last objects, as far as memory allows. */
class Bases {
  readonly #byStart = new Map<number, Base>();
  readonly #byId = new Map<string, Base>();
  #bytes = 0;
  /** Names cost a hash: only for packs that use them. */
  #areNamed = false;

  add(base: Base): void {
    this.#bytes += base.data.length + OBJECT_BYTES;
    this.#byStart.set(base.start, base);
    if (this.#areNamed) this.#byId.set(this.idOf(base), base);
    if (this.#bytes <= BASES_BYTES) return;
    for (const old of this.#byStart.values()) {
      if (this.#bytes <= BASES_BYTES || old === base) break;
      this.#byStart.delete(old.start);
      if (old.id !== null) this.#byId.delete(old.id);
      this.#bytes -= old.data.length + OBJECT_BYTES;
    }
  }

  at(start: number): Base | null {
    return this.#used(this.#byStart.get(start));
  }

  named(id: string): Base | null {
    if (!this.#areNamed) {
      this.#areNamed = true;
      for (const base of this.#byStart.values()) this.#byId.set(this.idOf(base), base);
    }
    return this.#used(this.#byId.get(id));
  }

  idOf(base: Base): string {
    base.id ??= hash('sha1', Buffer.concat([Buffer.from(`${base.type} ${base.data.length}\0`), base.data]));
    return base.id;
  }

  /** What was used last goes last. */
  #used(base: Base | undefined): Base | null {
    if (base === undefined) return null;
    this.#byStart.delete(base.start);
    this.#byStart.set(base.start, base);
    return base;
  }
}

/** What an object in memory costs beside its content. */
const OBJECT_BYTES = 200;

/** The head of an object at the beginning of `input`, which stands at `start` in the pack. */
/** What stands before an object; `start`: its offset in the pack. `short`: more bytes are needed. */
export function entryAt(
  input: Buffer,
  start: number,
): { readonly entry: Entry; readonly headBytes: number } | 'short' | 'corrupt' {
  let at = 0;
  let byte = input[at++];
  if (byte === undefined) return 'short';
  const number = (byte >> 4) & 7;
  const type = TYPES[number] ?? null;
  if (type === null) return 'corrupt';
  let sizeBytes = byte & 15;
  for (let factor = 16; byte >= 0x80; factor *= 128) {
    byte = input[at++];
    if (byte === undefined) return 'short';
    sizeBytes += (byte & 0x7f) * factor;
    if (at > 9) return 'corrupt';
  }
  let base: string | null = null;
  if (number === OFS_DELTA) {
    let back = -1;
    // Each further byte stands for one more than its bits say.
    do {
      byte = input[at++];
      if (byte === undefined) return 'short';
      back = (back + 1) * 128 + (byte & 0x7f);
      if (at > 20) return 'corrupt';
    } while (byte >= 0x80);
    if (back === 0 || back > start) return 'corrupt';
    base = `@${start - back}`;
  } else if (number === REF_DELTA) {
    // Twenty bytes, or the 32 of SHA-256: a stream begins behind them.
    if (input.length < at + 34) return 'short';
    const length = isZlibHead(input[at + 20]!, input[at + 21]!) ? 20 : 32;
    base = input.toString('hex', at, at + length);
    at += length;
  }
  if (input.length < at + 2) return 'short';
  if (!isZlibHead(input[at]!, input[at + 1]!)) return 'corrupt';
  return { entry: { type, base, sizeBytes, start }, headBytes: at };
}
