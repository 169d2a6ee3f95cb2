// The archives in a body that streams: read as it comes, each from its first byte to its last, whatever its length.
import { Base64Reader } from './base64.ts';
import { CodedPartReader, PART_HEAD_BYTES, partCoding } from './coded-part.ts';
import { fileFormat } from './files.ts';
import { GzipReader } from './gzip.ts';
import { isZlibHead, type MemberSink, Members, type Piece, type Reader, type Unread } from './members.ts';
import { openReader } from './open.ts';
import { eachPart, isMultipart, isPartAt } from './parts.ts';
import { MAGIC_BYTES, unreadable } from './unreadable.ts';

/** Bytes in which archives begin; in text the same in base64. */
const CUES: readonly (readonly [cue: Buffer, isText: boolean])[] = [
  [Buffer.from([0x1f, 0x8b, 8]), false],
  [Buffer.from('PK\x03\x04', 'latin1'), false],
  [Buffer.from('PACK\0\0\0', 'latin1'), false],
  [Buffer.from('H4sI'), true],
  [Buffer.from('UEsDB'), true],
  [Buffer.from('UEFDSwAAAA'), true],
];
const LONGEST_CUE = 10;
/** An archive is opened, or not, when so much of it is there. */
const HEAD_BYTES = 512;
/** Shorter base64 is decoded where it stands. */
const TEXT_BYTES = 1024;
const FOREIGN = /[^A-Za-z0-9+/_\-\r\n\\]/;
/** A member that is longer is not held as a whole. */
const WINDOW_BYTES = 1024 * 1024;
const NOTHING = Buffer.alloc(0);
/** Archives, and beginnings that are none, and one more for so many bytes: each costs like kilobytes of text. */
const MOST_ARCHIVES = 512;
const BYTES_PER_ARCHIVE = 2048;

export interface ArchiveSink {
  search(piece: Piece): void;
  unread(unread: Unread): void;
}

export class Archives {
  readonly #sink: MemberSink;
  /** Bytes of the body before those that wait. */
  #base = 0;
  #waiting: Buffer = NOTHING;
  #reader: Reader | null = null;
  #members: Members | null = null;
  #readerStart = 0;
  /** Where readers stood, and how much content they had given. */
  #handed: { readonly at: number; readonly content: number }[] = [];
  #judged = 0;
  #isStarted = false;
  #isMultipart = false;
  #leftBytes: number;
  #opened = 0;

  constructor(sink: ArchiveSink, decodedBytes: number) {
    this.#leftBytes = decodedBytes;
    const archives = this;
    this.#sink = {
      search(piece) {
        archives.#leftBytes -= piece.bytes.length;
        sink.search(piece);
      },
      unread: (unread) => sink.unread(unread),
      fail() {
        archives.#opened++;
        if (archives.#opened <= MOST_ARCHIVES + archives.#base / BYTES_PER_ARCHIVE) return;
        archives.#leftBytes = 0;
        const unjudged = { kind: 'over_budget', detail: 'too many archives' } as const;
        sink.unread({ unjudged, kind: '', start: 0, end: 0, isSure: true });
      },
      get leftBytes() {
        return archives.#leftBytes;
      },
    };
  }

