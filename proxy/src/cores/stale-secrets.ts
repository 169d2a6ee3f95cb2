// Which secrets services no longer accept: said once a second for each, however often an agent tries. Answers that refuse one which can be renewed wait
// until that has been tried: clients try again at once, and then find the new value in place.
const PAUSE_MS = 1000;
/** An answer waits no longer. */
const PATIENCE_MS = 10_000;

export class StaleSecrets {
  private readonly saidAt = new Map<string, number>();
  private readonly say: (secret: string) => void;
  private readonly renewable: ReadonlySet<string>;
  private readonly now: () => number;
  private trial: { readonly secrets: Set<string>; readonly over: Promise<void>; end(): void } | null = null;

  constructor(
    say: (secret: string) => void,
    renewable: ReadonlySet<string> = new Set(),
    now: () => number = () => performance.now(),
  ) {
    this.say = say;
    this.renewable = renewable;
    this.now = now;
  }

  /** Resolves when a renewal has been tried; null = there is nothing to wait for. */
  note(secrets: readonly string[]): Promise<void> | null {
    const now = this.now();
    for (const secret of secrets) {
      if (now - (this.saidAt.get(secret) ?? -Infinity) < PAUSE_MS) continue;
      this.saidAt.set(secret, now);
      if (this.renewable.has(secret)) this.begin(secret);
      this.say(secret);
    }
    const { trial } = this;
    return trial !== null && secrets.some((secret) => trial.secrets.has(secret)) ? trial.over : null;
  }

  /** New values came, or word that there are none. */
  tried(): void {
    this.trial?.end();
  }

  private begin(secret: string): void {
    if (this.trial !== null) {
      this.trial.secrets.add(secret);
      return;
    }
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.trial?.end(), PATIENCE_MS);
    timer.unref();
    const end = (): void => {
      clearTimeout(timer);
      this.trial = null;
      resolve();
    };
    this.trial = { secrets: new Set([secret]), over, end };
  }
}
