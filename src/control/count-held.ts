// How many requests of a session wait for a person, for `bottle ps`.
import { openConnection } from './connect-control.ts';

/** A session that does not answer by then is not waited for, in ms. */
const PATIENCE_MS = 500;

/** Null when nobody answers: it is ending, or stopped. */
export async function countHeld(path: string): Promise<number | null> {
  const control = await openConnection(path).catch(() => null); // gone meanwhile: there is nothing to count
  if (control === null) return null;
  const timer = setTimeout(control.close, PATIENCE_MS);
  try {
    let count = 0;
    for await (const { event } of control.events) {
      if (event === 'held') count++;
      if (event === 'current') return count;
    }
    return null;
  } finally {
    clearTimeout(timer);
    control.close();
  }
}
