// A number that all threads of the proxy count together.

export class SharedCount {
  readonly memory: SharedArrayBuffer;
  private readonly word: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.word = new Int32Array(memory);
  }

  get value(): number {
    return Atomics.load(this.word, 0);
  }

  /** What it is now. */
  add(difference: number): number {
    return Atomics.add(this.word, 0, difference) + difference;
  }
}
