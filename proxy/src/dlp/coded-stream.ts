// A compressed body that streams: decoded in step, its content judged window by window.
//
// Where nothing can be replaced it leaves as it came. Where something may have to be, it is encoded anew from its first byte on: the middle of
// a compressed stream is no place to change over (docs/research/2026-11-24-redact-in-step.md).

import { ArchiveStream, type PlacedScan } from './archive-stream.ts';
import type { Coding } from './body.ts';
import { NOTHING_NEW, PlainStream, type StreamOptions } from './plain-stream.ts';
import { StepDecoder } from './step-decoder.ts';
import { StepEncoder } from './step-encoder.ts';
import type { Match, StreamScan, StreamStep, Unjudged } from './types.ts';

/** Largest block of a coding that is decoded as a whole (Zstandard), in bytes of content. */
const BLOCK_SLACK_BYTES = 128 * 1024;
const NOTHING = Buffer.alloc(0);

/** All codings of a body, one behind the other, within what it may decode to. */
class Decoding {
  readonly #decoders: readonly StepDecoder[];
  readonly #decodedBytes: number;
  /** Decoded so far. */
  contentBytes = 0;

  /** `codings`: in the order in which they were applied. */
  constructor(codings: readonly Coding[], decodedBytes: number) {
    this.#decoders = codings.map((coding) => new StepDecoder(coding)).reverse();
    this.#decodedBytes = decodedBytes;
  }

  /** In the order in which they were applied; as the senders meant them, once something was decoded. */
  get codings(): readonly Coding[] {
    return this.#decoders.map(({ coding }) => coding).reverse();
  }

  push(bytes: Buffer, onContent: (content: Buffer) => Unjudged | null, index = 0): Unjudged | null {
    const decoder = this.#decoders[index];
    if (decoder !== undefined) return decoder.push(bytes, (decoded) => this.push(decoded, onContent, index + 1));
    this.contentBytes += bytes.length;
    if (this.contentBytes <= this.#decodedBytes) return onContent(bytes);
    return { kind: 'over_budget', detail: `decodes to more than ${this.#decodedBytes} bytes` };
  }

  /** Null when all of them are complete. */
  end(): Unjudged | null {
    let unjudged: Unjudged | null = null;
    for (const decoder of this.#decoders) unjudged ??= decoder.end();
    return unjudged;
  }
}

interface Waiting {
  readonly bytes: Buffer;
  /** Where it ends in the body. */
  readonly end: number;
  /** How much had been decoded behind it. */
  readonly contentEnd: number;
}

/** Compressed chunks are released as they came, once they and the content that they carry have been judged. */
export class CompressedStream implements StreamScan {
  readonly isWrittenAnew = false;
  readonly #plain: PlacedScan;
  /** What a stream carries beside its content: names, comments, skippable frames. */
  readonly #flat: PlainStream;
  readonly #decoding: Decoding;
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  #isUnread = false;

  constructor(options: StreamOptions, codings: readonly Coding[]) {
    const plain = { ...options, redact: null };
    this.#plain = new ArchiveStream(plain, new PlainStream(plain));
    this.#flat = new PlainStream({ ...plain, isFlat: true });
    this.#decoding = new Decoding(codings, options.decodedBytes);
  }

  push(chunk: Buffer): StreamStep {
    if (this.#isUnread) return { release: chunk, matches: [], unjudged: null };
    const matches: Match[] = [];
    const flat = this.#flat.push(chunk);
    let said = flat.unjudged;
    const unjudged = this.#decoding.push(chunk, (content) => {
      const step = this.#plain.push(content);
      matches.push(...step.matches);
      said ??= step.unjudged;
      return step.unjudged?.kind === 'over_budget' ? step.unjudged : null;
    });
    this.#taken += chunk.length;
    this.#waiting.push({ bytes: chunk, end: this.#taken, contentEnd: this.#decoding.contentBytes });
    addFresh(matches, flat.matches);
    if (unjudged !== null) return this.#releaseAll(matches, unjudged);
    if (matches.length > 0) return { release: NOTHING, matches, unjudged: said };
    // The end of a chunk may hold the start of a block that is not decoded yet: wait until content beyond it was judged.
    const content = this.#plain.releasedBytes - BLOCK_SLACK_BYTES;
    const isJudged = ({ end, contentEnd }: Waiting): boolean =>
      contentEnd <= content && end <= this.#flat.releasedBytes;
    const release: Buffer[] = [];
    while (this.#waiting.length > 0 && isJudged(this.#waiting[0]!)) release.push(this.#waiting.shift()!.bytes);
    return { release: Buffer.concat(release), matches, unjudged: said };
  }

  /** A block that is cut cannot be read. */
  settle(): StreamStep {
    return NOTHING_NEW;
  }

  end(): StreamStep {
    if (this.#isUnread) return { release: NOTHING, matches: [], unjudged: null };
    const unjudged = this.#decoding.end();
    const last = this.#plain.end();
    const flat = this.#flat.end();
    const matches = [...last.matches];
    addFresh(matches, flat.matches);
    return this.#releaseAll(matches, unjudged ?? last.unjudged ?? flat.unjudged);
  }

  #releaseAll(matches: readonly Match[], unjudged: Unjudged | null): StreamStep {
    if (unjudged !== null) this.#isUnread = true;
    const release = Buffer.concat(this.#waiting.map(({ bytes }) => bytes));
    this.#waiting.length = 0;
    return { release, matches, unjudged };
  }
}

/** Small streams hold their content uncompressed: what was found in it is told once. */
function addFresh(matches: Match[], flat: readonly Match[]): void {
  const told = new Set(matches.map(({ fingerprint }) => fingerprint));
  for (const match of flat) if (!told.has(match.fingerprint)) matches.push(match);
}

/** Judged content is encoded anew, in the codings that it came in. What a stream carries beside its content is dropped. */
export class RecodedStream implements StreamScan {
  readonly isWrittenAnew = true;
  readonly #plain: PlacedScan;
  readonly #decoding: Decoding;
  /** Once there is content. */
  #encoders: readonly StepEncoder[] | null = null;

  constructor(options: StreamOptions, codings: readonly Coding[]) {
    this.#plain = new ArchiveStream(options, new PlainStream(options));
    this.#decoding = new Decoding(codings, options.decodedBytes);
  }

  push(chunk: Buffer): StreamStep {
    const matches: Match[] = [];
    const release: Buffer[] = [];
    let said: Unjudged | null = null;
    const unjudged = this.#decoding.push(chunk, (content) => {
      const step = this.#plain.push(content);
      matches.push(...step.matches);
      release.push(this.#encode(step.release, false));
      said ??= step.unjudged;
      return null;
    });
    if (unjudged !== null) return { release: NOTHING, matches, unjudged, isBroken: true };
    return { release: Buffer.concat(release), matches, unjudged: said };
  }

  /** A block that is cut cannot be read. */
  settle(): StreamStep {
    return NOTHING_NEW;
  }

  end(): StreamStep {
    const unjudged = this.#decoding.end();
    const last = this.#plain.end();
    // What is broken gets no end that a reader would take for one.
    if (unjudged !== null) return { release: NOTHING, matches: last.matches, unjudged, isBroken: true };
    return { ...last, release: this.#encode(last.release, true) };
  }

  #encode(content: Buffer, isLast: boolean): Buffer {
    this.#encoders ??= this.#decoding.codings.map((coding) => new StepEncoder(coding));
    let bytes = content;
    for (const encoder of this.#encoders) bytes = encoder.push(bytes, isLast);
    return bytes;
  }
}
