// Zip archives as they come, member by member: by the heads that stand before the members, compared with the directory at the end.
//
// Source: APPNOTE.TXT 6.3.10. A reader may go by the heads or by the directory: where these say something else about a member, nobody can
// tell what it will be read as.
import type { Unjudged } from '../types.ts';
import type { Inflater } from './inflater.ts';
import type { Members } from './members.ts';
import { StepReader } from './step-reader.ts';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const DESCRIPTOR = 0x08074b50;
const SIGNATURES: ReadonlySet<number> = new Set([LOCAL, CENTRAL, END, DESCRIPTOR, 0x06064b50, 0x07064b50]);
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;
const METHODS: ReadonlySet<number> = new Set([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 19, 93, 94, 95, 96, 97, 98, 99,
]);
const ENCRYPTED = 1;
const SIZES_FOLLOW = 8;
const WIDE = 0xffffffff;
/** Between members there may be so many bytes that are none of the format's. */
const MOST_GAP_BYTES = 64 * 1024;
/** Entries of a directory that are compared. */
const MOST_ENTRIES = 100_000;
/** Longest name of a member at an unexpected place. */
const NAME_BYTES = 4096;

interface Head {
  readonly flags: number;
  readonly method: number;
  /** -1 where it is written behind the content. */
  readonly packedBytes: number;
  readonly headBytes: number;
}

/** The head of a member at `at`: null when it is none, 'short' when more is needed. */
export function zipHeadAt(data: Buffer, at: number): Head | null | 'short' {
  if (at + LOCAL_BYTES > data.length) return 'short';
  if (data.readUInt32LE(at) !== LOCAL) return null;
  const flags = data.readUInt16LE(at + 6);
  const method = data.readUInt16LE(at + 8);
  const nameBytes = data.readUInt16LE(at + 26);
  const extraBytes = data.readUInt16LE(at + 28);
  // Four bytes may stand anywhere; these fields have few values.
  if (data[at + 4]! > 63 || !METHODS.has(method) || nameBytes === 0 || nameBytes > NAME_BYTES) return null;
  const headBytes = LOCAL_BYTES + nameBytes + extraBytes;
  if (at + headBytes > data.length) return 'short';
  for (let i = at + LOCAL_BYTES; i < at + LOCAL_BYTES + nameBytes; i++) if (data[i]! < 0x20) return null;
  let packedBytes = data.readUInt32LE(at + 18);
  if (packedBytes === WIDE) packedBytes = widePacked(data, at + LOCAL_BYTES + nameBytes, extraBytes);
  if ((flags & SIZES_FOLLOW) !== 0 && packedBytes === 0) packedBytes = -1;
  return { flags, method, packedBytes, headBytes };
}

/** The second number of the zip64 field. */
function widePacked(data: Buffer, from: number, length: number): number {
  for (let at = from; at + 4 <= from + length; at += 4 + data.readUInt16LE(at + 2)) {
    if (data.readUInt16LE(at) === 1 && at + 20 <= from + length) return Number(data.readBigUInt64LE(at + 12));
  }
  return -1;
}

type State =
  | { readonly do: 'sign' }
  | { readonly do: 'inflate' }
  /** `left` is -1 where only what follows says that it is over. */
  | { readonly do: 'skip'; left: number; readonly isMember: boolean };

export class ZipReader extends StepReader {
  readonly #inflater: Inflater;
  #state: State = { do: 'sign' };
  #gapBytes = 0;
  /** Method of each member, by its place. */
  readonly #methods = new Map<number, number>();
  readonly #entries: { readonly at: number; readonly method: number }[] = [];

  constructor(members: Members) {
    super(members);
    this.#inflater = members.inflater('raw');
  }

  end(): void {
    if (this.isDone) return;
    this.#endMember();
    this.#finish();
  }

  /** Bytes taken; -1 when more are needed. */
  protected take(input: Buffer): number {
    switch (this.#state.do) {
      case 'sign':
        return this.#readSign(input);
      case 'inflate':
        return this.#inflate(input);
      case 'skip':
        return this.#skip(input, this.#state);
      default:
        return this.#state satisfies never;
    }
  }

