// Who keeps the tokens that answers bring: one for all threads.
import type { FoundToken } from './read-answer.ts';
import type { KeptTokens } from './token-book.ts';

export interface TokenKeeper {
  /** `issuer`: id of the route. Resolves when every thread knows the pairs: only then may the placeholders leave. */
  keep(issuer: string, tokens: readonly FoundToken[]): Promise<KeptTokens>;
}
