// A refusal as the HTTP answer that this client shows to a person.
import { BLOCK_HEADER, type BlockBody, type ErrorShape } from '../contract.ts';
import { gitAnswer } from './git/refusal.ts';
import type { RawAnswer, Refusal, RequestView } from './types.ts';

/** Header of an answer of ours that is no refusal: the upstream failed. `STAGE RULE ID`. */
export const ERROR_HEADER = 'x-bottle-error';
/** Largest body, in bytes. */
const LARGEST = 2048;

/** The words of an answer, cleaned and bounded. */
export interface Words {
  /** `bottle: REASON; FIX (ID)` */
  readonly text: string;
  readonly reason: string;
  readonly fix: string;
}

/**
 * `requestBody`: what has been read of the request's body, decoded (a git push names its refs there); null = nothing read.
 * `connection` is left to net. Upstream failures (stage `upstream`) render here too: 502, or 504 for rule `timeout`, with
 * `blocked: false` and the header `x-bottle-error` in place of `x-bottle-block`.
 */
export function renderRefusal(
  refusal: Refusal,
  view: RequestView,
  id: string,
  requestBody: Buffer | null = null,
): RawAnswer {
  const answer = answerOf(refusal, view, id, requestBody);
  const isFailure = refusal.stage === 'upstream';
  const rawHeaders = [
    'content-type',
    answer.contentType,
    'content-length',
    String(answer.body.length),
    'cache-control',
    'no-store',
    isFailure ? ERROR_HEADER : BLOCK_HEADER,
    `${refusal.stage} ${asHeaderWord(refusal.rule)} ${asHeaderWord(id)}`,
    ...answer.extraHeaders,
  ];
  // An answer to HEAD says how long its body would be, and has none.
  const reason = reasonPhrase(answer.status, refusal, id);
  return { status: answer.status, reason, rawHeaders, body: view.method === 'HEAD' ? Buffer.alloc(0) : answer.body };
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  readonly extraHeaders: readonly string[];
}

function answerOf(refusal: Refusal, view: RequestView, id: string, requestBody: Buffer | null): Answer {
  const words = wordsOf(refusal, id, 300);
  if (refusal.stage !== 'upstream') {
    const git = gitAnswer(view, words, refusal.rule, requestBody);
    if (git !== null) return { ...git, extraHeaders: [] };
  }
  if (isGrpc(view)) {
    const contentType = headerValue(view, 'content-type');
    return { status: 200, contentType, body: Buffer.alloc(0), extraHeaders: grpcStatus(refusal, words.text) };
  }
  for (const most of [300, 120, 40]) {
    const json = JSON.stringify(bodyOf(refusal, wordsOf(refusal, id, most), id));
    const body = Buffer.from(json, 'latin1');
    if (body.length <= LARGEST || most === 40) {
      const extraHeaders: string[] = [];
      const status = statusOf(refusal, view);
      if (status === 426) extraHeaders.push('upgrade', 'HTTP/1.1');
      return { status, contentType: 'application/json', body, extraHeaders };
    }
  }
  throw new Error('unreachable: the last length always fits');
}

/**
 * Never 401, 429 or 5xx for a refusal: agents retry those in silence. Model APIs get 400, which their clients show at once; 426 sends a
 * WebSocket client of such an API back to plain requests, where the same refusal can be shown.
 */
function statusOf(refusal: Refusal, view: RequestView): number {
  const isModel = refusal.errorShape !== 'plain';
  if (refusal.stage === 'upstream') {
    if (isModel && (refusal.rule === 'certificate' || refusal.rule === 'tls')) return 400;
    return refusal.rule === 'timeout' ? 504 : 502;
  }
  if (refusal.errorShape === 'openai' && headerValue(view, 'upgrade').toLowerCase() === 'websocket') return 426;
  return isModel || refusal.stage === 'protocol' ? 400 : 403;
}

const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  426: 'Upgrade Required',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
};

/** wget, pip, apt, Python's urllib and others show this and no body. */
function reasonPhrase(status: number, refusal: Refusal, id: string): string {
  const phrase = PHRASES[status];
  return phrase === undefined ? 'OK' : `${phrase}; bottle: ${clean(refusal.reason, 120)} (${clean(id, 32)})`;
}

function bodyOf(refusal: Refusal, words: Words, id: string): Record<string, unknown> {
  const { stage, rule, errorShape } = refusal;
  const fields: Omit<BlockBody, 'error' | 'blocked'> & { blocked: boolean } = {
    blocked: stage !== 'upstream',
    stage,
    rule: clean(rule, 64),
    reason: words.reason,
    fix: words.fix,
    id: clean(id, 32),
  };
  return { ...errorFields(errorShape, words.text, fields.blocked), ...fields };
}

function errorFields(shape: ErrorShape, text: string, isBlock: boolean): Record<string, unknown> {
  switch (shape) {
    case 'plain':
      // `message` is what clients of the GitHub API print.
      return { error: text, message: text };
    case 'anthropic':
      return { type: 'error', error: { type: isBlock ? 'invalid_request_error' : 'api_error', message: text } };
    case 'openai':
      return {
        error: { message: text, type: isBlock ? 'invalid_request_error' : 'api_error', param: null, code: 'bottle' },
      };
    case 'google':
      return {
        error: { code: isBlock ? 400 : 502, message: text, status: isBlock ? 'INVALID_ARGUMENT' : 'UNAVAILABLE' },
      };
    default:
      return shape satisfies never;
  }
}

function wordsOf(refusal: Refusal, id: string, most: number): Words {
  const reason = clean(refusal.reason, most);
  const fix = clean(refusal.fix, most);
  return { text: `bottle: ${reason}; ${fix} (${clean(id, 32)})`, reason, fix };
}

/** Printable ASCII, bounded: the words may quote an agent. */
function clean(text: string, most: number): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > most ? `${plain.slice(0, most - 3)}...` : plain;
}

function asHeaderWord(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '_').slice(0, 64) || '-';
}

/** Trailers of a call that is refused after its answer has begun; null where the client speaks no gRPC. */
export function grpcTrailers(refusal: Refusal, view: RequestView, id: string): readonly string[] | null {
  return isGrpc(view) ? grpcStatus(refusal, wordsOf(refusal, id, 300).text) : null;
}

/** PERMISSION_DENIED, which no client tries again, or UNAVAILABLE; the message percent-encoded (gRPC over HTTP2, "Responses"). */
function grpcStatus({ stage }: Refusal, text: string): readonly string[] {
  return ['grpc-status', stage === 'upstream' ? '14' : '7', 'grpc-message', text.replaceAll('%', '%25')];
}

function isGrpc(view: RequestView): boolean {
  return /^application\/grpc\b/i.test(headerValue(view, 'content-type'));
}

function headerValue(view: RequestView, lower: string): string {
  for (let i = 0; i < view.rawHeaders.length; i += 2) {
    if (view.rawHeaders[i]!.toLowerCase() === lower) return view.rawHeaders[i + 1]!.trim();
  }
  return '';
}
