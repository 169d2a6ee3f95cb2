// The sweep in WebAssembly: copies a block into its memory and hands out what it wrote there. The layout is that of sweep.wat.
import {
  BLOCK_BYTES,
  DENSE_STEP,
  DIGITS_STEP,
  HIGH_STEP,
  LEADS,
  RUN_CHARS,
  SPARSE_STEP,
  type Sweeper,
  type SweepTables,
  type Swept,
  WORDS_STEP,
} from './sweep.ts';
import { SWEEP_CODE } from './sweep-code.ts';

const PIECES = 0;
const WINDOWS = 65_536;
const CLASSES = 131_072;
const CARRY = 131_136;
const INPUT = 131_200;
const OUT_WINDOWS = 196_608;
const OUT_RUNS = 327_744;
const OUT_SPARSE = 344_192;
const OUT_DIGITS = 348_416;
const OUT_WORDS = 356_608;
const ROWS = 364_832;
const LISTED = 368_640;
const OUT_DENSE = 372_736;
const OUT_HIGH = 380_992;
const STATE = 389_264;
const KINDS = 389_296;
const LEAD_TABLES = 389_312;

type Rectangle = readonly [bit: number, highs: string, lows: string];

/** Each class is a set of bytes whose high and low halves can be chosen freely: hex digits. */
const BYTE_CLASSES: readonly Rectangle[] = [
  [0x01, '46', '123456789abcdef'], // A-O a-o
  [0x02, '57', '0123456789a'], // P-Z p-z
  [0x04, '3', '0123456789'],
  [0x08, '2', 'bdf'], // + - /
  [0x10, '5', 'f'], // _
  [0x20, '2', '56'], // % &
  [0x40, '5', 'c'], // backslash
  [0x80, '0', '0'],
];
/** Hex digits, `x`, and what stands between groups of them. */
const DUMP_CLASSES: readonly Rectangle[] = [
  [0x01, '3', '0123456789abd'], // 0-9 : ; =
  [0x02, '46', '123456'],
  [0x04, '57', '8'],
  [0x08, '2', '0cde'], // space , - .
  [0x10, '0', '9ad'],
];

/** Lower-case letters, and what stands between words: LOWER and BETWEEN of seek.ts. */
const ROW_CLASSES: readonly Rectangle[] = [
  [0x01, '6', '0123456789abcdef'], // ` a-o
  [0x02, '7', '0123456789ac'], // p-z |
  [0x04, '3', '0123456789ab'], // 0-9 : ;
  [0x08, '2', '0279cde'], // space " ' ) , - .
  [0x10, '5', 'c'], // backslash
  [0x20, '0', '9ad'],
];

/** Kinds of bytes by their high half: signs, digits, capitals, small letters. */
const KIND_TABLE = [0, 0, 1, 2, 3, 3, 4, 4];

const LEAD_CLASSES: readonly Rectangle[] = [14, 15].map((high) => [
  1 << (high - 14),
  high.toString(16),
  LEADS.filter((lead) => lead >> 4 === high)
    .map((lead) => (lead & 15).toString(16))
    .join(''),
]);

/** A byte is of a class when the class's bit is set for both of its halves. */
function halfTables(classes: readonly Rectangle[]): Uint8Array {
  const tables = new Uint8Array(32);
  for (const [bit, highs, lows] of classes) {
    for (const low of lows) tables[Number.parseInt(low, 16)]! |= bit;
    for (const high of highs) tables[16 + Number.parseInt(high, 16)]! |= bit;
  }
  return tables;
}

/** The part of the platform that is used; its types come with browsers only. */
interface Platform {
  readonly WebAssembly: {
    validate(code: Uint8Array): boolean;
    Module: new (code: Uint8Array) => object;
    Instance: new (module: object) => { readonly exports: unknown };
  };
}
const { WebAssembly } = globalThis as unknown as Platform;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly sweep: (length: number, base: number) => number;
}

