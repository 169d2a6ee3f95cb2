// What the sweep saw in a view besides needles: kept until the view has been decoded.
import type { Swept } from './sweep.ts';

export class Marks {
  /** Which classes of bytes occur; see sweep.ts. */
  classes = 0;
  /** Start and end of each long run of base64 characters. */
  runs = new Int32Array(512);
  runCount = 0;
  /** Where text may be cut into small pieces. */
  sparse = new Int32Array(512);
  sparseCount = 0;
  /** Where many digits stand; see sweep.ts. */
  digits = new Int32Array(512);
  digitsCount = 0;
  /** Where rows of words may stand. */
  words = new Int32Array(512);
  wordsCount = 0;
  /** Where dense text may end, or go on. */
  dense = new Int32Array(512);
  denseCount = 0;
  /** Blocks with characters outside ASCII that matter; see sweep.ts. */
  high = new Int32Array(512);
  highCount = 0;

  clear(): void {
    this.classes = 0;
    this.runCount = 0;
    this.sparseCount = 0;
    this.digitsCount = 0;
    this.wordsCount = 0;
    this.denseCount = 0;
    this.highCount = 0;
  }

  add(swept: Swept): void {
    this.classes |= swept.classes;
    this.runs = added(this.runs, this.runCount, swept.runs, swept.runCount);
    this.runCount += swept.runCount;
    this.sparse = added(this.sparse, this.sparseCount, swept.sparse, swept.sparseCount);
    this.sparseCount += swept.sparseCount;
    this.digits = added(this.digits, this.digitsCount, swept.digits, swept.digitsCount);
    this.digitsCount += swept.digitsCount;
    this.words = added(this.words, this.wordsCount, swept.words, swept.wordsCount);
    this.wordsCount += swept.wordsCount;
    this.dense = added(this.dense, this.denseCount, swept.dense, swept.denseCount);
    this.denseCount += swept.denseCount;
    this.high = added(this.high, this.highCount, swept.high, swept.highCount);
    this.highCount += swept.highCount;
  }

  has(classes: number): boolean {
    return (this.classes & classes) !== 0;
  }
}

function added(
  all: Int32Array<ArrayBuffer>,
  count: number,
  more: Int32Array,
  moreCount: number,
): Int32Array<ArrayBuffer> {
  let room = all;
  if (count + moreCount > all.length) {
    room = new Int32Array((count + moreCount) * 2);
    room.set(all.subarray(0, count));
  }
  for (let i = 0; i < moreCount; i++) room[count + i] = more[i]!;
  return room;
}
