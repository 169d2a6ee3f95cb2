// Encodes a body piece by piece and synchronously: the other half of StepDecoder.
import {
  createBrotliCompress,
  createDeflate,
  createDeflateRaw,
  createGzip,
  createZstdCompress,
  constants as zlib,
} from 'node:zlib';
import { SyncZlib } from '../sync-zlib.ts';
import type { Coding } from './body.ts';

interface Kind {
  readonly open: () => unknown;
  readonly process: number;
  readonly finish: number;
}

/** The body is on its way: fast rather than small. */
const fast = { level: zlib.Z_BEST_SPEED };
const flate = { process: zlib.Z_NO_FLUSH, finish: zlib.Z_FINISH };

const KINDS: Readonly<Record<Coding, Kind>> = {
  gzip: { open: () => createGzip(fast), ...flate },
  deflate: { open: () => createDeflate(fast), ...flate },
  'deflate-raw': { open: () => createDeflateRaw(fast), ...flate },
  br: {
    open: () => createBrotliCompress({ params: { [zlib.BROTLI_PARAM_QUALITY]: 2 } }),
    process: zlib.BROTLI_OPERATION_PROCESS,
    finish: zlib.BROTLI_OPERATION_FINISH,
  },
  zstd: { open: () => createZstdCompress(), process: zlib.ZSTD_e_continue, finish: zlib.ZSTD_e_end },
};

export class StepEncoder {
  readonly #kind: Kind;
  readonly #stream: SyncZlib;

  constructor(coding: Coding) {
    this.#kind = KINDS[coding];
    this.#stream = new SyncZlib(this.#kind.open());
  }

  push(bytes: Buffer, isLast: boolean): Buffer {
    if (bytes.length === 0 && !isLast) return bytes;
    const output = this.#stream.step(bytes, isLast ? this.#kind.finish : this.#kind.process);
    if (isLast) this.#stream.close();
    return output;
  }
}
