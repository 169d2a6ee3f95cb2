// A body that is too large to hold, by how it is encoded.
import { ArchiveStream } from './archive-stream.ts';
import { CODINGS, parseCodings } from './body.ts';
import { CompressedStream, RecodedStream } from './coded-stream.ts';
import { PlainStream, type StreamOptions } from './plain-stream.ts';
import type { StreamScan, StreamStep, Unjudged } from './types.ts';

const NOTHING = Buffer.alloc(0);

export function openStream(options: StreamOptions): StreamScan {
  const codings = parseCodings(options.meta.contentEncoding);
  if (codings === null) return unread({ kind: 'undecodable', detail: 'the content-encoding is not known' });
  if (codings.length > CODINGS) return unread({ kind: 'undecodable', detail: 'too many content-encodings' });
  if (codings.length === 0) return new ArchiveStream(options, new PlainStream(options));
  return options.redact === null ? new CompressedStream(options, codings) : new RecodedStream(options, codings);
}

/** A stream that cannot be read at all. */
function unread(unjudged: Unjudged): StreamScan {
  let isSaid = false;
  const step = (release: Buffer): StreamStep => {
    const said = isSaid ? null : unjudged;
    isSaid = true;
    return { release, matches: [], unjudged: said };
  };
  return { isWrittenAnew: false, push: step, settle: () => step(NOTHING), end: () => step(NOTHING) };
}
