// Where requests wait for a person. One in each thread; the questions go to the first thread, which tells every one of them the answers.
import { newRecordId } from '../audit/record.ts';
import type { HeldEvent, ReleasedEvent, StaleEvent } from '../contract.ts';
import type { SharedCount } from '../cores/shared-count.ts';

/** Held at the same time, in all threads: a person could not look at more. */
export const MOST_HELD = 64;
/** Answers that are remembered; past it a person is asked each time. */
const MOST_REMEMBERED = 4096;

/** `always`: as a person said before. `full`: too many wait already. */
export type Answer = 'approved' | 'always' | 'denied' | 'timeout' | 'client' | 'full';

export type Question = Omit<HeldEvent, 'event' | 'id' | 'waitsMs'> & {
  /** What `always` remembers. */
  readonly keys: readonly string[];
  /** What any approval remembers. */
  readonly sessionKeys: readonly string[];
};

export type PersonsWord = { readonly do: 'approve' | 'deny'; readonly id: string; readonly always?: boolean };

/** The way out of a thread. */
export interface HoldDesk {
  emit(event: HeldEvent | ReleasedEvent | StaleEvent): void;
  /** To be told to every thread, ours as well. */
  remember(keys: readonly string[]): void;
}

export interface Wait {
  readonly answer: Promise<Answer>;
  /** The client has gone. Fine to call when all is over. */
  leave(): void;
}

interface Waiting {
  readonly keys: readonly string[];
  readonly sessionKeys: readonly string[];
  /** Nothing that is remembered is an answer. */
  readonly isEach: boolean;
  end(answer: Exclude<Answer, 'full'>): void;
}

export class WaitingRoom {
  private readonly waiting = new Map<string, Waiting>();
  private readonly remembered = new Set<string>();
  readonly timeoutMs: number;
  /** Of those that wait, in all threads. */
  private readonly count: SharedCount;
  private readonly desk: HoldDesk;

  constructor(timeoutMs: number, count: SharedCount, desk: HoldDesk) {
    this.timeoutMs = timeoutMs;
    this.count = count;
    this.desk = desk;
  }

  ask({ keys, sessionKeys, ...question }: Question): Wait {
    const isEach = question.confirm === 'each';
    if (this.isKnown({ keys, sessionKeys, isEach })) return answered('always');
    if (this.count.add(1) > MOST_HELD) {
      this.count.add(-1);
      return answered('full');
    }
    // A new one each time: an answer that comes twice, or late, is to nobody.
    const id = newRecordId();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const end: Waiting['end'] = (answer) => {
      if (!this.waiting.delete(id)) return;
      clearTimeout(timer);
      this.count.add(-1);
      const by = answer === 'timeout' || answer === 'client' ? answer : 'person';
      this.desk.emit({ event: 'released', id, by });
      resolve(answer);
    };
    const timer = setTimeout(() => end('timeout'), this.timeoutMs);
    this.waiting.set(id, { keys, sessionKeys, isEach, end });
    this.desk.emit({ event: 'held', id, ...question, waitsMs: this.timeoutMs });
    return { answer: promise, leave: () => end('client') };
  }

  /** Who waits in another thread, or no longer, is not ours. */
  decide({ do: word, id, always }: PersonsWord): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    waiting.end(word === 'approve' ? 'approved' : 'denied');
    if (word !== 'approve') return;
    const { keys, sessionKeys } = waiting;
    const known = always === true ? [...sessionKeys, ...keys] : sessionKeys;
    if (known.length > 0) this.desk.remember(known);
  }

  remember(keys: readonly string[]): void {
    for (const key of keys) if (this.remembered.size < MOST_REMEMBERED) this.remembered.add(key);
    // Those who asked the same meanwhile have their answer, too.
    for (const waiting of [...this.waiting.values()]) if (this.isKnown(waiting)) waiting.end('always');
  }

  private isKnown({ keys, sessionKeys, isEach }: Pick<Waiting, 'keys' | 'sessionKeys' | 'isEach'>): boolean {
    if (isEach || keys.length + sessionKeys.length === 0) return false;
    return [...keys, ...sessionKeys].every((key) => this.remembered.has(key));
  }
}

function answered(answer: Answer): Wait {
  return { answer: Promise.resolve(answer), leave: () => {} };
}
