// What is said on a session's control socket: JSON lines, both ways.
import type { ControlMessage, HeldEvent, ReleasedEvent } from '../../proxy/src/contract.ts';

/** Client -> session. */
export type PersonsWord = Extract<ControlMessage, { readonly do: 'approve' | 'deny' }>;

/** Session -> client. First every request that is held now, then `current`, then what happens. */
export type ControlEvent =
  | HeldEvent
  | ReleasedEvent
  | { readonly event: 'current' }
  /** The id of a word is of no request that is held. */
  | { readonly event: 'unknown'; readonly id: string };

/** Null when it is no word: nothing else is passed on to the proxy. */
export function parseWord(line: string): PersonsWord | null {
  const value = parseObject(line);
  if (value === null || (value.do !== 'approve' && value.do !== 'deny') || typeof value.id !== 'string') return null;
  return { do: value.do, id: value.id, always: value.always === true };
}

/** Null when it is of no interest to a person. */
export function parseControlEvent(line: string): ControlEvent | null {
  const value = parseObject(line);
  const known = ['held', 'released', 'current', 'unknown'];
  // From the same version of the same repository.
  return typeof value?.event === 'string' && known.includes(value.event) ? (value as unknown as ControlEvent) : null;
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
