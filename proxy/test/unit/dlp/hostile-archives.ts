// Archives that cost more than they hold: nothing but heads, members without content, streams without end.
import { brotliCompressSync, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { random } from './samples.ts';

/** As many of what `make` gives as fit. */
function rows(bytes: number, make: (index: number) => Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0, index = 0; length < bytes; index++) {
    const part = make(index);
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}

function zipEntry(name: string, content: string, method: 0 | 8): { readonly member: Buffer; readonly entry: Buffer } {
  const data = method === 0 ? Buffer.from(content) : deflateRawSync(content);
  const member = Buffer.alloc(30);
  member.write('PK\x03\x04', 'latin1');
  member.writeUInt16LE(method, 8);
  member.writeUInt32LE(crc32(content), 14);
  member.writeUInt32LE(data.length, 18);
  member.writeUInt32LE(content.length, 22);
  member.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.write('PK\x01\x02', 'latin1');
  member.copy(entry, 6, 4, 28);
  return {
    member: Buffer.concat([member, Buffer.from(name), data]),
    entry: Buffer.concat([entry, Buffer.from(name)]),
  };
}

/** A whole zip of `bytes` with as many entries as that takes. */
function zip(bytes: number, content: string, method: 0 | 8): Buffer {
  const members: Buffer[] = [];
  const entries: Buffer[] = [];
  for (let length = 0, index = 0; length < bytes; index++) {
    const { member, entry } = zipEntry(`f${index}`, content, method);
    members.push(member);
    entries.push(entry);
    length += member.length + entry.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length & 0xffff, 8);
  end.writeUInt16LE(entries.length & 0xffff, 10);
  end.writeUInt32LE(Buffer.concat(entries).length, 12);
  end.writeUInt32LE(Buffer.concat(members).length, 16);
  return Buffer.concat([...members, ...entries, end]);
}

export function tarFile(name: string, content: string): Buffer {
  const head = Buffer.alloc(512);
  head.write(name, 'latin1');
  head.write('0000644\0', 100, 'latin1');
  head.write(content.length.toString(8).padStart(11, '0'), 124, 'latin1');
  head.write('ustar\0', 257, 'latin1');
  head.write('00', 263, 'latin1');
  head.fill(' ', 148, 156);
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return Buffer.concat([head, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const PART = '--b\r\nContent-Encoding: ';
const word = (): string => random.chars('a-z', 8);

/** Bodies of a given length. Those of many members are longer by what one member takes. */
export const HOSTILE_ARCHIVES: Readonly<Record<string, (bytes: number) => Buffer>> = {
  'tiny gzip members': (bytes) => rows(bytes, () => gzipSync('x')),
  'empty gzip members': (bytes) => rows(bytes, () => gzipSync('')),
  'gzip members with text between': (bytes) =>
    rows(bytes, () => Buffer.concat([Buffer.from(word()), gzipSync(word())])),
  'gzip heads alone': (bytes) => rows(bytes, () => gzipSync('x').subarray(0, 12)),
  'gzip heads whose name goes on': (bytes) => rows(bytes, () => Buffer.from('1f8b0808000000000003', 'hex')),
  'a zip of stored entries': (bytes) => zip(bytes, 'x', 0),
  'a zip of packed entries': (bytes) => zip(bytes, 'some words in it', 8),
  'a zip of empty entries': (bytes) => zip(bytes, '', 0),
  'zip heads alone': (bytes) => rows(bytes, () => zipEntry('', '', 8).member.subarray(0, 30)),
  'a tar of empty files': (bytes) => rows(bytes, (index) => tarFile(`f${index}`, '')),
  'a tar of tiny files': (bytes) => rows(bytes, (index) => tarFile(`f${index}`, word())),
  'a tar of gzip files': (bytes) => rows(bytes, (index) => tarFile(`f${index}`, gzipSync(word()).toString('latin1'))),
  'base64 of gzip heads': (bytes) => Buffer.from('H4sI'.repeat(bytes / 4)),
  'base64 of gzip heads, apart': (bytes) => Buffer.from('H4sI '.repeat(bytes / 5)),
  'base64 of zip heads': (bytes) => Buffer.from('UEsDB'.repeat(bytes / 5)),
  'base64 of tiny gzip members': (bytes) => Buffer.from(rows(bytes * 0.75, () => gzipSync('x')).toString('base64')),
  'base64 of tiny gzip members, apart': (bytes) =>
    rows(bytes, () => Buffer.from(`${gzipSync(word()).toString('base64')}\n`)),
  'texts of pictures': (bytes) => rows(bytes, () => Buffer.concat([Buffer.from('zTXta\0\0'), deflateSync('x')])),
  'streams of documents': (bytes) => rows(bytes, () => Buffer.concat([Buffer.from('stream\r\n'), deflateSync('x')])),
  'heads of packs': (bytes) => rows(bytes, () => Buffer.from('PACK\0\0\0\x02\0\0\0\x02\x3c', 'latin1')),
  'parts that say br': (bytes) => rows(bytes, () => Buffer.from(`${PART}br\r\n\r\n`)),
  'tiny parts in br': (bytes) =>
    rows(bytes, () => Buffer.concat([Buffer.from(`${PART}br\r\n\r\n`), brotliCompressSync('x'), Buffer.from('\r\n')])),
  'parts in base64 that say zstd': (bytes) =>
    rows(bytes, () => Buffer.from(`${PART}zstd\r\nContent-Transfer-Encoding: base64\r\n\r\nKLUv/SAB\r\n`)),
  'empty lines of a form': (bytes) => Buffer.from(`--b${'\r\n\r\n'.repeat(bytes / 4)}`),
};
