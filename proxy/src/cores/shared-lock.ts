// A lock that the threads of one process share, in one word of shared memory (Drepper, "Futexes are tricky", mutex 2).

const FREE = 0;
const HELD = 1;
/** Somebody waits: the holder has to wake one. */
const WANTED = 2;
/** No step under a lock takes as long: who holds it is dead, and the proxy is about to end. */
const GIVE_UP_MS = 5_000;

export class LockLost extends Error {
  override readonly name = 'LockLost';
}

export class SharedLock {
  private readonly word: Int32Array;

  /** `word`: one element of shared memory, 0 at first. */
  constructor(word: Int32Array) {
    this.word = word;
  }

  /** Runs `step` while no other thread does; throws LockLost. Not to be nested. */
  run<T>(step: () => T): T {
    this.take();
    try {
      return step();
    } finally {
      if (Atomics.exchange(this.word, 0, FREE) === WANTED) Atomics.notify(this.word, 0, 1);
    }
  }

  private take(): void {
    let was = Atomics.compareExchange(this.word, 0, FREE, HELD);
    while (was !== FREE) {
      // Marked as wanted first, so that its holder wakes us; whoever has waited keeps the mark for those behind it.
      if (was === WANTED || Atomics.compareExchange(this.word, 0, HELD, WANTED) !== FREE) {
        if (Atomics.wait(this.word, 0, WANTED, GIVE_UP_MS) === 'timed-out')
          throw new LockLost('a thread died in its step');
      }
      was = Atomics.compareExchange(this.word, 0, FREE, WANTED);
    }
  }
}
