// Runs rules in a thread of their own and waits for the answer, no longer than a deadline; a thread that misses it is replaced.
//
// The wait blocks the event loop: an answer takes some tens of microseconds, and only for text that holds a rule's keyword. What makes it
// long is the agent's own text, and the loop serves that agent alone.
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { ThirdPartyRule } from '../../contract.ts';
import type { RuleHit } from './run-rules.ts';

export interface RuleQuestion {
  readonly id: number;
  readonly text: string;
  readonly indexes: readonly number[];
}

export interface RuleAnswer {
  readonly id: number;
  readonly hits: readonly RuleHit[];
}

/** What the search of one message asks; null when its time is over. */
export type AskRules = (text: string, indexes: readonly number[]) => readonly RuleHit[] | null;
/** Begins a message. */
export type OpenRules = () => AskRules;

export interface RuleRunner {
  readonly open: OpenRules;
  close(): void;
}

/** Value of the shared word when an answer lies in the port. */
export const ANSWERED = 1;
const WAITING = 0;
/** A thread that starts loads and compiles all rules, in ms. */
const START_MS = 10_000;

/** Time for one message, in ms: the engine reads about 1 MB a second with a rule of gitleaks' own kind. */
const DEADLINE_MS = 3_000;

/** What a scanner needs of a configuration's rules; starts their thread. */
export function rulesOf(
  rules: readonly ThirdPartyRule[] | undefined,
): { readonly list: readonly ThirdPartyRule[]; readonly open: OpenRules } | null {
  if (rules === undefined || rules.length === 0) return null;
  return { list: rules, open: startRuleRunner(rules, DEADLINE_MS).open };
}

/** `deadlineMs`: for all questions about one message together. */
export function startRuleRunner(rules: readonly ThirdPartyRule[], deadlineMs: number): RuleRunner {
  let thread: Thread | null = new Thread(rules);
  return {
    open() {
      let leftMs = deadlineMs;
      return (text, indexes) => {
        if (leftMs <= 0) return null;
        thread ??= new Thread(rules);
        const began = performance.now();
        const hits = thread.ask(text, indexes, leftMs);
        leftMs -= performance.now() - began;
        if (hits !== null) return hits;
        leftMs = 0;
        thread.close();
        thread = null;
        return null;
      };
    },
    close() {
      thread?.close();
      thread = null;
    },
  };
}

class Thread {
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  readonly #port: MessagePort;
  readonly #worker: Worker;
  #asked = 0;

  constructor(rules: readonly ThirdPartyRule[]) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { rules, port: port2, signal: this.#signal },
      transferList: [port2],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#worker.unref();
    this.#port.unref();
    if (this.#answer(0, START_MS) === null) throw new Error('the thread of the rules did not start');
  }

  ask(text: string, indexes: readonly number[], deadlineMs: number): readonly RuleHit[] | null {
    const id = ++this.#asked;
    Atomics.store(this.#signal, 0, WAITING);
    this.#port.postMessage({ id, text, indexes } satisfies RuleQuestion);
    return this.#answer(id, deadlineMs);
  }

  close(): void {
    this.#port.close();
    void this.#worker.terminate();
  }

  #answer(id: number, deadlineMs: number): readonly RuleHit[] | null {
    if (Atomics.wait(this.#signal, 0, WAITING, deadlineMs) === 'timed-out') return null;
    const received = receiveMessageOnPort(this.#port);
    const answer = received?.message as RuleAnswer | undefined; // from worker.ts
    return answer?.id === id ? answer.hits : null;
  }
}
