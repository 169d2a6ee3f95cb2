// One coarse clock for all idle limits: a sweep instead of a timer for every connection.

export interface Timed {
  /** In the clock's time (`Deadlines.now`); 0 = none. */
  deadline: number;
  onDeadline(): void;
}

const SWEEP_MS = 200;

export class Deadlines {
  /** Milliseconds since some start, advanced by each sweep. */
  now = 1;
  private readonly members = new Set<Timed>();
  private timer: NodeJS.Timeout | null = null;

  add(member: Timed): void {
    this.members.add(member);
    if (this.timer !== null) return;
    let before = performance.now();
    this.timer = setInterval(() => {
      const after = performance.now();
      this.now += after - before;
      before = after;
      this.sweep();
    }, SWEEP_MS);
    this.timer.unref();
  }

  delete(member: Timed): void {
    this.members.delete(member);
    if (this.members.size === 0) this.close();
  }

  close(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private sweep(): void {
    for (const member of this.members) {
      if (member.deadline === 0 || member.deadline > this.now) continue;
      member.deadline = 0;
      member.onDeadline();
    }
  }
}
