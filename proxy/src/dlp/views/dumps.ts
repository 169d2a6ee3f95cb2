// Dumps with an offset at the beginning of each line that are no pairs of hex digits: `od`, `od -c`, `hexdump`, `xxd -b`, words of any length.
import { type Span, View } from '../view.ts';

/** Longest dump that is read, in bytes. */
const MOST_BYTES = 256 * 1024;
/** Longest line, in bytes. */
const LINE_BYTES = 200;
const LEAST_BYTES = 12;

const LINE = /^([0-9a-f]{6,16}):? ?(.*)$/i;
/** Four columns a byte: itself, an escape, or three octal digits. */
const CHARACTERS = /^(?: {3}[!-~]| {2}(?:\\\\?.|sp|nl|cr|ht)| [0-7]{3}){1,16} *$/;
const CHARACTER = / {3}([!-~])| {2}(\\\\?.|sp|nl|cr|ht)| ([0-7]{3})/g;
const CONTROLS: Readonly<Record<string, number>> = { n: 10, nl: 10, r: 13, cr: 13, t: 9, ht: 9, sp: 32 };

/** A kind of cell: in which base it is, how many bytes it holds, the lowest first. */
interface Cells {
  readonly shape: RegExp;
  readonly base: number;
  readonly bytes: number;
}
const CELLS: readonly Cells[] = [
  { shape: /^[01]{8}$/, base: 2, bytes: 1 },
  { shape: /^[0-7]{3}$/, base: 8, bytes: 1 },
  { shape: /^[0-7]{6}$/, base: 8, bytes: 2 },
  { shape: /^[0-9a-f]{2}$/, base: 16, bytes: 1 },
  { shape: /^[0-9a-f]{4}$/, base: 16, bytes: 2 },
  { shape: /^\d{5}$/, base: 10, bytes: 2 },
  { shape: /^[0-9a-f]{8}$/, base: 16, bytes: 4 },
  { shape: /^\d{10}$/, base: 10, bytes: 4 },
  { shape: /^[0-9a-f]{16}$/, base: 16, bytes: 8 },
];

/** Calls `found` with the bytes of the dump whose first line begins at `at`; returns where to go on. */
export function offsetDump(view: View, at: number, found: (child: View) => void): number {
  const isEscaped = !view.text(at, Math.min(view.length, at + LINE_BYTES)).includes('\n');
  const newline = isEscaped ? /(?<!\\)\\n/ : /\n/;
  const bytes: number[] = [];
  let end = at;
  let before = '';
  for (let start = at; start < view.length && start - at < MOST_BYTES; ) {
    const text = view.text(start, Math.min(view.length, start + LINE_BYTES));
    const stop = newline.exec(text)?.index ?? -1;
    const line = LINE.exec(text.slice(0, stop < 0 ? text.length : stop).replace(/\\?"$|\r$|\\r$/, ''));
    const row = line === null || line[1]! <= before ? null : bytesOf(line[2]!);
    if (row === null) break;
    bytes.push(...row);
    before = line![1]!;
    end = start + (stop < 0 ? text.length : stop);
    if (stop < 0) break;
    start = end + (isEscaped ? 2 : 1);
  }
  if (bytes.length < LEAST_BYTES) return at + 1;
  give(view, Buffer.from(bytes), { start: at, end }, found);
  return end;
}

function bytesOf(line: string): readonly number[] | null {
  if (CHARACTERS.test(line)) {
    return [...line.matchAll(CHARACTER)].map(([, char, control, octal]) => {
      if (char !== undefined) return char.charCodeAt(0);
      if (octal !== undefined) return Number.parseInt(octal, 8);
      return CONTROLS[control!.replaceAll('\\', '')] ?? 0;
    });
  }
  const cells = line.trim().split(/ +/);
  const kind = CELLS.find(({ shape }) => shape.test(cells[0]!));
  if (kind === undefined) return null;
  const bytes: number[] = [];
  for (const cell of cells) {
    // The text beside the cells.
    if (!kind.shape.test(cell)) break;
    let value = kind.base === 16 ? BigInt(`0x${cell}`) : BigInt(Number.parseInt(cell, kind.base));
    for (let i = 0; i < kind.bytes; i++, value >>= 8n) bytes.push(Number(value & 255n));
  }
  return bytes;
}

function give(view: View, bytes: Buffer, { start, end }: Span, found: (child: View) => void): void {
  let length = bytes.length;
  // The last word may not be full.
  while (length > 0 && bytes[length - 1] === 0) length--;
  found(new View(bytes, length, 'dump', view, { kind: 'piece', start, end }));
}
