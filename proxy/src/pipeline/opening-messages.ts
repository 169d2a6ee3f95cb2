// The placeholder in the first messages of a WebSocket: where a protocol asks for its credential. Pure.
import type { Places } from './places.ts';

/** Text messages of the agent among which one may hold the placeholder: some protocols begin with a greeting, or a beat of the heart. */
export const OPENING_MESSAGES = 4;

export interface SwappedMessage {
  readonly payload: Buffer;
  /** Names of the secrets that went into it. */
  readonly injected: readonly string[];
}

/** What is left of a message is searched: its legal placeholders are set aside. */
export function withoutLegalMessage({ swaps }: Places, payload: Buffer): Buffer {
  let rest: string | null = null;
  for (const { inMessage, placeholder, neutral } of swaps) {
    if (!inMessage || !payload.includes(placeholder, 0, 'latin1')) continue;
    rest = (rest ?? payload.toString('latin1')).replaceAll(placeholder, neutral);
  }
  return rest === null ? payload : Buffer.from(rest, 'latin1');
}

/** `judged`: as it passed; null = nothing in it was set aside. */
export function swapMessage({ swaps }: Places, judged: Buffer): SwappedMessage | null {
  const text = judged.toString('latin1');
  const here = swaps.filter(({ inMessage, neutral }) => inMessage && text.includes(neutral));
  if (here.length === 0) return null;
  const isJson = /^\s*[[{]/.test(text);
  let sent = text;
  for (const { neutral, value } of here) {
    const written = isJson ? JSON.stringify(value).slice(1, -1) : value;
    sent = sent.replaceAll(neutral, () => written);
  }
  return { payload: Buffer.from(sent, 'latin1'), injected: here.map(({ secret }) => secret) };
}
