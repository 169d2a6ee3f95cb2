// An answer that is kept back for a moment: what comes of it is handed on later, in its order.

/** More is not kept: it goes on at once. */
const LIMIT_BYTES = 64 * 1024;

export class LateAnswer {
  private readonly kept: (() => void)[] = [];
  private bytes = 0;
  private isOut = false;
  private readonly onOut: () => void;

  constructor(until: Promise<void>, onOut: () => void) {
    this.onOut = onOut;
    void until.then(() => this.release());
  }

  add(bytes: number, handOn: () => void): void {
    this.kept.push(handOn);
    this.bytes += bytes;
    if (this.bytes > LIMIT_BYTES) this.release();
  }

  release(): void {
    if (this.isOut) return;
    this.isOut = true;
    this.onOut();
    for (const handOn of this.kept) handOn();
  }
}
