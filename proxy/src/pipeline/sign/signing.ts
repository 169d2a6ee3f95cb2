// What signs a route's requests: the same words for every kind of signature.
import type { ChunkSigner } from './chunk-signer.ts';

export interface SignableRequest {
  readonly method: string;
  /** Origin-form. */
  readonly target: string;
  /** As the upstream will see it: `api.example` or `api.example:8443`. */
  readonly host: string;
  readonly rawHeaders: readonly string[];
}

export type SignableBody =
  | { readonly kind: 'none' }
  /** `isChanged`: not what the agent has hashed. */
  | { readonly kind: 'whole'; readonly bytes: Uint8Array; readonly isChanged: boolean }
  | { readonly kind: 'stream'; readonly mayChange: boolean };

/** What no two signatures have in common. Each is read once at most. */
export interface Moment {
  readonly now: Date;
  /** Random, 32 hex digits. */
  readonly nonce: string;
}

export interface SignedHead {
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** The signature, in each form in which it must not come back; latin1. */
  readonly made: readonly string[];
  /** Through which the body goes; null = it stays as it is. */
  readonly chunks: ChunkSigner | null;
}

export interface Signing {
  /** The secrets that it signs with, or sends; `label`: human form of where each goes. */
  readonly secrets: readonly { readonly name: string; readonly label: string }[];
  /** Is it a field (lower case) that is removed before ours goes in? */
  ownsHeader(lower: string): boolean;
  /** The same for a decoded parameter. */
  ownsParameter(name: string): boolean;
  /** Throws NotSigned with the reason. */
  sign(request: SignableRequest, body: SignableBody, moment: Moment): SignedHead;
}