  #readSign(input: Buffer): number {
    if (input.length < 4) return -1;
    const sign = input.readUInt32LE(0);
    if (!SIGNATURES.has(sign)) return this.#gap(input);
    this.#gapBytes = 0;
    if (sign === LOCAL) return this.#readLocal(input);
    if (sign === CENTRAL) return this.#readCentral(input);
    if (sign !== END) return 4;
    if (input.length < END_BYTES) return -1;
    this.#finish();
    return Math.min(input.length, END_BYTES + input.readUInt16LE(20));
  }

  /** Descriptors, padding, and what somebody hid between two members: searched as it stands. */
  #gap(input: Buffer): number {
    const next = input.indexOf('PK', 1, 'latin1');
    const taken = next > 0 ? next : Math.max(1, input.length - 1);
    this.#gapBytes += taken;
    if (this.#gapBytes > MOST_GAP_BYTES) this.#finish();
    return taken;
  }

  #readLocal(input: Buffer): number {
    const head = zipHeadAt(input, 0);
    if (head === 'short') return -1;
    if (head === null) return 4;
    this.#methods.set(this.takenBytes, head.method | ((head.flags & ENCRYPTED) << 16));
    if (this.#methods.size > MOST_ENTRIES) this.#unread('over_budget', 'a zip of too many members');
    if ((head.flags & ENCRYPTED) !== 0) this.#unread('undecodable', 'a zip that is encrypted', true);
    else if (head.method === DEFLATED) {
      this.#inflater.next();
      this.#state = { do: 'inflate' };
      this.members.begin('zip');
      return head.headBytes;
    } else if (head.method !== STORED) this.#unread('undecodable', `a zip with method ${head.method}`, true);
    const isMember = head.method === STORED && (head.flags & ENCRYPTED) === 0;
    if (isMember) this.members.begin('zip', true);
    this.#state = { do: 'skip', left: head.packedBytes, isMember };
    if (head.packedBytes === 0) this.#endMember();
    return head.headBytes;
  }

  #inflate(input: Buffer): number {
    const step = this.#inflater.step(input);
    if (step === null) {
      this.#unread('undecodable', 'a zip that is damaged');
      this.#endMember();
      return 0;
    }
    if (this.members.leftBytes < step.output.length) {
      this.#unread('over_budget', 'a zip that holds too much');
      this.#endMember();
      this.#finish();
      return 0;
    }
    this.members.write(step.output);
    if (step.isDone) this.#endMember();
    return step.taken;
  }

  #skip(input: Buffer, state: State & { do: 'skip' }): number {
    let taken = Math.min(input.length, state.left);
    if (state.left < 0) {
      const next = input.indexOf('PK', 0, 'latin1');
      if (next === 0 && input.length < 4) return -1;
      if (next === 0 && SIGNATURES.has(input.readUInt32LE(0))) {
        this.#endMember();
        return 0;
      }
      taken = next === 0 ? 2 : next > 0 ? next : Math.max(1, input.length - 1);
    } else state.left -= taken;
    if (state.isMember) this.members.write(input.subarray(0, taken));
    if (state.left === 0) this.#endMember();
    return taken;
  }

  #endMember(): void {
    if (this.#state.do === 'inflate' || (this.#state.do === 'skip' && this.#state.isMember)) this.members.end();
    this.#state = { do: 'sign' };
  }

  #readCentral(input: Buffer): number {
    if (input.length < CENTRAL_BYTES) return -1;
    const flags = input.readUInt16LE(8);
    const method = input.readUInt16LE(10);
    const nameBytes = input.readUInt16LE(28);
    const extraBytes = input.readUInt16LE(30);
    const length = CENTRAL_BYTES + nameBytes + extraBytes + input.readUInt16LE(32);
    if (input.length < length) return -1;
    let at = input.readUInt32LE(42);
    if (at === WIDE) at = wideOffset(input, CENTRAL_BYTES + nameBytes, extraBytes);
    if (this.#entries.length < MOST_ENTRIES) this.#entries.push({ at, method: method | ((flags & ENCRYPTED) << 16) });
    return length;
  }

  #finish(): void {
    if (this.isDone) return;
    this.isDone = true;
    // Places count from the archive's begin, or from that of the file around it.
    const first = this.#entries.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
    const agrees = (shift: number): boolean =>
      this.#entries.every(({ at, method }) => this.#methods.get(at - shift) === method);
    if (this.#entries.length > 0 && !agrees(0) && !agrees(first))
      this.#unread('undecodable', 'a zip whose directory says something else than its members');
  }

  #unread(kind: Unjudged['kind'], detail: string, isSure = false): void {
    this.members.unread({ kind, detail }, 'zip', isSure);
  }
}

/** The last number of the zip64 field, where the sizes may be missing. */
function wideOffset(data: Buffer, from: number, length: number): number {
  for (let at = from; at + 4 <= from + length; at += 4 + data.readUInt16LE(at + 2)) {
    const size = data.readUInt16LE(at + 2);
    if (data.readUInt16LE(at) === 1 && size >= 8 && at + 4 + size <= from + length) {
      const places = [0, 8, 16].filter((place) => place + 8 <= size);
      return Number(data.readBigUInt64LE(at + 4 + places.at(-1)!));
    }
  }
  return -1;
}
