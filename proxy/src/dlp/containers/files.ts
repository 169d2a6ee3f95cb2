// tar, ar and cpio: files one behind the other as they are. Their bytes have been searched where they stand; what is left to look at is what
// begins with each of them, and names that are written in two places.
//
// Sources: POSIX pax (ustar), GNU tar "Basic Tar Format", ar(5), cpio(5) "New ASCII Format".
import { isTarHead, type Members } from './members.ts';
import { StepReader } from './step-reader.ts';

interface FileHead {
  readonly headBytes: number;
  readonly bytes: number;
  /** Behind the content, up to the next head. */
  readonly padBytes: number;
  /** A name that is put together; '' for one that stands in one piece. */
  readonly name: string;
}

interface Format {
  readonly kind: string;
  /** Before the first file. */
  readonly startBytes: number;
  readonly headBytes: number;
  /** null: no more files. */
  readonly readHead: (head: Buffer) => FileHead | null;
}

const TAR: Format = {
  kind: 'tar',
  startBytes: 0,
  headBytes: 512,
  readHead(head) {
    if (!isTarHead(head)) return null;
    const bytes = tarNumber(head, 124, 12);
    if (bytes === null) return null;
    const prefix = textAt(head, 345, 155);
    const isGnu = head[263] === 0x20;
    const name = prefix === '' || isGnu ? '' : `${prefix}/${textAt(head, 0, 100)}`;
    return { headBytes: 512, bytes, padBytes: (512 - (bytes % 512)) % 512, name };
  },
};

const AR: Format = {
  kind: 'ar',
  startBytes: 8,
  headBytes: 60,
  readHead(head) {
    if (head[58] !== 0x60 || head[59] !== 0x0a) return null;
    const bytes = Number.parseInt(textAt(head, 48, 10), 10);
    return Number.isNaN(bytes) ? null : { headBytes: 60, bytes, padBytes: bytes % 2, name: '' };
  },
};

const CPIO: Format = {
  kind: 'cpio',
  startBytes: 0,
  headBytes: 110,
  readHead(head) {
    if (!/^07070[12]$/.test(head.toString('latin1', 0, 6))) return null;
    const bytes = Number.parseInt(head.toString('latin1', 54, 62), 16);
    const nameBytes = Number.parseInt(head.toString('latin1', 94, 102), 16);
    if (Number.isNaN(bytes) || Number.isNaN(nameBytes)) return null;
    return { headBytes: 110 + nameBytes + pad4(110 + nameBytes), bytes, padBytes: pad4(bytes), name: '' };
  },
};

const pad4 = (length: number): number => (4 - (length % 4)) % 4;

/** The format of what begins with `head`; null for another. */
export function fileFormat(head: Buffer): Format | null {
  if (isTarHead(head)) return TAR;
  const start = head.toString('latin1', 0, 8);
  if (start === '!<arch>\n') return AR;
  return /^07070[12]/.test(start) ? CPIO : null;
}

export class FileReader extends StepReader {
  readonly #format: Format;
  #skip: number;
  #left = 0;
  #pad = 0;
  #isInFile = false;

  constructor(members: Members, format: Format) {
    super(members);
    this.#format = format;
    this.#skip = format.startBytes;
  }

  end(): void {
    this.#endFile();
    this.isDone = true;
  }

  /** Bytes taken; -1 when more are needed. */
  protected take(input: Buffer): number {
    if (this.#skip > 0) {
      const taken = Math.min(this.#skip, input.length);
      this.#skip -= taken;
      return taken;
    }
    if (this.#isInFile) {
      const taken = Math.min(this.#left, input.length);
      this.#left -= taken;
      this.members.write(input.subarray(0, taken));
      if (this.#left === 0) this.#endFile();
      return taken;
    }
    const { headBytes, readHead, kind } = this.#format;
    if (input.length < headBytes) return -1;
    const head = readHead(input.subarray(0, headBytes));
    if (head === null) {
      this.isDone = true;
      return 0;
    }
    if (head.name !== '') this.members.add(`${kind} > name`, Buffer.from(head.name, 'latin1'));
    this.#left = head.bytes;
    this.#pad = head.padBytes;
    this.#isInFile = true;
    this.#skip = head.headBytes - headBytes;
    this.members.begin(kind, true);
    if (head.bytes === 0) this.#endFile();
    return headBytes;
  }

  #endFile(): void {
    if (!this.#isInFile) return;
    this.members.end();
    this.#isInFile = false;
    this.#skip += this.#pad;
  }
}

const textAt = (head: Buffer, at: number, length: number): string => {
  const text = head.toString('latin1', at, at + length);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
};

/** Octal digits, or, with the first bit set, a number in base 256. */
function tarNumber(head: Buffer, at: number, length: number): number | null {
  if ((head[at]! & 0x80) !== 0) {
    let value = head[at]! & 0x3f;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + head[i]!;
    return Number.isSafeInteger(value) ? value : null;
  }
  const text = textAt(head, at, length).trim();
  return text === '' ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : null;
}
