// Archives and compressed streams that begin somewhere inside other data: files in a form, texts in pictures and documents, git packs.
import { CodedPartReader, partCoding } from '../containers/coded-part.ts';
import { FileReader, fileFormat } from '../containers/files.ts';
import { GzipReader, gzipContent } from '../containers/gzip.ts';
import { isZlibHead, type MemberSink, Members, type Reader } from '../containers/members.ts';
import { openReader } from '../containers/open.ts';
import { isPackAt, PACK_HEAD, PackReader } from '../containers/pack.ts';
import { eachPart, isMultipart } from '../containers/parts.ts';
import { ZipReader, zipHeadAt } from '../containers/zip.ts';
import { asBuffer, type View } from '../view.ts';

const GZIP = Buffer.from([0x1f, 0x8b, 8]);
const ZIP_MEMBER = Buffer.from('PK\x03\x04', 'latin1');
const PDF_STREAM = Buffer.from('stream');
const PICTURE_TEXTS = [Buffer.from('zTXt'), Buffer.from('iTXt')];
const FILE_HEAD_BYTES = 512;
const ZLIB = 0x78;
/** Streams of a damaged pack that are tried. */
const TRIES = 64;
/** Longest member that is searched as a whole. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** `isTop`: archives that begin here are read by somebody else, as they come. */
export function readInside(view: View, sink: MemberSink, isTop: boolean): void {
  const data = asBuffer(view.bytes).subarray(0, view.length);
  const members = new Members(sink, WINDOW_BYTES, openReader);
  /** Where the archive ends that `reader` reads from `at` on. */
  const read = (reader: Reader, at: number): number => {
    const before = members.contentBytes;
    reader.push(data.subarray(at));
    reader.end();
    members.flush();
    if (members.contentBytes === before) sink.fail();
    return at + Math.max(1, reader.takenBytes);
  };
  const placed = (at: number): Members => {
    members.at = at;
    return members;
  };
  if (!isTop) {
    each(data, GZIP, sink, (at) =>
      (gzipContent(data, at) ?? 0) > 0 ? read(new GzipReader(placed(at), 'gzip'), at) : at + 3,
    );
    each(data, ZIP_MEMBER, sink, (at) => {
      const head = zipHeadAt(data, at);
      return head === null || head === 'short' ? at + 4 : read(new ZipReader(placed(at)), at);
    });
    const readFiles = (at: number): boolean => {
      const format = fileFormat(data.subarray(at, at + FILE_HEAD_BYTES));
      if (format !== null) read(new FileReader(placed(at), format), at);
      return true;
    };
    readFiles(0);
    if (isMultipart(data)) {
      let end = 0;
      eachPart(data, 0, data.length, (at) => {
        const coding = at < end ? null : partCoding(data, at);
        if (coding !== null) end = read(new CodedPartReader(placed(at), coding), at);
        return readFiles(at) && sink.leftBytes > 0;
      });
    }
  }
  const inflater = members.inflater('zlib');
  /** One zlib stream among others; how long it is. */
  const inflate = (kind: string, start: number): number => {
    let taken = 0;
    inflater.next();
    placed(start).begin(kind);
    for (let isDone = false; !isDone && start + taken < data.length; ) {
      const step = inflater.step(data.subarray(start + taken));
      if (step === null) {
        // Most places that look like a stream's beginning are none.
        sink.fail();
        break;
      }
      if (members.leftBytes < step.output.length) {
        members.unread({ kind: 'over_budget', detail: 'a compressed stream that holds too much' }, kind);
        break;
      }
      members.write(step.output);
      taken += step.taken;
      members.at = start + taken;
      isDone = step.isDone;
    }
    members.end();
    return taken;
  };
  if (!isTop) {
    each(data, PACK_HEAD, sink, (at) => {
      if (!isPackAt(data, at)) return at + 4;
      const reader = new PackReader(placed(at));
      let end = read(reader, at);
      if (reader.isDone && !reader.isDamaged) return end;
      // What goes on otherwise than a pack does may still be read by somebody.
      for (let tries = 0; tries < TRIES && sink.leftBytes > 0; tries++) {
        const next = data.indexOf(ZLIB, end);
        if (next < 0) break;
        end = next + Math.max(1, isZlibHead(0x78, data[next + 1] ?? 0) ? inflate('git-pack', next) : 0);
      }
      return end;
    });
  }
  for (const name of PICTURE_TEXTS) {
    each(data, name, sink, (at) => {
      const start = pictureText(data, at + 4);
      if (start !== null) inflate('deflate', start);
      return at + 4;
    });
  }
  // A PDF says which of its streams are compressed; trying them all is as good.
  each(data, PDF_STREAM, sink, (at) => {
    let start = at + PDF_STREAM.length;
    if (data[start] === 0x0d) start++;
    if (data[start] === 0x0a) start++;
    const isStream = start + 2 < data.length && isZlibHead(data[start]!, data[start + 1]!);
    return isStream ? start + Math.max(1, inflate('pdf', start)) : start;
  });
  members.close();
}

function each(data: Buffer, needle: Buffer, sink: MemberSink, visit: (at: number) => number): void {
  for (let at = data.indexOf(needle); at >= 0 && sink.leftBytes > 0; ) at = data.indexOf(needle, visit(at));
}

/** `keyword NUL method` (zTXt), or `keyword NUL 1 method language NUL title NUL` (iTXt), and then zlib. */
function pictureText(data: Buffer, from: number): number | null {
  const end = Math.min(data.length - 2, from + 256);
  for (let at = from; at < end; at++) {
    if (data[at] === 0x78 && isZlibHead(data[at]!, data[at + 1]!) && data[at - 1] === 0) return at;
  }
  return null;
}
