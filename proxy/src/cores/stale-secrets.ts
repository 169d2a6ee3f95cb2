// Which secrets services no longer accept: said once a second for each, however often an agent tries.
const PAUSE_MS = 1000;

export class StaleSecrets {
  private readonly saidAt = new Map<string, number>();
  private readonly say: (secret: string) => void;
  private readonly now: () => number;

  constructor(say: (secret: string) => void, now: () => number = () => performance.now()) {
    this.say = say;
    this.now = now;
  }

  note(secrets: readonly string[]): void {
    const now = this.now();
    for (const secret of secrets) {
      if (now - (this.saidAt.get(secret) ?? -Infinity) < PAUSE_MS) continue;
      this.saidAt.set(secret, now);
      this.say(secret);
    }
  }
}
