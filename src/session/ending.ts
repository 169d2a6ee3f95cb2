// What can end a session from our side: signals to the CLI, and a bug in it. While the agent runs, a signal is the agent's first.
import type { LiveContainer } from '../engine/live-container.ts';
import { type EndSignal, onSignals, SIGNAL_NUMBERS } from './signals.ts';

/** Time for an agent to end after a signal that was passed on, in ms. */
const GRACE_MS: Readonly<Record<EndSignal, number>> = {
  SIGINT: 10_000,
  SIGTERM: 10_000,
  SIGQUIT: 10_000,
  SIGHUP: 3000,
};

export class Ending {
  readonly #abort = new AbortController();
  readonly #stopListening: () => void;
  #agent: LiveContainer | undefined;
  #by: EndSignal | undefined;
  #grace: NodeJS.Timeout | undefined;

  constructor() {
    const stopSignals = onSignals((signal, count) => this.#onSignal(signal, count));
    const onBug = (error: unknown) => this.#abort.abort(error);
    process.on('uncaughtException', onBug);
    process.on('unhandledRejection', onBug);
    this.#stopListening = () => {
      stopSignals();
      process.off('uncaughtException', onBug);
      process.off('unhandledRejection', onBug);
    };
  }

  /** Aborts when the session has to end now. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when `signal` aborts. */
  get ended(): Promise<'ended'> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve('ended');
      else this.signal.addEventListener('abort', () => resolve('ended'), { once: true });
    });
  }

  /** From now on a first signal goes to the agent, which may end by it in its own way. */
  forwardTo(agent: LiveContainer): void {
    this.#agent = agent;
  }

  /** Exit code, when it was a signal that ended us: as a shell counts. */
  get exitCode(): number | undefined {
    return this.signal.aborted && this.#by !== undefined ? 128 + SIGNAL_NUMBERS[this.#by] : undefined;
  }

  close(): void {
    clearTimeout(this.#grace);
    this.#stopListening();
  }

  #onSignal(signal: EndSignal, count: number): void {
    this.#by ??= signal;
    const stop = () => this.#abort.abort(new Error(`ended by ${signal}`));
    if (this.#agent === undefined || count > 1) {
      stop();
      return;
    }
    this.#grace = setTimeout(stop, GRACE_MS[signal]);
    // It may be ending already; then there is nobody left to tell.
    void this.#agent.container.kill({ signal }).catch(() => undefined);
  }
}
