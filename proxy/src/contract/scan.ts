// Searching files (`bottle scan`), and fingerprints of a workspace (`dlp.workspace`).
import type { ProxyConfig, SecretValue } from './config.ts';
import type { Finding } from './record.ts';

export interface ScanRequest {
  readonly dlp: ProxyConfig['dlp'];
  /** Values to search for besides what the detectors know. */
  readonly secrets: readonly SecretValue[];
  /** Absolute paths of files and directories; `-` is what follows this line on stdin. */
  readonly targets: readonly string[];
  /** Also what a search of source text leaves out: `.git` and `node_modules`. */
  readonly everything: boolean;
  /** As ProxyLimits.decodedBytes, for each file. */
  readonly decodedBytes: number;
}

export interface ScanFinding extends Finding {
  /** As in `targets`, or below one of them. */
  readonly file: string;
  /** 1-based; null where the file has no lines of its own (HAR, compressed). */
  readonly line: number | null;
  /** 1-based, in bytes; null together with `line`. */
  readonly column: number | null;
}

/** What a detector is, for reports. */
export interface DetectorText {
  readonly id: string;
  readonly description: string;
  /** The document that describes the format. */
  readonly source: string;
}

/** `begin` first, `done` last, unless `fatal` ends it. */
export type ScanEvent =
  | { readonly event: 'begin'; readonly files: number; readonly detectors: readonly DetectorText[] }
  /** So many files and bytes are behind us. */
  | { readonly event: 'progress'; readonly files: number; readonly bytes: number }
  | { readonly event: 'finding'; readonly finding: ScanFinding }
  /** Some of this file was not searched. */
  | { readonly event: 'unread'; readonly file: string; readonly why: string }
  | { readonly event: 'done'; readonly files: number; readonly bytes: number; readonly skipped: number }
  | { readonly event: 'fatal'; readonly what: string; readonly why: string; readonly fix: string };

export interface IndexRequest {
  /** Absolute path. */
  readonly root: string;
  /** No further file is read after this time, in ms. */
  readonly budgetMs: number;
}

export interface SourceIndexed {
  /** Source files that were read, of so many that there are. */
  readonly files: number;
  readonly ofFiles: number;
  /** Base64 of four bytes a shingle. */
  readonly shingles: string;
}
