// The boundary of the DLP engine: data in, matches and edits out. Pure; knows nothing of routes, verdicts or sockets.

import type { ThirdPartyRule } from '../contract.ts';
import type { Form } from './forms.ts';
import type { OpenRules } from './rules/runner.ts';

/** A text or format that the engine can find. `secret` and `placeholder` matches are exact and know whose value it was. */
export type MatchKind = 'known-secret' | 'placeholder' | 'canary' | 'detector';

export interface Match {
  /** `known-secret`, `placeholder`, `canary`, or the detector's id. */
  readonly detector: string;
  readonly kind: MatchKind;
  /** Name of the secret for the exact kinds, '' otherwise. */
  readonly secret: string;
  /** Place and chain of views: `query k > base64`, `body $.messages[3].content > percent`. */
  readonly where: string;
  /** Length of the matched text in its view, in characters. */
  readonly length: number;
  /** HMAC-SHA-256 of the matched text, keyed per session, first 16 hex digits. */
  readonly fingerprint: string;
  /**
   * Where the match stands in the input that was given (a string's characters, a body's bytes after content decoding), so that it
   * can be replaced: a match inside a decoded view spans the whole encoded piece.
   */
  readonly start: number;
  readonly end: number;
  /** Stands inside an archive that is passed on as it comes: it cannot be replaced. */
  readonly isFixed?: true;
}

export interface BodyMeta {
  /** Value of content-type, '' for none. */
  readonly contentType: string;
  /** Value of content-encoding, '' or `identity` for none. */
  readonly contentEncoding: string;
}

/** Why content could not be judged; each is a verdict of its own. */
export type Unjudged = { readonly kind: 'undecodable' | 'over_budget'; readonly detail: string };

export interface BodyScan {
  readonly matches: readonly Match[];
  /**
   * Set when some of the body could not be read; `matches` then holds what was found in the rest, or, for `over_budget`, before that. What is
   * written in a text (base64 in JSON) and cannot be read is a match of its own, `undecodable`: there it can be replaced.
   */
  readonly unjudged: Unjudged | null;
  /**
   * The body with every match that `chosen` accepts replaced by its stable placeholder, in the original content-encoding. Nothing is
   * re-serialised: other bytes stay as they are (for a compressed body: after decoding).
   */
  rewrite(chosen: (match: Match) => boolean): Buffer;
}

/**
 * Scan of a body too large to hold: bytes come back once they are judged; up to a window (64 KiB of content) is held back. A step's `release` is
 * for the caller to send, or not, according to its verdict on the step.
 */
export interface StreamScan {
  /** What leaves is not what came: compressed, and `redact` given. */
  readonly isWrittenAnew: boolean;
  /**
   * Judges what can be judged. `release` is the bytes as they came, or what `isWrittenAnew` says. A new match is not part of
   * `release` but of a later step's, unless `redact` accepted it: then its replacement is released.
   */
  push(chunk: Buffer): StreamStep;
  /**
   * Nothing more may come for a while: judges what came as if it ended here, and releases it but for a long word at its end, which may go on. What
   * comes later is searched together with it. Of compressed content nothing is released.
   */
  settle(): StreamStep;
  /** Judges and releases all the rest, with the matches that this step reports. */
  end(): StreamStep;
}

export interface StreamStep {
  readonly release: Buffer;
  readonly matches: readonly Match[];
  /** Reported once. Whoever goes on nevertheless gets, after `over_budget`, this and all later bytes unread, as they come. */
  readonly unjudged: Unjudged | null;
  /** Of what `isWrittenAnew`, when its coding cannot be read on: nothing that could follow is right. */
  readonly isBroken?: true;
}

export interface ScannerConfig {
  readonly secrets: readonly { readonly name: string; readonly value: string; readonly placeholder: string }[];
  /** Planted values, named; left out = none. */
  readonly canaries?: readonly { readonly name: string; readonly value: string }[];
  /** Active detector ids; null = all that are on by default. */
  readonly detectors: readonly string[] | null;
  /** Shingles of the workspace's source, as SourceIndexBuilder makes them; left out or null = not searched for. */
  readonly source?: Buffer | null;
  /** Rules of a person's own, and what runs them; left out = none. */
  readonly rules?: { readonly list: readonly ThirdPartyRule[]; readonly open: OpenRules } | null;
  /** Key of the fingerprints, at least 16 bytes, random per session. */
  readonly fingerprintKey: Buffer;
  /** Most bytes that one body may decode to. */
  readonly decodedBytes: number;
  /** The forms of a known value, where they are remembered over renewals; left out = worked out each time. */
  readonly formsOf?: (value: string) => readonly Form[];
}

export interface Scanner {
  /** A short text (header value, path, query value, host label) in all its views. `where` names the place. */
  scanText(where: string, text: string): readonly Match[];
  /** The texts joined in order without separators: what is split over several of them. Exact kinds only; what one text holds is left to scanText. */
  scanJoined(where: string, texts: readonly string[]): readonly Match[];
  /** Whether a token of a format with a prefix may begin in `text`: cheap, and now and then a false alarm. */
  mayBegin(text: string): boolean;
  /** A whole body. */
  scanBody(where: string, body: Buffer, meta: BodyMeta): BodyScan;
  /** A body that streams. `redact`: matches accepted by it are replaced in `release`; a compressed body is then encoded anew. */
  scanStream(where: string, meta: BodyMeta, redact: ((match: Match) => boolean) | null): StreamScan;
  /**
   * Stable replacement for a match: the same text gives the same one, `bottle-redacted-github-token-1f3a9c02`. Its characters mean
   * nothing in JSON, forms, URLs, multipart and headers, so that it stands in any of them as it is.
   */
  replacement(match: Match): string;
  /** `text` with every match replaced (for paths in records). */
  redactText(text: string): string;
}
