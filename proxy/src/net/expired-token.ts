// AWS says with 400 or 403, not 401, that a session token has expired: in a field, or at the beginning of an answer that passes as it is.
import type { ResponseHead } from './h1/response-head.ts';

/** An error stands at the beginning; in bytes. */
const LOOK_BYTES = 4096;
const EXPIRED =
  /\b(?:ExpiredToken(?:Exception)?|TokenRefreshRequired|InvalidClientTokenId|UnrecognizedClientException)\b/;

export class ExpiredTokenWatch {
  private begun = '';
  private isOver = false;
  private readonly onExpired: () => void;

  /** null = such an answer does not say so. */
  static of(head: ResponseHead, onExpired: () => void): ExpiredTokenWatch | null {
    if (head.status !== 400 && head.status !== 403) return null;
    const watch = new ExpiredTokenWatch(onExpired);
    const { rawHeaders } = head;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (/^x-amzn?-?error-?(?:type|code)$/i.test(rawHeaders[i]!)) watch.judge(rawHeaders[i + 1]!);
    }
    return watch.isOver ? null : watch;
  }

  private constructor(onExpired: () => void) {
    this.onExpired = onExpired;
  }

  /** As it came; the answer itself is not touched. */
  push(chunk: Buffer): void {
    if (this.isOver) return;
    this.begun += chunk.toString('latin1', 0, LOOK_BYTES - this.begun.length);
    this.judge(this.begun);
    this.isOver ||= this.begun.length >= LOOK_BYTES;
  }

  private judge(text: string): void {
    if (this.isOver || !EXPIRED.test(text)) return;
    this.isOver = true;
    this.onExpired();
  }
}
