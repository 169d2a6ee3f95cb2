// What a person's answer, or none, means for the client and for the record. Pure.
import type { Held, Refusal } from '../pipeline/types.ts';
import type { Outcome } from './record.ts';
import { type Answer, MOST_HELD } from './waiting-room.ts';

export function approvedOutcome({ refusal }: Held, answer: Extract<Answer, 'approved' | 'always'>): Outcome {
  const { stage, rule, reason } = refusal;
  const how = answer === 'always' ? 'approved by a person, as before' : 'approved by a person';
  return { verdict: 'hold', stage, rule, reason: `${how}: ${reason}` };
}

export function unapproved(
  { refusal }: Held,
  answer: Exclude<Answer, 'approved' | 'always'>,
  waitedMs: number,
): Refusal {
  return { ...refusal, reason: `${refusal.reason}; ${WORDS[answer](waitedMs)}`, isHeld: true };
}

/** One of the ends did not wait for the answer. */
export function leftOutcome({ refusal }: Held, by: 'client' | 'upstream'): Outcome {
  const { stage, rule, reason } = refusal;
  return { verdict: 'hold', stage, rule, reason: `${reason}; the ${by} left while it waited for a person` };
}

const WORDS: Readonly<Record<Exclude<Answer, 'approved' | 'always'>, (waitedMs: number) => string>> = {
  denied: () => 'denied by a person',
  timeout: (waitedMs) => `no person decided within ${waitedMs / 1000} s`,
  client: () => 'the client left while it waited for a person',
  full: () => `${MOST_HELD} requests wait for a person already`,
};