/** Null where WebAssembly has no SIMD. */
export function createSimdSweeper(tables: SweepTables): Sweeper | null {
  const code = Buffer.from(SWEEP_CODE, 'base64');
  if (!WebAssembly.validate(code)) return null;
  // The cast names what sweep.wat exports.
  const { memory, sweep } = new WebAssembly.Instance(new WebAssembly.Module(code)).exports as Exports;
  const { buffer } = memory;
  const input = new Uint8Array(buffer);
  const state = new Int32Array(buffer, CARRY, 7);
  input.set(tables.pieces, PIECES);
  new Uint32Array(buffer, WINDOWS).set(tables.windows);
  input.set(halfTables(BYTE_CLASSES), CLASSES);
  input.set(halfTables(DUMP_CLASSES), CLASSES + 32);
  input.set(halfTables(ROW_CLASSES), ROWS);
  input.set(tables.words, LISTED);
  input.set(KIND_TABLE, KINDS);
  input.set(halfTables(LEAD_CLASSES), LEAD_TABLES);
  const counts = new Int32Array(buffer, STATE + 12, 2);
  const swept: Swept = {
    classes: 0,
    windows: new Int32Array(buffer, OUT_WINDOWS, BLOCK_BYTES),
    windowCount: 0,
    runs: new Int32Array(buffer, OUT_RUNS, BLOCK_BYTES / 8),
    runCount: 0,
    sparse: new Int32Array(buffer, OUT_SPARSE, BLOCK_BYTES / SPARSE_STEP),
    sparseCount: 0,
    digits: new Int32Array(buffer, OUT_DIGITS, BLOCK_BYTES / DIGITS_STEP),
    digitsCount: 0,
    words: new Int32Array(buffer, OUT_WORDS, BLOCK_BYTES / WORDS_STEP),
    wordsCount: 0,
    dense: new Int32Array(buffer, OUT_DENSE, BLOCK_BYTES / DENSE_STEP),
    denseCount: 0,
    high: new Int32Array(buffer, OUT_HIGH, BLOCK_BYTES / HIGH_STEP),
    highCount: 0,
  };
  return {
    kind: 'simd',
    swept,
    sweep(bytes, length, from) {
      const to = Math.min(length, from + BLOCK_BYTES);
      const isLast = to === length;
      // A window may begin a byte before the block and end three bytes after it, a row of words begins sixteen before it.
      const first = Math.max(0, from - WORDS_STEP);
      const last = Math.min(length, to + 3);
      input.set(first === 0 && last === bytes.length ? bytes : bytes.subarray(first, last), INPUT + first - from);
      const rounded = Math.ceil((to - from) / SPARSE_STEP) * SPARSE_STEP;
      // Spaces are of no class.
      if (isLast) input.fill(0x20, INPUT + to - from, INPUT + rounded + SPARSE_STEP);
      if (from === 0) {
        state[0] = 0;
        state[6] = 0;
        input[INPUT - 1] = 0x20;
        input.fill(0, STATE, STATE + 12);
      }
      swept.classes = sweep(rounded, from);
      swept.windowCount = state[1]!;
      swept.runCount = state[2]!;
      swept.sparseCount = state[3]!;
      swept.digitsCount = state[4]!;
      swept.wordsCount = state[5]!;
      swept.denseCount = counts[0]!;
      swept.highCount = counts[1]!;
      if (isLast) finish(swept, length, state[0]!);
    },
  };
}

/** What the spaces behind the view's end made up, and the run that ends with the view. */
function finish(swept: Swept, length: number, carry: number): void {
  while (swept.windowCount > 0 && swept.windows[swept.windowCount - 1]! > length - 4) swept.windowCount--;
  while (swept.sparseCount > 0 && swept.sparse[swept.sparseCount - 1]! > length - RUN_CHARS) swept.sparseCount--;
  if (carry < RUN_CHARS || length % SPARSE_STEP !== 0) return;
  swept.runs[swept.runCount++] = length - carry;
  swept.runs[swept.runCount++] = length;
}
