// Remembers how to undo what was done: in reverse order, each once, on every way out.

export interface UndoFailure {
  readonly name: string;
  readonly error: unknown;
}

export class UndoStack {
  readonly #actions: { readonly name: string; readonly undo: () => Promise<void> | void }[] = [];
  #running: Promise<readonly UndoFailure[]> | undefined;

  push(name: string, undo: () => Promise<void> | void): void {
    this.#actions.push({ name, undo });
  }

  /**
   * Undoes everything, latest first. A second call gets the first one's result; what was pushed meanwhile is undone too.
   * A failing action does not keep the others from running: its error is reported.
   */
  async unwind(): Promise<readonly UndoFailure[]> {
    this.#running ??= this.#drain();
    const failures = await this.#running;
    if (this.#actions.length === 0) return failures;
    this.#running = this.#drain();
    return [...failures, ...(await this.#running)];
  }

  async #drain(): Promise<readonly UndoFailure[]> {
    const failures: UndoFailure[] = [];
    for (let action = this.#actions.pop(); action !== undefined; action = this.#actions.pop()) {
      try {
        await action.undo();
      } catch (error) {
        failures.push({ name: action.name, error });
      }
    }
    return failures;
  }
}
