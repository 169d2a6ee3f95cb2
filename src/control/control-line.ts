// What is said on a session's control socket: JSON lines, both ways.
import type { ControlMessage, HeldEvent, ReleasedEvent } from '../../proxy/src/contract.ts';
import { parseJsonObject } from '../json-object.ts';

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
  const value = parseJsonObject(line);
  if (value === null || (value.do !== 'approve' && value.do !== 'deny') || typeof value.id !== 'string') return null;
  return { do: value.do, id: value.id, always: value.always === true };
}

/** Null when it is of no interest to a person. */
export function parseControlEvent(line: string): ControlEvent | null {
  const value = parseJsonObject(line);
  const known = ['held', 'released', 'current', 'unknown'];
  // From the same version of the same repository.
  return typeof value?.event === 'string' && known.includes(value.event) ? (value as unknown as ControlEvent) : null;
}
