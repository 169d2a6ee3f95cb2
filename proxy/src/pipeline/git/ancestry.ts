// Proves from a pack's commits that a ref goes forward: that what it was is among the ancestors of what it becomes.
//
// Git writes commits before trees and blobs (gitformat-pack(5) orders nothing; `git pack-objects` does), so the beginning of a pack is
// enough. Where it is not, nothing is proved, and the push is no fast-forward as far as we know.
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { applyDelta, readDeltaHead } from '../../dlp/containers/delta.ts';
import { entryAt, isPackAt } from '../../dlp/containers/pack.ts';

const HEAD_BYTES = 12;

interface PackedObject {
  /** `commit` or `tag`. */
  readonly type: string;
  readonly data: Buffer;
}

/** A commit larger than this is not read. */
const MOST_COMMIT_BYTES = 1024 * 1024;
/** Commits are read up to here, in bytes of the pack and in those of what deltas make. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Reads a pack as it comes. */
export class Ancestry {
  /** No further commit will be read. */
  isDone = false;
  readonly #algorithm: 'sha1' | 'sha256';
  readonly #parents = new Map<string, readonly string[]>();
  /** By `@` and offset, and by id: bases of deltas. */
  readonly #objects = new Map<string, PackedObject>();
  #rest: Buffer = Buffer.alloc(0);
  #objectBytes = 0;
  /** Of the rest, in the pack. */
  #offset = HEAD_BYTES;
  #hasHead = false;
  #left = 0;
  #bytes = 0;

  /** `idDigits`: 40 or 64, as the ids of the push have. */
  constructor(idDigits: number) {
    this.#algorithm = idDigits === 64 ? 'sha256' : 'sha1';
  }

  push(chunk: Buffer): void {
    if (this.isDone) return;
    this.#bytes += chunk.length;
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#hasHead) {
      if (this.#rest.length < HEAD_BYTES) return;
      if (!isPackAt(this.#rest, 0)) {
        this.#end();
        return;
      }
      this.#left = this.#rest.readUInt32BE(8);
      this.#rest = this.#rest.subarray(HEAD_BYTES);
      this.#hasHead = true;
    }
    while (this.#left > 0 && this.#objectBytes <= MOST_BYTES && this.#readObject());
    if (this.#left === 0 || Math.max(this.#bytes, this.#objectBytes) > MOST_BYTES) this.#end();
  }

  /** Whether `ancestor` is one of `id`'s, or the same. */
  isForward(ancestor: string, id: string): boolean {
    const seen = new Set<string>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === ancestor) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(this.#parents.get(next) ?? []));
    }
    return false;
  }

  /** One commit or tag; false when more bytes are needed, or no more come. */
  #readObject(): boolean {
    const input = this.#rest;
    const read = entryAt(input, this.#offset);
    if (read === 'short') return false;
    if (read === 'corrupt') {
      this.#end();
      return false;
    }
    const { entry, headBytes } = read;
    const base = entry.base === null ? null : this.#objects.get(entry.base);
    // A delta whose base is none of these is one of trees or blobs, or stands on what only the other side has.
    const isRead = entry.base !== null ? base !== undefined : entry.type === 'commit' || entry.type === 'tag';
    const inflated =
      isRead && entry.sizeBytes <= MOST_COMMIT_BYTES ? inflateWhole(input.subarray(headBytes), entry.sizeBytes) : null;
    if (inflated === 'more') return false;
    const object = inflated === null ? null : objectOf(entry.type, inflated.data, base ?? null);
    if (inflated === null || object === null) {
      this.#end();
      return false;
    }
    this.#note(object);
    const takenBytes = headBytes + inflated.takenBytes;
    this.#rest = input.subarray(takenBytes);
    this.#offset += takenBytes;
    this.#left--;
    return true;
  }

  #note(object: PackedObject): void {
    const { type, data } = object;
    this.#objectBytes += data.length;
    const id = createHash(this.#algorithm).update(`${type} ${data.length}\0`).update(data).digest('hex');
    this.#objects.set(`@${this.#offset}`, object).set(id, object);
    if (type !== 'commit') return;
    const end = data.indexOf('\n\n');
    const head = data.toString('latin1', 0, end < 0 ? data.length : end);
    const parents = head.split('\n').filter((line) => line.startsWith('parent '));
    this.#parents.set(
      id,
      parents.map((line) => line.slice('parent '.length)),
    );
  }

  #end(): void {
    this.isDone = true;
    this.#rest = Buffer.alloc(0);
    this.#objects.clear();
  }
}

/** null when a delta does not fit its base. */
function objectOf(type: string, data: Buffer, base: PackedObject | null): PackedObject | null {
  if (base === null) return { type, data };
  const head = readDeltaHead(data);
  if (head === null || head.baseBytes !== base.data.length || head.resultBytes > MOST_COMMIT_BYTES) return null;
  return { type: base.type, data: applyDelta(base.data, data, head) };
}

interface Inflated {
  readonly data: Buffer;
  readonly takenBytes: number;
}

/** null when it is no zlib stream of that size. */
function inflateWhole(input: Buffer, size: number): Inflated | 'more' | null {
  try {
    const { buffer, engine } = inflateSync(input, { info: true, maxOutputLength: size + 1 }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    return buffer.length === size ? { data: buffer, takenBytes: engine.bytesWritten } : null;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR' ? 'more' : null;
  }
}
