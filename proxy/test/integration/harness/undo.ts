// What tests start is ended in reverse order, whatever they come to.

const undo: (() => unknown)[] = [];

export function later(step: () => unknown): void {
  undo.push(step);
}

/** For afterEach or afterAll. */
export async function undoAll(): Promise<void> {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
}
