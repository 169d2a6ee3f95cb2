// Compressed data inside other data: zlib and Zstandard by their first bytes, brotli and raw deflate by trying.
import {
  brotliDecompressSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
  constants as zlib,
  zstdDecompressSync,
} from 'node:zlib';
import { mayBeUnreadable } from '../containers/unreadable.ts';
import { asBuffer, View } from '../view.ts';
import { mayBeBrotli, mayBeRawDeflate } from './stream-heads.ts';

/** Most bytes of data without a telling head that are tried. */
const TRIED_BYTES = 64 * 1024;
/** Shortest stream that is looked into, in bytes. */
export const LEAST_STREAM = 16;

export interface Inflated {
  readonly child: View | null;
  /** It would have decoded to more than the budget. */
  readonly isOverBudget: boolean;
}

const NOTHING: Inflated = { child: null, isOverBudget: false };

/** Decompresses `view` when it is, or may be, a compressed stream; the output may be `mostBytes` long. */
export function inflateView(view: View, mostBytes: number, mayTry: () => boolean): Inflated {
  const { bytes, length } = view;
  if (length < LEAST_STREAM) return NOTHING;
  const data = asBuffer(bytes).subarray(0, length);
  // Without an end marker what came so far counts: a cut stream is still readable at the other side.
  const flate: Options = { maxOutputLength: mostBytes, finishFlush: zlib.Z_SYNC_FLUSH };
  // gzip says more in its head: it is looked for in the middle of data too, and read there.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return NOTHING;
  if ((bytes[0]! & 0x0f) === 8 && bytes[0]! <= 0x78 && ((bytes[0]! << 8) | bytes[1]!) % 31 === 0) {
    const result = attempt(view, 'deflate', inflateSync, data, flate);
    if (result !== NOTHING) return result;
  }
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) {
    return attempt(view, 'zstd', zstdDecompressSync, data, { maxOutputLength: mostBytes });
  }
  if (length > TRIED_BYTES || isKnownFormat(bytes)) return NOTHING;
  const isBrotli = mayBeBrotli(bytes, length);
  const isDeflate = mayBeRawDeflate(bytes, length);
  if ((!isBrotli && !isDeflate) || !mayTry()) return NOTHING;
  if (isBrotli) {
    const brotli = attempt(view, 'br', brotliDecompressSync, data, { maxOutputLength: mostBytes });
    if (brotli.child !== null && brotli.child.length > 0) return brotli;
  }
  if (!isDeflate) return NOTHING;
  const raw = attempt(view, 'deflate', inflateRawSync, data, { maxOutputLength: mostBytes });
  return raw.child !== null && raw.child.length >= LEAST_STREAM ? raw : NOTHING;
}

/** Whether something that begins so is worth a view: the first bytes that `inflateView`, or an archive, may have. */
export function mayBeInflated(first: number, second: number): boolean {
  const block = first & 0x07;
  return (
    (block >= 3 && block <= 5) ||
    (first & 0x09) === 0x09 ||
    ((first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0) ||
    (first === 0x28 && second === 0xb5) ||
    (first === 0x50 && second === 0x4b) ||
    mayBeUnreadable(first, second)
  );
}

type Options = Pick<ZlibOptions, 'maxOutputLength' | 'finishFlush'>;

function attempt(
  view: View,
  kind: string,
  inflate: (data: Buffer, options: Options) => Buffer,
  data: Buffer,
  options: Options,
): Inflated {
  try {
    const bytes = inflate(data, options);
    return {
      child: new View(bytes, bytes.length, kind, view, { kind: 'piece', start: 0, end: view.length }),
      isOverBudget: false,
    };
  } catch (cause) {
    if (isTooLarge(cause)) return { child: null, isOverBudget: true };
    return NOTHING; // Not such a stream: most data is not.
  }
}

export const isTooLarge = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';

/** Pictures, documents, archives and programs say what they are. */
function isKnownFormat(bytes: Uint8Array): boolean {
  const word = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
  switch (word) {
    case 0x89504e47: // PNG
    case 0x47494638: // GIF
    case 0x52494646: // RIFF: WebP, WAV
    case 0x25504446: // PDF
    case 0x504b0304: // ZIP
    case 0x0061736d: // WebAssembly
    case 0x774f4632: // WOFF2
      return true;
    default:
      return word >>> 8 === 0xffd8ff; // JPEG
  }
}
