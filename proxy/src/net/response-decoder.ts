// Decodes a content-encoded response as it streams, so that injected values can be found in it.
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';

export interface DecodedSink {
  onDecoded(chunk: Buffer): void;
  onDecodedEnd(): void;
  onUndecodable(): void;
  /** Encoded bytes are welcome again after `push` returned false. */
  onDecoderDrain(): void;
}

export interface ResponseDecoder {
  /** False = wait for onDecoderDrain. */
  push(chunk: Buffer): boolean;
  end(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** null for an encoding, or a chain of them, that we do not know. */
export function createResponseDecoder(contentEncoding: string, sink: DecodedSink): ResponseDecoder | null {
  const decoder = createTransform(contentEncoding);
  if (decoder === null) return null;
  let isOver = false;
  decoder.on('data', (chunk: Buffer) => sink.onDecoded(chunk));
  decoder.on('end', () => {
    isOver = true;
    sink.onDecodedEnd();
  });
  decoder.on('drain', () => sink.onDecoderDrain());
  decoder.on('error', () => {
    if (!isOver) sink.onUndecodable();
    isOver = true;
  });
  return {
    push: (chunk) => decoder.write(chunk),
    end: () => decoder.end(),
    pause: () => decoder.pause(),
    resume: () => decoder.resume(),
    destroy: () => {
      isOver = true;
      decoder.destroy();
    },
  };
}

function createTransform(contentEncoding: string): Transform | null {
  switch (contentEncoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    default:
      return null;
  }
}
