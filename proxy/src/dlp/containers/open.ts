// Which reader an archive needs, by its first bytes.
import { FileReader, fileFormat } from './files.ts';
import { GzipReader, gzipContent } from './gzip.ts';
import type { OpenReader } from './members.ts';
import { isPackAt, PackReader } from './pack.ts';
import { ZipReader, zipHeadAt } from './zip.ts';

export const openReader: OpenReader = (head, members) => {
  if (isPackAt(head, 0)) return new PackReader(members);
  // A head that is longer than what is there goes on.
  if (zipHeadAt(head, 0) !== null && head.length >= LEAST_BYTES) return new ZipReader(members);
  if (gzipContent(head, 0) !== null && head.length >= LEAST_BYTES) return new GzipReader(members, 'gzip');
  const format = fileFormat(head);
  return format === null ? null : new FileReader(members, format);
};

const LEAST_BYTES = 30;
