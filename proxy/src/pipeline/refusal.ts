// A refusal as the HTTP answer that this client shows to a person.
import type { RawAnswer, Refusal, RequestView } from './types.ts';

/**
 * `requestBody`: what has been read of the request's body, decoded (a git push names its refs there); null = nothing read.
 * `connection` is left to net. Upstream failures (stage `upstream`) render here too: 502, or 504 for rule `timeout`, with `blocked: false`
 * and the header `x-bottle-error` in place of `x-bottle-block`.
 */
export function renderRefusal(
  _refusal: Refusal,
  _view: RequestView,
  _id: string,
  _requestBody?: Buffer | null,
): RawAnswer {
  throw new Error('refusals are being built');
}
