// Refusals that net/ gives by itself: broken protocol, failing upstream, failing log.
import type { ErrorShape, Finding } from '../contract.ts';
import type { Refusal } from '../pipeline/types.ts';
import type { ReadAnswer } from '../tokens/read-answer.ts';
import type { DialRefusal } from './dial-refused.ts';

/** What would help, for the rules that a client's author can act on. */
const FIXES: Readonly<Record<string, string>> = {
  'host-mismatch': 'name the same host and port in CONNECT, TLS, URL and Host',
  'not-absolute': 'use this address as an HTTP proxy, not as a server',
  'head-too-large': 'send fewer or shorter header fields',
  'head-timeout': 'send the whole head at once',
  'odd-address': 'write the address in its usual form',
  idn: 'use the xn-- form of the name',
  'target-bytes': 'percent-encode what a URL may not hold',
  'target-control': 'percent-encode what a URL may not hold',
  fragment: 'leave the fragment out of the request',
  h2c: 'use HTTP/1.1, or HTTP/2 inside TLS',
  connect: 'send the request itself inside this tunnel',
};

export function protocolRefusal(
  rule: string,
  reason: string,
  errorShape: ErrorShape = 'plain',
  findings: readonly Finding[] = [],
): Refusal {
  const fix = FIXES[rule] ?? 'send what a common HTTP library would send';
  return { stage: 'protocol', rule, reason, fix, errorShape, findings };
}

export function upstreamRefusal(rule: string, reason: string, errorShape: ErrorShape): Refusal {
  const fix = 'try again; if it stays so, the upstream is at fault';
  return { stage: 'upstream', rule, reason, fix, errorShape, findings: [] };
}

/** An answer that holds tokens which could not be kept from the agent. */
export function tokenRefusal(rule: TokenRule, why: string, routeId: string, errorShape: ErrorShape): Refusal {
  const reason = `the answer may hold tokens, and ${why} (${routeId})`;
  return { stage: 'upstream', rule, reason, fix: TOKEN_FIXES[rule], errorShape, findings: [] };
}

export type TokenRule = Extract<ReadAnswer, { readonly do: 'refuse' }>['rule'];

const TOKEN_FIXES: Readonly<Record<TokenRule, string>> = {
  'token-answer':
    'narrow the rules of the entry to its token endpoint, or take out `tokens` if no answer of it holds one',
  'token-unguarded': 'name the fields that hold its tokens under `tokens: { fields: [...] }`',
};

export function dialRefusal({ stage, rule, reason, fix }: DialRefusal, errorShape: ErrorShape): Refusal {
  return { stage, rule, reason, fix, errorShape, findings: [] };
}

export function auditRefusal(errorShape: ErrorShape): Refusal {
  return {
    stage: 'audit',
    rule: 'log',
    reason: 'the audit log cannot be written, so nothing is let through',
    fix: 'free space for the log of this session or start a new one',
    errorShape,
    findings: [],
  };
}