  /** Up to where everything has been searched that archives held. */
  get judgedBytes(): number {
    if (this.#members === null) return this.#base;
    const searched = this.#members.searchedBytes;
    while (this.#handed.length > 0 && this.#handed[0]!.content <= searched) this.#judged = this.#handed.shift()!.at;
    return this.#judged;
  }

  /** The same when nothing more may come for a while: what waits is free as well where it is text, and no archive has begun in it. */
  get settledBytes(): number {
    const waiting = this.#waiting;
    const isFree = this.#reader === null && isText(waiting) && !CUES.some(([cue]) => waiting.includes(cue));
    return isFree ? this.#base + waiting.length : this.judgedBytes;
  }

  push(chunk: Buffer): void {
    this.#read(chunk, false);
  }

  end(): void {
    this.#read(Buffer.alloc(0), true);
    this.#close();
  }

  #read(chunk: Buffer, isAll: boolean): void {
    const input = this.#joined(chunk);
    /** Where each cue comes next; -1 before it was looked for. */
    const next = CUES.map(() => -1);
    const start = this.#base;
    let at = 0;
    while (at < input.length) {
      const taken = this.#reader === null ? this.#look(input, at, next, isAll) : this.#feed(this.#reader, input, at);
      if (taken === 0 && this.#reader === null) break;
      at += taken;
      this.#base = start + at;
    }
    this.#waiting = at === input.length ? NOTHING : Buffer.from(input.subarray(at));
  }

  /** What waits and what comes. The last bytes of a chunk wait for the rest of a cue, which hardly ever comes: then nothing is copied. */
  #joined(chunk: Buffer): Buffer {
    const waiting = this.#waiting;
    if (waiting.length === 0) return chunk;
    const isRest = this.#isStarted && !this.#isMultipart && this.#reader === null && waiting.length <= LONGEST_CUE;
    if (isRest && chunk.length >= LONGEST_CUE) {
      const seam = Buffer.concat([waiting, chunk.subarray(0, LONGEST_CUE)]);
      if (!CUES.some(([cue]) => seam.includes(cue))) {
        this.#base += waiting.length;
        return chunk;
      }
    }
    return Buffer.concat([waiting, chunk]);
  }

  /** How many bytes no archive begins in; 0 when one was opened, or what may be one goes on in the next chunk. `isAll`: nothing follows. */
  #look(input: Buffer, from: number, next: number[], isAll: boolean): number {
    if (!this.#isStarted) {
      if (input.length < HEAD_BYTES && !isAll) return 0;
      this.#start(input);
      if (this.#reader !== null) return 0;
    }
    let at = input.length;
    let isText = false;
    CUES.forEach(([cue, isTextCue], index) => {
      if (next[index]! < from) {
        const found = input.indexOf(cue, from);
        next[index] = found < 0 ? input.length : found;
      }
      if (next[index]! >= at) return;
      at = next[index]!;
      isText = isTextCue;
    });
    const part = this.#isMultipart ? this.#lookAtParts(input, from, at, isAll) : at;
    if (part < at) {
      // Its head is looked at again when more is there.
      if (input.length - part < HEAD_BYTES && !isAll) return Math.max(0, part - PART_HEAD_BYTES - from);
      if (part > from) return part - from;
    }
    if (this.#isMultipart && this.#openPart(input, from)) return 0;
    // What stands before a part says how it is compressed.
    const kept = this.#isMultipart ? PART_HEAD_BYTES : LONGEST_CUE;
    if (at === input.length) return isAll ? at - from : Math.max(0, at - from - kept);
    if (at > from) return at - from;
    const least = isText ? TEXT_BYTES : HEAD_BYTES;
    if (input.length - at < least && !isAll) return 0;
    if (!isText) this.#open((members) => openReader(input.subarray(at), members));
    else if (!FOREIGN.test(input.toString('latin1', at, at + TEXT_BYTES)))
      this.#open((members) => new Base64Reader(members));
    return this.#reader === null ? 1 : 0;
  }

  #start(input: Buffer): void {
    this.#isStarted = true;
    this.#isMultipart = isMultipart(input);
    this.#refuse(input, 0);
    if (isZlibHead(input[0]!, input[1]!)) this.#open((members) => new GzipReader(members, 'deflate'));
    else if (fileFormat(input) !== null) this.#open((members) => openReader(input, members));
  }

  /** Looks at what parts begin with; where one does that is a row of files, or of which too little is there, its place. */
  #lookAtParts(input: Buffer, from: number, to: number, isAll: boolean): number {
    let stop = to;
    eachPart(input, from, to, (at) => {
      const isShort = input.length - at < HEAD_BYTES && !isAll;
      if (isShort || this.#mayOpen(input, at)) stop = at;
      else this.#refuse(input, at);
      return stop === to;
    });
    return stop;
  }

  #mayOpen(input: Buffer, at: number): boolean {
    return fileFormat(input.subarray(at)) !== null || partCoding(input, at) !== null;
  }

  /** Opens the part whose content begins at `from`, where there is one that has to be read. */
  #openPart(input: Buffer, from: number): boolean {
    if (fileFormat(input.subarray(from)) !== null) this.#open((members) => openReader(input.subarray(from), members));
    else if (isPartAt(input, from)) {
      const coding = partCoding(input, from);
      if (coding !== null) this.#open((members) => new CodedPartReader(members, coding));
    }
    return this.#reader !== null;
  }

  #refuse(input: Buffer, at: number): void {
    const name = unreadable(input.subarray(at, at + MAGIC_BYTES), input.length - at);
    if (name === null) return;
    const place = this.#base + at;
    this.#sink.unread({
      unjudged: { kind: 'undecodable', detail: name },
      kind: name,
      start: place,
      end: place + MAGIC_BYTES,
      isSure: true,
    });
  }

  #open(make: (members: Members) => Reader | null): void {
    const members = new Members(this.#sink, WINDOW_BYTES, openReader);
    members.at = this.#base;
    this.#reader = make(members);
    if (this.#reader === null) {
      members.close();
      return;
    }
    this.#members = members;
    this.#readerStart = this.#base;
    this.#judged = this.#base;
    this.#handed = [];
  }

  #feed(reader: Reader, input: Buffer, at: number): number {
    reader.push(input.subarray(at));
    const members = this.#members!;
    this.#handed.push({ at: members.at, content: members.contentBytes });
    if (!reader.isDone) return input.length - at;
    // Whether or not there was something in it: each is searched by itself.
    this.#sink.fail();
    // What it was given before and did not use was looked at already.
    const taken = this.#readerStart + reader.takenBytes - this.#base;
    this.#close();
    return Math.min(Math.max(1, taken), input.length - at);
  }

  #close(): void {
    this.#reader?.end();
    this.#members?.close();
    this.#reader = null;
    this.#members = null;
  }
}

/** Archives in binary do not get far without a control character. */
function isText(bytes: Buffer): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 9 || byte === 10 || byte === 13);
}
